package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

var (
	agent   = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "agent-7"}}
	agentID = agent.ID
)

// A machine account passes where machines sign in, whatever the policy is, and
// gets nothing that a person would: no challenge, no proof, no trust. No policy
// is asked, since none has a say.
func TestMachineSignsIn(t *testing.T) {
	for _, mode := range []policy.Mode{policy.Required, policy.Optional, policy.Off} {
		h := newHouse(t, withMode(mode))
		require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "nightly backup"))
		h.unchanged(func() {
			d, err := h.SignInMachine(h.ctx, agent)
			require.NoError(t, err)
			want := totpflow.Decision{Step: totpflow.Passed, Reason: totpflow.ReasonMachine, ID: agent.ID, Generation: d.Generation}
			require.Equal(t, want, d)
			require.NotZero(t, d.Generation)
		})
	}
}

// What is listed of a machine account is its name, and who exempted it is told.
func TestMachineIsListed(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "  nightly\u202ebackup \n"))
	m := h.member(agentID)
	require.Equal(t, admin.StateExempt, m.State)
	require.Equal(t, enroll.Exempted, m.Enrollment)
	require.Equal(t, "nightly\ufffdbackup \ufffd", m.Machine)
	require.Equal(t, enroll.Exempted, h.status(agent).State)
	told := h.told(event.Exempted)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.Equal(t, "ticket 7", told[0].Reason)

	for _, name := range []string{"", "  "} {
		require.ErrorIs(t, h.Admin(nil).Exempt(h.ctx, ops, anaID, name), admin.ErrMachineName)
	}
	require.ErrorIs(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "again"), enroll.ErrTransition)
	require.Equal(t, m, h.member(agentID))
}

// The machine's credential lies in some script: where people sign in it opens
// nothing, in no way, and what was set up or under way is gone.
func TestMachineIsRefusedWherePeopleSignIn(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	token := h.trusted(ana, phone)
	begun := h.clock.Now()
	challenge, signed := h.ask(ana), h.pass(ana, phone).Proof
	replace := h.prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	page, err := h.BeginEnrollment(h.ctx, h.prove(ana, totpflow.ActionAddAuthenticator, phone))
	require.NoError(t, err)
	issued := h.issue(anaID)
	require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, anaID, "agent"))

	h.unchanged(func() {
		d, err := h.SignIn(h.ctx, ana, token)
		refused(t, d, err, totpflow.ErrExempt)
		d, err = h.ContinueSignIn(h.ctx, challenge)
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyCode(h.ctx, challenge, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyRecoveryCode(h.ctx, challenge, codes[0])
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyIssuedCode(h.ctx, challenge, issued)
		refused(t, d, err, totpflow.ErrChallenge)
		_, err = h.TrustBrowser(h.ctx, signed, "x")
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.BeginEnrollment(h.ctx, replace)
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.ConfirmEnrollment(h.ctx, page.Token, phone.Code())
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		for _, code := range []string{phone.Code(), codes[0]} {
			_, err = h.Account(ana).Reauthenticate(h.ctx, "x", code)
			require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
		}
		var m mailbox
		require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, m.deliver), totpflow.ErrNotEnrolled)
		require.Empty(t, m.got)
		require.ErrorIs(t, h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, "x"), enroll.ErrTransition)
	})
	m := h.member(anaID)
	require.Zero(t, m.Authenticators+m.RecoveryCodesLeft+len(m.Browsers)+len(m.Recoverable))
	valid, err := h.Account(ana).SessionValid(h.ctx, begun)
	require.NoError(t, err)
	require.False(t, valid, "the person's sessions are over")
}

// People do not get in where machines do, in whichever state they are.
func TestPeopleAreRefusedWhereMachinesSignIn(t *testing.T) {
	h := newHouse(t)
	adm := h.Admin(nil)
	for state, make := range map[string]func(u totpflow.User, id store.AccountID){
		"never seen": func(totpflow.User, store.AccountID) {},
		"seen":       func(u totpflow.User, _ store.AccountID) { h.step(u) },
		"enrolled":   func(u totpflow.User, _ store.AccountID) { h.enroll(u) },
		"reset": func(u totpflow.User, id store.AccountID) {
			h.enroll(u)
			require.NoError(t, adm.Reset(h.ctx, ops, id, admin.ScopeAll))
		},
		"no longer exempt": func(_ totpflow.User, id store.AccountID) {
			require.NoError(t, adm.Exempt(h.ctx, ops, id, "agent"))
			require.NoError(t, adm.EndExemption(h.ctx, ops, id))
		},
	} {
		t.Run(state, func(t *testing.T) {
			u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: state}}
			make(u, store.AccountID{Tenant: "acme", User: state})
			h.unchanged(func() {
				d, err := h.SignInMachine(h.ctx, u)
				refused(t, d, err, totpflow.ErrNotExempt)
			})
		})
	}
	// The same id in another tenant is another account.
	require.NoError(t, adm.Exempt(h.ctx, ops, agentID, "agent"))
	d, err := h.SignInMachine(h.ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: agent.ID.User}})
	refused(t, d, err, totpflow.ErrNotExempt)
}

// The end of an exemption forces an enrollment, also where the factor is optional and
// whether or not the account was a person's before. It ends the machine's
// sessions, and the name.
func TestExemptionEnds(t *testing.T) {
	for _, how := range []string{"ended", "reset"} {
		t.Run(how, func(t *testing.T) {
			h := newHouse(t)
			require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "agent"))
			begun := h.clock.Now()
			h.clock.Advance(time.Minute)
			if how == "ended" {
				require.NoError(t, h.Admin(nil).EndExemption(h.ctx, ops, agentID))
				require.ErrorIs(t, h.Admin(nil).EndExemption(h.ctx, ops, agentID), totpflow.ErrNotExempt)
				require.Len(t, h.told(event.ExemptionEnded), 1)
			} else {
				require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, agentID, admin.ScopeAll))
			}
			valid, err := h.Account(agent).SessionValid(h.ctx, begun)
			require.NoError(t, err)
			require.False(t, valid)
			m := h.member(agentID)
			require.Equal(t, admin.StateRequired, m.State)
			require.Empty(t, m.Machine)
			next, err := h.SignIn(h.ctx, agent)
			require.NoError(t, err)
			require.Equal(t, totpflow.Enroll, next.Step)
			h.setUp(next.Challenge)
		})
	}
}

// A scope that clears no authenticators leaves a machine a machine.
func TestMachineKeepsThroughSmallerResets(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "agent"))
	for _, scope := range []admin.Scope{admin.ScopeBrowsers, admin.ScopeRecoveryCodes} {
		require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, agentID, scope))
	}
	d, err := h.SignInMachine(h.ctx, agent)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, "agent", h.member(agentID).Machine)
}

// A frozen machine does not get in either, nor one whose record is lost.
func TestMachineRefused(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.Admin(nil).Exempt(h.ctx, ops, agentID, "agent"))
	d, err := h.SignInMachine(h.ctx, agent)
	require.NoError(t, err)
	lost := agent
	lost.Generation = d.Generation + 1
	d, err = h.SignInMachine(h.ctx, lost)
	refused(t, d, err, totpflow.ErrRecordLost)
	told := h.told(event.Exempted)
	require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(told[0])))
	d, err = h.SignInMachine(h.ctx, agent)
	refused(t, d, err, totpflow.ErrFrozen)
}
