package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A machine account passes where machines sign in, whatever the policy is, and gets
// nothing that a person would: no challenge, no proof, no trust. The policy is not asked,
// since it does not apply.
func TestMachineSignsIn(t *testing.T) {
	for _, mode := range []policy.Mode{policy.Required, policy.Optional, policy.Off} {
		h := newHarness(t, withMode(mode))
		c, err := h.Admin(nil).Exempt(h.Ctx, ops, agentID, "nightly backup")
		require.NoError(t, err)
		require.NotZero(t, c.Generation)
		h.Unchanged(func() {
			d, err := h.SignInMachine(h.Ctx, agent, c.Mark)
			require.NoError(t, err)
			want := totpflow.Decision{Step: totpflow.Passed, Reason: totpflow.ReasonMachine, ID: agent.ID, Generation: c.Generation, Mark: c.Mark}
			require.Equal(t, want, d)
		})
	}
}

// A list shows the name of a machine account, and the event names the operator who exempted it.
func TestMachineIsListed(t *testing.T) {
	h := newHarness(t)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "  nightly\u202ebackup \n")))
	m := h.Member(agentID)
	require.Equal(t, admin.StateExempt, m.State)
	require.Equal(t, enroll.Exempted, m.Enrollment)
	require.Equal(t, "nightly\ufffdbackup \ufffd", m.Machine)
	require.Equal(t, enroll.Exempted, h.Status(agent).State)
	told := h.EventsOf(event.Exempted)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.Equal(t, "ticket 7", told[0].Reason)

	for _, name := range []string{"", "  "} {
		require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, name)), admin.ErrMachineName)
	}
	require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "again")), enroll.ErrTransition)
	require.Equal(t, m, h.Member(agentID))
}

// The machine's credential lies in some script: where people sign in, it opens nothing at
// all. Factors that were set up and enrollments under way are gone.
func TestMachineIsRefusedWherePeopleSignIn(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	session := h.Mark(ana)
	challenge, signed := h.Challenge(ana), h.PassByCode(ana, phone).Proof
	replace := h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, phone))
	require.NoError(t, err)
	issued := h.IssueCode(anaID)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))

	h.Unchanged(func() {
		d, err := h.SignIn(h.Ctx, ana, token)
		refused(t, d, err, totpflow.ErrExempt)
		d, err = h.ContinueSignIn(h.Ctx, challenge)
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyCode(h.Ctx, challenge, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyRecoveryCode(h.Ctx, challenge, codes[0])
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyIssuedCode(h.Ctx, challenge, issued)
		refused(t, d, err, totpflow.ErrChallenge)
		_, err = h.TrustBrowser(h.Ctx, signed, "x")
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.BeginEnrollment(h.Ctx, replace)
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		for _, code := range []string{phone.Code(), codes[0]} {
			_, err = h.Account(ana).VerifyCode(h.Ctx, totpflow.Action("x").On(""), code)
			require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
		}
		var m mailbox
		require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.Ctx, ops, anaID, m.Deliver), totpflow.ErrNotEnrolled)
		require.Empty(t, m.Got)
		require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, "x")), enroll.ErrTransition)
	})
	m := h.Member(anaID)
	require.Zero(t, m.Authenticators+m.RecoveryCodesLeft+len(m.Browsers)+len(m.Recoverable))
	require.False(t, h.SessionStands(ana, session), "the person's sessions are over")
}

// People do not get in where machines do, whatever state their accounts are in.
func TestPeopleAreRefusedWhereMachinesSignIn(t *testing.T) {
	h := newHarness(t)
	adm := h.Admin(nil)
	for state, make := range map[string]func(u totpflow.User, id store.AccountID){
		"never seen": func(totpflow.User, store.AccountID) {},
		"seen":       func(u totpflow.User, _ store.AccountID) { h.Step(u) },
		"enrolled":   func(u totpflow.User, _ store.AccountID) { h.Enroll(u) },
		"reset": func(u totpflow.User, id store.AccountID) {
			h.Enroll(u)
			require.NoError(t, servicetest.ErrorOf(adm.Reset(h.Ctx, ops, id, admin.ScopeAll)))
		},
		"no longer exempt": func(_ totpflow.User, id store.AccountID) {
			require.NoError(t, servicetest.ErrorOf(adm.Exempt(h.Ctx, ops, id, "agent")))
			require.NoError(t, servicetest.ErrorOf(adm.EndExemption(h.Ctx, ops, id)))
		},
	} {
		t.Run(state, func(t *testing.T) {
			u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: state}}
			make(u, store.AccountID{Tenant: "acme", User: state})
			h.Unchanged(func() {
				d, err := h.SignInMachine(h.Ctx, u, h.Mark(u))
				refused(t, d, err, totpflow.ErrNotExempt)
			})
		})
	}
	// The same id in another tenant is another account.
	c, err := adm.Exempt(h.Ctx, ops, agentID, "agent")
	require.NoError(t, err)
	d, err := h.SignInMachine(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: agent.ID.User}}, c.Mark)
	refused(t, d, err, totpflow.ErrNotExempt)
}

// The end of an exemption forces an enrollment, even where the factor is optional, and
// whether or not the account was a person's before. It ends the machine's sessions and
// deletes its name.
func TestExemptionEnds(t *testing.T) {
	for _, how := range []string{"ended", "reset"} {
		t.Run(how, func(t *testing.T) {
			h := newHarness(t)
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "agent")))
			session := h.Mark(agent)
			h.Clock.Advance(time.Minute)
			if how == "ended" {
				require.NoError(t, servicetest.ErrorOf(h.Admin(nil).EndExemption(h.Ctx, ops, agentID)))
				require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).EndExemption(h.Ctx, ops, agentID)), totpflow.ErrNotExempt)
				require.Len(t, h.EventsOf(event.ExemptionEnded), 1)
			} else {
				require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, agentID, admin.ScopeAll)))
			}
			require.False(t, h.SessionStands(agent, session))
			m := h.Member(agentID)
			require.Equal(t, admin.StateRequired, m.State)
			require.Empty(t, m.Machine)
			next, err := h.SignIn(h.Ctx, agent)
			require.NoError(t, err)
			require.Equal(t, totpflow.Enroll, next.Step)
			h.EnrollBy(next.Challenge)
		})
	}
}

// A reset whose scope clears no authenticators leaves a machine account as it is.
func TestMachineKeepsThroughSmallerResets(t *testing.T) {
	h := newHarness(t)
	c, err := h.Admin(nil).Exempt(h.Ctx, ops, agentID, "agent")
	require.NoError(t, err)
	for _, scope := range []admin.Scope{admin.ScopeBrowsers, admin.ScopeRecoveryCodes} {
		require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, agentID, scope)))
	}
	d, err := h.SignInMachine(h.Ctx, agent, c.Mark)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, "agent", h.Member(agentID).Machine)
}

// A frozen machine does not get in, and neither does one whose record is lost.
func TestMachineRefused(t *testing.T) {
	h := newHarness(t)
	c, err := h.Admin(nil).Exempt(h.Ctx, ops, agentID, "agent")
	require.NoError(t, err)
	lost := agent
	lost.Generation = c.Generation + 1
	d, err := h.SignInMachine(h.Ctx, lost, c.Mark)
	refused(t, d, err, totpflow.ErrRecordLost)
	told := h.EventsOf(event.Exempted)
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(told[0]))))
	d, err = h.SignInMachine(h.Ctx, agent, c.Mark)
	refused(t, d, err, totpflow.ErrFrozen)
}
