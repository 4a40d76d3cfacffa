package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/trust"
)

// The fields of an answer beside the step.

// The methods offered are those that the policy allows and this service supports.
func TestMethodsOfPolicyAndService(t *testing.T) {
	only := func(m policy.Methods) func(*totpflow.Config) {
		return func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: m} }
	}
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.EnrollPhone(ben, &p)
	fresh := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "44"}}
	const code, recoveryCode, phoneCode = totpflow.MethodCode, totpflow.MethodRecoveryCode, totpflow.MethodPhoneCode
	for name, c := range map[string]struct {
		from *totpflow.Service
		user totpflow.User
		want []totpflow.Method
	}{
		"an app":                            {h.Service, ana, []totpflow.Method{code, recoveryCode}},
		"an app, no recovery codes":         {h.Open(only(policy.App)), ana, []totpflow.Method{code}},
		"a phone":                           {h.Service, ben, []totpflow.Method{phoneCode}},
		"a phone, and nobody who sends":     {h.Open(only(everyMethod)), ben, nil},
		"a set-up":                          {h.Service, fresh, []totpflow.Method{code, phoneCode}},
		"a set-up, no phones":               {h.Open(withPhones(&p, only(policy.App))...), fresh, []totpflow.Method{code}},
		"a set-up of a phone, nobody sends": {h.Open(only(everyMethod)), fresh, []totpflow.Method{code}},
	} {
		next, err := c.from.SignIn(h.Ctx, c.user)
		require.NoError(t, err)
		require.Equal(t, c.want, next.Methods, name)
	}
}

// An assigned number is shown if policy leaves numbers to administrators, and not if the
// person chooses.
func TestAssignedNumberIsShownWherePolicyAssigns(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).AssignPhone(h.Ctx, ops, anaID, mobile)))
	for _, assigned := range []bool{true, false} {
		s := h.Open(withPhones(&p, func(c *totpflow.Config) {
			c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod, AssignedPhones: assigned}
		})...)
		next, err := s.SignIn(h.Ctx, ana)
		require.NoError(t, err)
		require.Contains(t, next.Methods, totpflow.MethodPhoneCode)
		require.Equal(t, assigned, len(next.Phones) == 1)
	}
}

// A page that asks for a code may offer to trust the browser, and say for how long, if
// that code can earn it: the code of a phone cannot.
func TestTrustIsOfferedWhereItCanBeEarned(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.EnrollPhone(ben, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, trust.DefaultAge, next.TrustFor)
	require.Nil(t, next.Throttled)
	require.Zero(t, h.asked(ben).TrustFor)
}

// An enrollment page that is reloaded goes on with the same challenge.
func TestContinueASetUp(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	first, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	h.Clock.Advance(time.Minute)
	h.Unchanged(func() {
		again, err := h.ContinueSignIn(h.Ctx, first.Challenge)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, totpflow.Enroll, again.Step)
	})
}

// A machine that passes is reported as an event, and so is one that came where people
// sign in.
func TestMachineSignInsAreTold(t *testing.T) {
	h := newHarness(t)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "nightly backup")))
	h.Events.Kinds()
	_, err := h.SignInMachine(h.Ctx, agent, h.Mark(agent))
	require.NoError(t, err)
	told := h.EventsOf(event.SignedIn)
	require.Len(t, told, 1)
	require.Equal(t, string(totpflow.ReasonMachine), told[0].Method)
	d, err := h.SignIn(h.Ctx, agent)
	refused(t, d, err, totpflow.ErrExempt)
	told = h.EventsOf(event.SignInRefused)
	require.Len(t, told, 1)
	require.Equal(t, string(totpflow.ReasonMachine), told[0].Reason)
}

// The generation that the host keeps is that of the account as it is now, whatever the
// step: an older one would accept a record that was put back.
func TestEveryAnswerHasTheGeneration(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	h.Reset(anaID)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	require.NotZero(t, next.Generation)
	require.Equal(t, h.Status(ana).Generation, next.Generation)

	done := h.confirm(h.Service, next.Challenge)
	require.Equal(t, totpflow.Passed, done.Step)
	require.Greater(t, done.Generation, next.Generation)
	require.Equal(t, h.Status(ana).Generation, done.Generation)
	next, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, done.Generation, next.Generation)
}

// A new password ends a code that was sent by mail: it is no longer asked for.
func TestANewPasswordEndsTheMailedCode(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	h.IssueCode(anaID)
	require.Contains(t, h.methods(ana), totpflow.MethodIssuedCode)
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
	require.NotContains(t, h.methods(ana), totpflow.MethodIssuedCode)
}
