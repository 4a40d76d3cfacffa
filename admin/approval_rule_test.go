package admin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// The rule is asked about both the administrator who approves and the one who asked, for
// every pending request, even if it concerns a tenant and not an account.
func TestRuleIsAskedAboutBoth(t *testing.T) {
	for name, w := range waits {
		for _, refused := range []string{"boss", "deputy"} {
			t.Run(name+"/"+refused, func(t *testing.T) {
				o := byTwo(t)
				require.ErrorIs(t, w.ask(o, o.ByFor(o.boss, w.purpose(o))), admin.ErrApproval)
				rule := func(_ context.Context, u totpflow.User, a totpflow.Action, _ store.AccountID) error {
					if u.ID.User == refused && a == w.action {
						return errSays
					}
					return nil
				}
				by := o.By(o.deputy, admin.ActionApprove)
				require.ErrorIs(t, servicetest.ErrorOf(o.Admin(rule).Approve(o.Ctx, by, "acme", o.pending("acme"))), errSays)
				require.False(t, w.done(o))
			})
		}
	}
}

// A list says which requests the administrator may approve: none of their own, and none of
// an account that the rule knows as theirs. Where the rule cannot decide, there is no list.
func TestApprovable(t *testing.T) {
	for name, w := range waits {
		t.Run(name, func(t *testing.T) {
			o := byTwo(t)
			require.ErrorIs(t, w.ask(o, o.ByFor(o.boss, w.purpose(o))), admin.ErrApproval)
			var says error
			rule := func(_ context.Context, _ totpflow.User, a totpflow.Action, target store.AccountID) error {
				if a == admin.ActionApprove && target == o.boss.ID {
					return says
				}
				return nil
			}
			approvable := func(by admin.Actor) bool {
				t.Helper()
				st, err := o.Admin(rule).Tenant(o.Ctx, by, "acme")
				require.NoError(t, err)
				require.Len(t, st.Pending, 1)
				return st.Pending[0].Approvable
			}
			require.False(t, approvable(admin.Administrator{User: o.boss.User}))
			require.True(t, approvable(admin.Administrator{User: o.deputy.User}))
			require.True(t, approvable(ops))
			says = admin.ErrSelf
			require.False(t, approvable(admin.Administrator{User: o.deputy.User}))
			require.True(t, approvable(ops))
			says = store.ErrUnavailable
			_, err := o.Admin(rule).Tenant(o.Ctx, admin.Administrator{User: o.deputy.User}, "acme")
			require.ErrorIs(t, err, store.ErrUnavailable)
		})
	}
}

// A request about people is not approvable for one of them, and is for the others.
func TestApprovableByATarget(t *testing.T) {
	o := byTwo(t)
	by := o.ByFor(o.boss, admin.Purpose(admin.ActionResetAccount, store.AccountID{Tenant: "acme"}))
	_, err := o.admin.ResetMany(o.Ctx, by, "acme", []string{ana.ID.User, o.deputy.ID.User}, admin.ScopeAll)
	require.ErrorIs(t, err, admin.ErrApproval)
	for who, want := range map[totpflow.AccountID]bool{o.deputy.ID: false, o.provider.ID: true} {
		st, err := o.admin.Tenant(o.Ctx, admin.Administrator{User: totpflow.User{ID: who}}, "acme")
		require.NoError(t, err)
		require.Len(t, st.Pending, 1)
		require.Equal(t, want, st.Pending[0].Approvable, who)
	}
}

// A request that is withdrawn while its approval is under way is not carried out.
func TestWithdrawnMeanwhile(t *testing.T) {
	for name, w := range waits {
		t.Run(name, func(t *testing.T) {
			o := byTwo(t)
			require.ErrorIs(t, w.ask(o, o.ByFor(o.boss, w.purpose(o))), admin.ErrApproval)
			request := o.pending("acme")
			withdrawn := false
			rule := func(_ context.Context, _ totpflow.User, a totpflow.Action, _ store.AccountID) error {
				if a == w.action && !withdrawn { // after the approval has read the request
					withdrawn = true
					return o.Admin(nil).Withdraw(o.Ctx, ops, "acme", request)
				}
				return nil
			}
			by := o.By(o.deputy, admin.ActionApprove)
			require.ErrorIs(t, servicetest.ErrorOf(o.Admin(rule).Approve(o.Ctx, by, "acme", request)), admin.ErrNoRequest)
			require.True(t, withdrawn)
			require.False(t, w.done(o))
		})
	}
}

// Restoring, exempting and importing end every way in that was begun before: none may
// survive them.
func TestNothingIsLeftBehind(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, app)) // the thief
	issued := h.IssueCode(anaID)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, mobile)))
	kept := h.Member(anaID).Recoverable
	require.Len(t, kept, 1)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, kept[0].ID)))
	st := h.Status(ana)
	require.Empty(t, st.Phones)
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), issued)
	refused(t, d, err, totpflow.ErrRejected)

	h.IssueCode(anaID)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, mobile)))
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))
	require.True(t, h.Status(ana).Assigned.IsZero())
	x, err := h.Admin(nil).Export(h.Ctx, ops, anaID)
	require.NoError(t, err)
	require.Zero(t, x.IssuedAt, "no code by mail is kept")
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).EndExemption(h.Ctx, ops, anaID)))
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)

	other := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	next, err = h.SignIn(h.Ctx, other)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Challenge) // by the password alone
	require.NoError(t, err)
	for _, o := range h.Import(admin.Imported{ID: other.ID, Key: rfcKey(t)}) {
		require.NoError(t, o.Err)
	}
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, "123456")
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	require.Len(t, h.Status(other).Authenticators, 1)
}

// A number that a thief has added lets nobody in after the authenticator was restored.
// After an exemption no number does, since an exemption removes every factor.
func TestNoPhoneIsLeftBehind(t *testing.T) {
	for name, call := range map[string]func(h *harness) error{
		"restore": func(h *harness) error {
			return servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, h.Member(anaID).Recoverable[0].ID))
		},
		"exempt": func(h *harness) error { return servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")) },
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			app, _ := h.Enroll(ana)
			h.Clock.Advance(time.Minute)
			thief, _ := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
			h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, thief), mobile, &p)
			require.Len(t, h.Status(ana).Phones, 1)
			session := h.Mark(ana)
			require.NoError(t, call(h))
			require.Empty(t, h.Status(ana).Phones)
			require.NotEqual(t, session, h.Mark(ana), "nor the thief's session")
		})
	}
}

// An administrator of the tenant whose name is empty lists that tenant.
func TestTheNamelessTenantIsOne(t *testing.T) {
	h := newHarness(t)
	boss := totpflow.User{ID: totpflow.AccountID{User: "boss"}}
	h.Enroll(boss)
	h.Enroll(ana)
	page, err := h.Admin(letAll).ListPage(h.Ctx, admin.Administrator{User: boss}, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Members, 1)
	require.Equal(t, boss.ID, page.Members[0].ID)
	_, err = h.Admin(letAll).ListPage(h.Ctx, admin.Administrator{User: boss}, store.Query{AllTenants: true})
	require.ErrorIs(t, err, admin.ErrNotAllowed)
}

// If the store fails, a list and a check return the error: otherwise keys in use would
// look unused, or a person unprotected.
func TestStoreThatFailsIsSaid(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	down := errors.New("down")
	h.Store.SetFaults(totptest.Faults{Get: down, List: down})
	_, err := servicetest.Collect(h.Admin(nil).Check(h.Ctx, ops))
	require.ErrorIs(t, err, store.ErrUnavailable)
	all, err := servicetest.Collect(h.Admin(nil).Status(h.Ctx, ops, anaID))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Empty(t, all)
	_, err = servicetest.Collect(h.Admin(nil).List(h.Ctx, ops, store.Query{AllTenants: true}))
	require.ErrorIs(t, err, store.ErrUnavailable)
	shared, err := h.Admin(nil).SharedSecrets(h.Ctx, ops, []admin.Imported{{ID: agentID, Key: rfcKey(t)}})
	require.ErrorIs(t, err, store.ErrUnavailable, "a row whose secret was not looked for")
	require.Empty(t, shared)
	require.ErrorIs(t, h.Admin(nil).PreviewTidy(h.Ctx, ops, "", nil), store.ErrUnavailable)

	h.Store.SetFaults(totptest.Faults{})
	h.IssueCode(anaID)
	h.Clock.Advance(days(2)) // the code has expired
	h.Store.SetFaults(totptest.Faults{Put: down})
	require.ErrorIs(t, h.Admin(nil).Tidy(h.Ctx, ops, "", nil), store.ErrUnavailable)
}
