package admin_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// tidied runs Tidy to its end and returns its last progress.
func (h *harness) tidied(office admin.Admin) (last admin.Progress) {
	h.T.Helper()
	var preview admin.Progress
	require.NoError(h.T, office.PreviewTidy(h.Ctx, ops, "", func(p admin.Progress) { preview = p }))
	require.NoError(h.T, office.Tidy(h.Ctx, ops, "", func(p admin.Progress) { last = p }))
	require.Equal(h.T, preview, last, "the preview is what is done")
	return last
}

// sizes returns how many records there are, and the longest.
func (h *harness) sizes() (records, longest int) {
	h.T.Helper()
	q := store.Query{AllTenants: true, Limit: store.MaxLimit}
	for {
		page, err := h.Memory.List(h.Ctx, q)
		require.NoError(h.T, err)
		for _, rec := range page.Records {
			records++
			longest = max(longest, len(rec.Sealed))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return records, longest
		}
	}
}

// Ten years of one account that is used every day, and of 365 that are used once a year:
// the store is as large at the end as it was after the first year. A million quiet
// accounts take so many times as much, since records do not depend on each other.
func TestADecadeStaysBounded(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	office := admin.New(h.Service, nil)
	app, _ := h.Enroll(ana)
	const quiet, perDay = 365, 1
	years, perYear := 10, 365
	if testing.Short() {
		years, perYear = 3, 60
	}
	var longest, total []int
	for year := range years {
		for day := range perYear {
			h.Clock.Advance(24 * time.Hour)
			h.TrustBrowserOf(ana, app)
			if day%10 == 0 {
				h.Clock.Advance(time.Minute)
				_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), app.WrongCode())
				require.ErrorIs(t, err, totpflow.ErrRejected)
			}
			if day%30 == 0 { // a new number, which is never seen again
				h.Clock.Advance(time.Minute)
				p, err := h.BeginPhone(h.Ctx, h.Prove(ana, totpflow.ActionAddPhone, app), numberOf(year*perYear+day))
				require.NoError(t, err)
				require.NoError(t, second(h.SendEnrollmentCode(h.Ctx, p.Token, phone.SMS)))
			}
			for n := range perDay { // each quiet person comes once in a year
				u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("quiet-", (day*perDay+n)%quiet)}}
				if _, err := h.Memory.Get(h.Ctx, u.ID); err != nil {
					h.Clock.Advance(time.Minute)
					next, err := h.SignIn(h.Ctx, u)
					require.NoError(t, err)
					p, err := h.BeginPhone(h.Ctx, next.Challenge, numberOf(1_000_000+day*perDay+n))
					require.NoError(t, err)
					require.NoError(t, second(h.SendEnrollmentCode(h.Ctx, p.Token, phone.SMS)))
					require.NoError(t, second(h.ConfirmPhone(h.Ctx, p.Token, sent.Code())))
				} else {
					require.NoError(t, second(h.SignIn(h.Ctx, u)))
				}
			}
			sent.Sent = sent.Sent[:0]
			if day%30 == 0 {
				h.tidied(office)
			}
		}
		h.Clock.Advance(24 * time.Hour)
		h.tidied(office)
		records, most := h.sizes()
		longest, total = append(longest, most), append(total, records)
	}
	people := min(quiet, perYear*perDay) + 1
	for year := range years {
		require.LessOrEqual(t, total[year], people+1, "nothing is kept but the people and their tenant: %v", total)
		require.Less(t, longest[year], 3500, "%v", longest) // docs/operations.md has these two numbers
		require.Less(t, longest[year], longest[0]*5/4+1, "%v", longest)
	}
	_, average := h.quietSize()
	t.Logf("the longest record in each year: %v bytes; a million quiet accounts: %d MB", longest, average*1_000_000/1_000_000)
	require.Less(t, average, 250, "bytes of a quiet account")
}

// quietSize returns the number of quiet accounts and the average length of their records.
func (h *harness) quietSize() (n, average int) {
	sum := 0
	for i := range 365 {
		if rec, err := h.Memory.Get(h.Ctx, store.AccountID{Tenant: "acme", User: fmt.Sprint("quiet-", i)}); err == nil {
			n++
			sum += len(rec.Sealed)
		}
	}
	return n, sum / n
}

func numberOf(i int) phone.Number { return number(fmt.Sprintf("+43 660 %07d", i)) }

func second[T any](_ T, err error) error { return err }

// Records that a limit still needs stay, and an early call of Tidy lets nobody send one
// message more.
func TestTidyKeepsWhatLimitsNeed(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	office := admin.New(h.Service, nil)
	send := func(i int) error {
		next, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("someone-", i)}})
		require.NoError(t, err)
		p, err := h.BeginPhone(h.Ctx, next.Challenge, mobile)
		require.NoError(t, err)
		return second(h.SendEnrollmentCode(h.Ctx, p.Token, phone.SMS))
	}
	for i := range 5 { // half of the ten a day to a number that is not verified
		require.NoError(t, send(i))
		h.Clock.Advance(time.Hour)
	}
	require.ErrorIs(t, send(5), totpflow.ErrPhoneLimit)
	require.Zero(t, h.tidied(office).Deleted)
	require.ErrorIs(t, send(6), totpflow.ErrPhoneLimit)
	h.Clock.Advance(18 * time.Hour)
	require.Zero(t, h.tidied(office).Deleted, "the last ones are of this day")
	require.ErrorIs(t, send(7), totpflow.ErrPhoneLimit)
	h.Clock.Advance(7 * time.Hour)
	require.Equal(t, 6, h.tidied(office).Deleted, "number, prefix and tenant, and the half of each; the tenant's own counts no message any more")
	require.Zero(t, h.tidied(office).Deleted)
	require.NoError(t, send(8))

	// A process that does not know the product's limits keeps the records for as long as
	// a limit may need them.
	elsewhere := admin.New(h.Open(withMode(policy.Required)), nil)
	h.Clock.Advance(100 * 24 * time.Hour)
	require.Zero(t, h.tidied(elsewhere).Deleted)
	h.Clock.Advance(phone.MaxPeriod)
	require.NotZero(t, h.tidied(elsewhere).Deleted)
}

// A message that is counted while Tidy looks at its record is not lost.
func TestTidyLosesToAFlow(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	h.EnrollPhone(ana, &sent)
	h.Clock.Advance(48 * time.Hour)
	racing := false
	office := admin.New(h.Open(append(withPhones(&sent), func(c *totpflow.Config) {
		c.Store = deletes{c.Store, func() {
			if !racing {
				racing = true
				d, err := h.SignIn(h.Ctx, ana)
				require.NoError(t, err)
				require.NoError(t, second(h.SendPhoneCode(h.Ctx, d.Challenge, d.Phones[0].ID, phone.SMS)))
			}
		}}
	})...), nil)
	var last admin.Progress
	require.NoError(t, office.Tidy(h.Ctx, ops, "", func(p admin.Progress) { last = p }))
	require.True(t, racing)
	require.Equal(t, 3, last.Deleted, "of numbers that are not verified; the others count the message of this moment")
}

// A deletes store calls before it deletes.
type deletes struct {
	store.Store
	before func()
}

func (d deletes) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	d.before()
	return d.Store.Delete(ctx, id, was)
}

// Accounts keep what counts, and lose what has ended, even if nobody writes to them.
func TestTidyOfAccounts(t *testing.T) {
	o := newOrganization(t)
	h := o.harness
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
	require.NotEmpty(t, h.member(o.admin).Recoverable)
	mark, generation := h.Mark(ana), h.member(o.admin).Generation
	require.Zero(t, h.tidied(o.admin).Changed)
	h.Clock.Advance(73 * time.Hour)
	before, err := h.Memory.Get(h.Ctx, anaID)
	require.NoError(t, err)
	require.NotZero(t, h.tidied(o.admin).Changed)
	after, err := h.Memory.Get(h.Ctx, anaID)
	require.NoError(t, err)
	require.Less(t, len(after.Sealed), len(before.Sealed)-20, "the secret of the old authenticator is gone")
	require.True(t, h.SessionStands(ana, mark))
	require.Equal(t, generation, h.member(o.admin).Generation)
	h.Store.Reset()
	require.Zero(t, h.tidied(o.admin).Changed)
	require.Zero(t, h.Store.Counts().Put)
	require.Zero(t, h.Store.Counts().Get, "a record that needs nothing is read with its page")

	empty, err := account.Seal(h.Ring(), agentID, account.Account{}, h.Clock.Now(), time.Time{})
	require.NoError(t, err)
	require.NoError(t, h.Memory.Put(h.Ctx, *empty, store.Version{}))
	require.Zero(t, h.tidied(o.admin).Deleted, "an account's record stays, whatever it holds")
	require.NoError(t, second(h.Memory.Get(h.Ctx, agentID)))
}

func (h *harness) member(office admin.Admin) admin.Member {
	h.T.Helper()
	m, err := office.Member(h.Ctx, ops, anaID)
	require.NoError(h.T, err)
	return m
}

// A run that is cut short goes on from its cursor, passes over records that do not open,
// and requires an operator.
func TestTidyGoesOn(t *testing.T) {
	h := newHarness(t)
	office := admin.New(h.Service, nil)
	for i := range 3 * store.MaxLimit {
		require.NoError(t, second(h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: fmt.Sprint(i)}})))
	}
	ctx, cancel := context.WithCancel(h.Ctx)
	var at admin.Progress
	err := office.Tidy(ctx, ops, "", func(p admin.Progress) { at = p; cancel() })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, store.MaxLimit, at.Seen)
	require.NoError(t, office.Tidy(h.Ctx, ops, at.Cursor, func(p admin.Progress) { at = p }))
	require.Equal(t, 2*store.MaxLimit, at.Seen)
	require.ErrorIs(t, office.Tidy(h.Ctx, admin.Operator{}, "", nil), admin.ErrNotAllowed)

	h.Keys = keyring.Generate()
	var unread int
	err = admin.New(h.Open(), nil).Tidy(h.Ctx, ops, "", func(p admin.Progress) { unread += len(p.Unreadable) })
	require.ErrorIs(t, err, admin.ErrUnreadable)
	require.Equal(t, 3*store.MaxLimit, unread)
}
