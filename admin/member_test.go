package admin_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// The state word in a list for each possible state of an account, under a policy that
// requires a factor and one that does not.
var standings = map[string]struct {
	make               func(h *harness, u totpflow.User, id store.AccountID)
	required, optional admin.MemberState
}{
	"never seen":      {func(*harness, totpflow.User, store.AccountID) {}, admin.StateRequired, admin.StateDisabled},
	"without":         {func(h *harness, u totpflow.User, _ store.AccountID) { h.Step(u) }, admin.StateRequired, admin.StateDisabled},
	"enrolled":        {func(h *harness, u totpflow.User, _ store.AccountID) { h.Enroll(u) }, admin.StateEnabled, admin.StateEnabled},
	"exempt":          {func(h *harness, _ totpflow.User, id store.AccountID) { h.exempts(id) }, admin.StateExempt, admin.StateExempt},
	"more grace":      {func(h *harness, _ totpflow.User, id store.AccountID) { h.extends(id) }, admin.StateGrace, admin.StateDisabled},
	"reset":           {func(h *harness, u totpflow.User, id store.AccountID) { h.Enroll(u); h.Reset(id) }, admin.StateRequired, admin.StateRequired},
	"frozen":          {func(h *harness, u totpflow.User, _ store.AccountID) { h.Enroll(u); h.Freeze(u) }, admin.StateFrozen, admin.StateFrozen},
	"frozen, reset":   {func(h *harness, u totpflow.User, id store.AccountID) { h.Enroll(u); h.Reset(id); h.Freeze(u) }, admin.StateFrozen, admin.StateFrozen},
	"frozen, machine": {func(h *harness, u totpflow.User, id store.AccountID) { h.exempts(id); h.Freeze(u) }, admin.StateFrozen, admin.StateFrozen},
	"unreadable":      {func(h *harness, u totpflow.User, id store.AccountID) { h.Step(u); h.Garble(id) }, admin.StateUnreadable, admin.StateUnreadable},
}

func (h *harness) exempts(id store.AccountID) {
	h.T.Helper()
	require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, id, "agent")))
}

func (h *harness) extends(id store.AccountID) {
	h.T.Helper()
	require.NoError(h.T, h.Admin(nil).ExtendGrace(h.Ctx, ops, id, h.Clock.Now().Add(days(7))))
}

func TestMemberStates(t *testing.T) {
	h := newHarness(t, ofTenants)
	var ids []store.AccountID
	for name, c := range standings {
		id := store.AccountID{Tenant: "acme", User: name}
		c.make(h, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: name}}, id)
		ids = append(ids, id)
	}
	for _, mode := range []policy.Mode{policy.Required, policy.Optional, policy.Off} {
		h.SetPolicy("acme", policy.Policy{Mode: mode})
		members, err := servicetest.Collect(h.Admin(nil).Status(h.Ctx, ops, ids...))
		require.NoError(t, err)
		counted := map[admin.MemberState]int{}
		for i, m := range members {
			require.Equal(t, ids[i], m.ID, "in the order asked for")
			want := standings[m.ID.User].optional
			if mode == policy.Required {
				want = standings[m.ID.User].required
			}
			require.Equal(t, want, m.State, "%s, %s", m.ID.User, mode)
			require.Equal(t, mode == policy.Required, m.Required)
			require.Equal(t, m.ID.User == "never seen", m.Updated.IsZero())
			counted[m.State]++
		}
		c := servicetest.CountMembers(members...)
		require.Equal(t, admin.Counts{
			Total: len(ids), Enabled: counted["enabled"], Required: counted["required"], Grace: counted["grace"],
			Disabled: counted["disabled"], Exempt: counted["exempt"], Frozen: counted["frozen"], Unreadable: counted["unreadable"],
		}, c)
		require.Equal(t, c.Total, c.Enabled+c.Required+c.Grace+c.Disabled+c.Exempt+c.Frozen+c.Unreadable, "each counts once")
	}
}

// The same words in a list of records, each of which has one.
func TestListIsAsStatus(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for name, c := range standings {
		c.make(h, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: name}}, store.AccountID{Tenant: "acme", User: name})
	}
	page, err := h.Admin(nil).ListPage(h.Ctx, ops, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	require.Equal(t, strings.Join([]string{"enrolled", "exempt", "frozen", "frozen, machine", "frozen, reset", "more grace", "reset", "unreadable", "without"}, "|"),
		strings.Join(listed(page), "|"), "in the order of their ids")
	for _, m := range page.Members {
		one := h.Member(m.ID)
		one.Activity = nil // only on the page of one account
		require.Equal(t, one, m)
	}
}

func listed(page admin.MemberPage) (users []string) {
	for _, m := range page.Members {
		users = append(users, m.ID.User)
	}
	return users
}

// The list entry of a person who has everything.
func TestMember(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	phone, _ := h.Enroll(ana)
	phone, codes := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
	h.Clock.Advance(days(1))
	h.TrustBrowserOf(ana, phone)
	used := h.Clock.Now()
	_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	token := h.TrustBrowserOf(ana, phone)
	require.NotEmpty(t, token)
	h.Clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	m := h.Member(anaID)
	require.Equal(t, admin.StateEnabled, m.State)
	require.Equal(t, enroll.Active, m.Enrollment)
	require.True(t, m.Required)
	require.Zero(t, m.GraceUntil)
	require.Equal(t, 1, m.Authenticators)
	require.Len(t, m.Recoverable, 1)
	require.Len(t, m.Browsers, 1)
	require.Equal(t, "Firefox on Linux", m.Browsers[0].Label)
	require.Equal(t, 9, m.RecoveryCodesLeft)
	require.False(t, m.LastUsed.Before(used))
	require.NotNil(t, m.Throttled)
	require.Zero(t, m.ResetAt)
	require.Zero(t, m.FrozenAt)
	require.Empty(t, m.Machine)
	require.Equal(t, h.Clock.Now(), m.Updated)
}

// Pages follow each other without a gap, by state and by tenant, and none of them
// contains the tenants' own records.
func TestListPages(t *testing.T) {
	h := newHarness(t, ofTenants, func(c *totpflow.Config) { c.Observer = quiet })
	var want []string
	for i := range 23 {
		id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("t%02d", i)} // around "totpflow:tenant"
		if i%2 == 0 {
			h.exempts(id)
		} else {
			h.extends(id)
		}
		want = append(want, id.User)
	}
	h.exempts(store.AccountID{Tenant: "acme", User: "totpflow"})
	h.exempts(store.AccountID{Tenant: "acme", User: "zoe"})
	h.exempts(store.AccountID{Tenant: "globex", User: "t00"})
	want = append(want, "totpflow", "zoe")
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	_, err := h.Admin(nil).ResetMany(h.Ctx, ops, "globex", []string{"x"}, admin.ScopeAll) // a record of a tenant without a policy
	require.NoError(t, err)

	all := func(q store.Query) (users []string) {
		for {
			page, err := h.Admin(nil).ListPage(h.Ctx, ops, q)
			require.NoError(t, err)
			users = append(users, listed(page)...)
			if q.Cursor = page.Next; q.Cursor == "" {
				return users
			}
		}
	}
	for _, limit := range []int{0, 1, 2, 7, 100} {
		require.Equal(t, want, all(store.Query{Tenant: "acme", Limit: limit}), limit)
	}
	require.Len(t, all(store.Query{Tenant: "acme", State: "exempt", Limit: 5}), 14)
	require.Len(t, all(store.Query{Tenant: "acme", State: "disabled", Limit: 5}), 11)
	require.Empty(t, all(store.Query{Tenant: "acme", State: "tenant"}))
	require.Empty(t, all(store.Query{Tenant: "globex", State: "disabled"}))
	require.Equal(t, []string{"t00"}, all(store.Query{Tenant: "globex"}))
	require.Len(t, all(store.Query{AllTenants: true, Limit: 3}), 26)

	for name, q := range map[string]store.Query{
		"a cursor of nobody's":         {Tenant: "acme", Cursor: "x"},
		"a cursor of another tenant":   {Tenant: "acme", Cursor: store.Cursor(store.AccountID{Tenant: "globex", User: "a"})},
		"less than none":               {Tenant: "acme", Limit: -1},
		"one tenant and all of them":   {Tenant: "acme", AllTenants: true},
		"a state that no record has":   {Tenant: "acme", State: strings.Repeat("x", 40)},
		"a tenant that is none at all": {Tenant: "\x00"},
	} {
		_, err := servicetest.Collect(h.Admin(nil).List(h.Ctx, ops, q))
		require.True(t, errors.Is(err, store.ErrQuery) || errors.Is(err, store.ErrCursor) || errors.Is(err, store.ErrID), "%s: %v", name, err)
		require.NotErrorIs(t, err, store.ErrUnavailable, name)
	}
	h.Store.SetFaults(totptest.Faults{List: errors.New("gone")})
	_, err = servicetest.Collect(h.Admin(nil).List(h.Ctx, ops, store.Query{Tenant: "acme"}))
	require.ErrorIs(t, err, store.ErrUnavailable)
	h.Store.SetFaults(totptest.Faults{Get: errors.New("gone")})
	_, err = servicetest.Collect(h.Admin(nil).Status(h.Ctx, ops, anaID))
	require.Error(t, err)
}

// Nothing that an administrator sees, however it is printed, contains a secret: not the
// lists, not the file, not an error, not an event.
func TestAdministratorsSeeNoSecret(t *testing.T) {
	o := newOrganization(t)
	phone, codes := o.Enroll(ana)
	token := o.TrustBrowserOf(ana, phone)
	code := phone.Code()
	challenge := o.Challenge(ana)
	page, err := o.BeginEnrollment(o.Ctx, o.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
	require.NoError(t, err)
	replaced, err := totptest.ScanURI(page.Offer.URI(), o.Clock)
	require.NoError(t, err)
	secrets := append(codes, string(token), code, string(challenge), string(page.Token), strings.ReplaceAll(page.Offer.Secret(), " ", ""), servicetest.RFCSecret)
	done, err := o.ConfirmEnrollment(o.Ctx, page.Token, replaced.Code())
	require.NoError(t, err)
	secrets = append(secrets, done.Sheet.Codes...)
	var m mailbox
	require.NoError(t, o.admin.IssueRecoveryCode(o.Ctx, o.By(o.boss, admin.ActionIssueCode), anaID, m.Deliver))
	secrets = append(secrets, m.Code())
	by := o.By(o.boss, admin.ActionImport)
	secrets = append(secrets, string(by.Proof))
	row := admin.Imported{ID: anaID, Name: "x", Key: rfcKey(t)}
	outcomes, err := o.admin.Import(o.Ctx, by, []admin.Imported{row})
	require.NoError(t, err)

	var file bytes.Buffer
	member := o.Member(anaID)
	require.NoError(t, admin.WriteCSV(&file, servicetest.Each(member), nil))
	tenant, err := o.admin.Tenant(o.Ctx, ops, "acme")
	require.NoError(t, err)
	again := servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll)) // the proof is used
	require.Error(t, again)
	for _, v := range []any{member, tenant, outcomes, outcomes[0].Err, again, row, o.Status(ana), o.Events.Got} {
		servicetest.RequireNone(t, servicetest.Printed(v), secrets)
	}
	servicetest.RequireNone(t, file.String(), secrets)
	o.RequireNoneStored(secrets)
}

// A loop that ends early reads no further page. An error ends the loop: it comes once, by
// itself, after everything that was read before it.
func TestListIsReadAsFarAsTheLoopGoes(t *testing.T) {
	h := newHarness(t)
	h.crowd(8)
	a, q := h.Admin(nil), store.Query{Tenant: "acme", Limit: 2}
	h.Store.Reset()
	for _, err := range a.List(h.Ctx, ops, q) {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 1, h.Store.Counts().List)

	gone := errors.New("gone")
	var members []admin.Member
	var failed error
	for m, err := range a.List(h.Ctx, ops, q) {
		require.NoError(t, failed, "the loop goes on after an error")
		if failed = err; err != nil {
			require.Zero(t, m)
			continue
		}
		members = append(members, m)
		h.Store.SetFaults(totptest.Faults{List: gone, Get: gone})
	}
	require.ErrorIs(t, failed, gone)
	require.ErrorIs(t, failed, store.ErrUnavailable)
	require.Len(t, members, 2)

	failed = nil
	for m, err := range a.Status(h.Ctx, ops, members[0].ID, members[1].ID) {
		require.NoError(t, failed, "the loop goes on after an error")
		require.ErrorIs(t, err, gone)
		require.Zero(t, m)
		failed = err
	}
	require.Error(t, failed)

	failed = nil
	for c, err := range a.Check(h.Ctx, ops) {
		require.NoError(t, failed, "the loop goes on after an error")
		require.ErrorIs(t, err, gone)
		require.Zero(t, c)
		failed = err
	}
	require.Error(t, failed)
}
