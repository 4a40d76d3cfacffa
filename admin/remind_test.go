package admin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// of returns the error of the only outcome.
func of(t *testing.T, outcomes []admin.Outcome, err error) error {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, outcomes, 1)
	return outcomes[0].Err
}

// A person is reminded 30, 7 and 1 days before the end, once each, however many processes
// run the job and however often.
func TestRemindDue(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(40)})
	adm := h.Admin(nil)
	d, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonGrace, d.Reason)
	end := d.GraceUntil
	late := totpflow.User{ID: store.AccountID{Tenant: "acme", User: "late"}} // whom no job reminds before the end
	require.NoError(t, servicetest.ErrorOf(h.SignIn(h.Ctx, late)))
	var sent []time.Duration
	for h.Clock.Now().Before(end.Add(days(3))) {
		for range 3 {
			for _, process := range []admin.Admin{adm, admin.New(h.Open(ofTenants), nil)} {
				outcomes, err := process.RemindDue(h.Ctx, ops, "acme", []string{ana.ID.User})
				if err := of(t, outcomes, err); err == nil {
					sent = append(sent, end.Sub(h.Clock.Now()))
				} else {
					require.ErrorIs(t, err, admin.ErrNotDue)
				}
			}
		}
		h.Clock.Advance(time.Hour)
	}
	require.Equal(t, []time.Duration{days(30), days(7), days(1)}, sent)
	for _, user := range []string{late.ID.User, "never"} { // after the end, and before the grace period has begun
		outcomes, err := adm.RemindDue(h.Ctx, ops, "acme", []string{user})
		require.ErrorIs(t, of(t, outcomes, err), admin.ErrNotDue)
	}
	for _, e := range h.EventsOf(event.SetupReminded) {
		require.Equal(t, end, e.Until)
		require.Empty(t, h.NewDisownToken(e), "a reminder has no link that closes the account")
	}
}

// The button reminds people without a factor, and nobody twice in a day: not on a second
// click, and not by two administrators at once.
func TestRemind(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(14)})
	adm := h.Admin(nil)
	never, enrolled := store.AccountID{Tenant: "acme", User: "never"}, totpflow.User{ID: store.AccountID{Tenant: "acme", User: "done"}}
	d, err := h.SignIn(h.Ctx, enrolled)
	require.NoError(t, err)
	h.EnrollBy(d.Proof)
	h.Clock.Advance(time.Minute)
	remind := func(user string) error {
		outcomes, err := adm.Remind(h.Ctx, ops, "acme", []string{user})
		return of(t, outcomes, err)
	}
	require.NoError(t, remind(never.User), "also a person who never came")
	require.ErrorIs(t, remind(never.User), admin.ErrReminded)
	require.ErrorIs(t, remind(enrolled.ID.User), admin.ErrNotMissing)
	h.Clock.Advance(days(1) - time.Second)
	require.ErrorIs(t, remind(never.User), admin.ErrReminded)
	h.Clock.Advance(time.Second)
	results := make([]error, 4)
	servicetest.Together(len(results), func(i int) {
		outcomes, err := adm.Remind(h.Ctx, ops, "acme", []string{never.User})
		if results[i] = err; err == nil {
			results[i] = outcomes[0].Err
		}
	})
	count := 0
	for _, err := range results {
		if err == nil {
			count++
		} else {
			require.ErrorIs(t, err, admin.ErrReminded)
		}
	}
	require.Equal(t, 1, count)
	require.Zero(t, h.EventsOf(event.SetupReminded)[0].Until, "the grace has not begun")

	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	h.Clock.Advance(days(2))
	require.ErrorIs(t, remind(never.User), admin.ErrNotMissing)
	most := make([]string, admin.MaxAccounts)
	for i := range most {
		most[i] = fmt.Sprint("u", i)
	}
	outcomes, err := adm.Remind(h.Ctx, ops, "acme", most)
	require.NoError(t, err)
	require.Len(t, outcomes, admin.MaxAccounts)
	for _, users := range [][]string{nil, append(most, "one more")} {
		_, err = adm.Remind(h.Ctx, ops, "acme", users)
		require.ErrorIs(t, err, admin.ErrBulk)
	}
}

// The button also reminds people who were reset, since they must enroll whatever the policy
// says. The job does not: they have no grace period that ends.
func TestRemindAfterReset(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	adm := h.Admin(nil)
	h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	remind := func() error {
		outcomes, err := adm.Remind(h.Ctx, ops, "acme", []string{ana.ID.User})
		return of(t, outcomes, err)
	}
	require.ErrorIs(t, remind(), admin.ErrNotMissing)
	_, err := adm.Reset(h.Ctx, ops, ana.ID, admin.ScopeAll)
	require.NoError(t, err)
	outcomes, err := adm.RemindDue(h.Ctx, ops, "acme", []string{ana.ID.User})
	require.ErrorIs(t, of(t, outcomes, err), admin.ErrNotDue)
	require.NoError(t, remind())
	reminded := h.EventsOf(event.SetupReminded)[0]
	require.Zero(t, reminded.Until, "the next sign-in asks for it")
	require.Empty(t, reminded.Method, "the password leads there")
	require.ErrorIs(t, remind(), admin.ErrReminded)

	// After a day the password alone no longer leads there, and the reminder says so.
	h.Clock.Advance(days(1))
	require.NoError(t, remind())
	require.Equal(t, string(totpflow.MethodIssuedCode), h.EventsOf(event.SetupReminded)[0].Method)
}
