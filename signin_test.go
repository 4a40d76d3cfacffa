package totpflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// What SignIn decides, for every mode of the policy and every state of the
// account.
func TestSignInDecides(t *testing.T) {
	states := map[string]func(*house){
		"never enrolled": func(*house) {},
		"pending": func(h *house) {
			next, err := h.open(withMode(policy.Optional)).SignIn(h.ctx, ana)
			require.NoError(h.t, err)
			_, err = h.BeginEnrollment(h.ctx, next.Proof)
			require.NoError(h.t, err)
		},
		"active": func(h *house) { h.asOptional().enroll(ana) },
		"replacing": func(h *house) {
			o := h.asOptional()
			phone, _ := o.enroll(ana)
			_, err := o.BeginEnrollment(h.ctx, o.prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			require.NoError(h.t, err)
		},
		"disabled": func(h *house) {
			o := h.asOptional()
			phone, _ := o.enroll(ana)
			require.NoError(h.t, second(o.Account(ana).Disable(h.ctx, o.prove(ana, totpflow.ActionDisable, phone))))
		},
	}
	type want struct {
		step   totpflow.Step
		reason totpflow.Reason
	}
	cases := map[policy.Mode]map[string]want{
		policy.Off: {
			"never enrolled": {totpflow.Passed, totpflow.ReasonPolicyOff},
			"pending":        {totpflow.Passed, totpflow.ReasonPolicyOff},
			"active":         {step: totpflow.AskCode}, // off never skips an active authenticator
			"replacing":      {step: totpflow.AskCode},
			"disabled":       {totpflow.Passed, totpflow.ReasonPolicyOff},
		},
		policy.Optional: {
			"never enrolled": {totpflow.Passed, totpflow.ReasonNotEnrolled},
			"pending":        {totpflow.Passed, totpflow.ReasonNotEnrolled}, // an unfinished enrollment locks nobody out
			"active":         {step: totpflow.AskCode},
			"replacing":      {step: totpflow.AskCode},
			"disabled":       {totpflow.Passed, totpflow.ReasonNotEnrolled},
		},
		policy.Required: {
			"never enrolled": {step: totpflow.Enroll},
			"pending":        {step: totpflow.Enroll},
			"active":         {step: totpflow.AskCode},
			"replacing":      {step: totpflow.AskCode},
			"disabled":       {step: totpflow.Enroll},
		},
	}
	for mode, row := range cases {
		require.Len(t, row, len(states))
		for state, want := range row {
			t.Run(mode.String()+"/"+state, func(t *testing.T) {
				h := newHouse(t, withMode(mode))
				states[state](h)
				next, err := h.SignIn(h.ctx, ana)
				require.NoError(t, err)
				require.Equal(t, want.step, next.Step)
				require.Equal(t, want.reason, next.Reason)
				if next.Step == totpflow.Passed {
					require.Equal(t, ana.ID.User, next.ID.User)
					require.Equal(t, ana.ID.Tenant, next.ID.Tenant)
					require.Empty(t, next.Challenge)
				} else {
					require.Empty(t, next.ID.User, "no id before the person has passed")
					require.Empty(t, next.Proof)
					require.NotEmpty(t, next.Challenge)
				}
			})
		}
	}
}

// asOptional is the same house under an optional policy.
func (h *house) asOptional() *house {
	o := *h
	o.Service = h.open(withMode(policy.Optional))
	return &o
}

type policyFunc func() (policy.Policy, error)

func (f policyFunc) Policy(context.Context, store.AccountID) (policy.Policy, error) { return f() }

// A policy that cannot be read is not "off": every way in refuses.
func TestUnreadablePolicyRefuses(t *testing.T) {
	broken := errors.New("policy table is locked")
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	s := h.open(func(c *totpflow.Config) {
		c.Policy = policyFunc(func() (policy.Policy, error) { return policy.Policy{Mode: policy.Off}, broken })
	})
	for name, try := range map[string]func() (totpflow.Decision, error){
		"sign in":  func() (totpflow.Decision, error) { return s.SignIn(h.ctx, ana) },
		"continue": func() (totpflow.Decision, error) { return s.ContinueSignIn(h.ctx, c) },
		"code":     func() (totpflow.Decision, error) { return s.VerifyCode(h.ctx, c, phone.Code()) },
	} {
		t.Run(name, func(t *testing.T) {
			d, err := try()
			refused(t, d, err, totpflow.ErrPolicy)
			require.ErrorIs(t, err, broken)
		})
	}
}

// The store's failure is never "2FA is not set up".
func TestUnavailableStoreRefuses(t *testing.T) {
	h := newHouse(t)
	down := errors.New("connection refused")
	h.store.SetFaults(totptest.Faults{Get: down})
	d, err := h.SignIn(h.ctx, ana)
	refused(t, d, err, store.ErrUnavailable)
	require.ErrorIs(t, err, down)
	valid, err := h.Account(ana).SessionValid(h.ctx, "")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, valid)
}

// A host that keeps the generation has a deleted or an older record refused.
func TestGenerationFindsALostRecord(t *testing.T) {
	h := newHouse(t)
	_, _ = h.enroll(ana)
	rec, err := h.memory.Get(h.ctx, ana.ID)
	require.NoError(t, err)
	remembering := ana
	remembering.Generation = h.status(ana).Generation
	require.NotZero(t, remembering.Generation)

	next, err := h.SignIn(h.ctx, remembering)
	require.NoError(t, err)
	require.Equal(t, remembering.Generation, next.Generation)

	require.NoError(t, h.memory.Delete(h.ctx, rec.ID, rec.Version))
	d, err := h.SignIn(h.ctx, remembering)
	refused(t, d, err, totpflow.ErrRecordLost)
	_, err = h.Account(remembering).Status(h.ctx)
	require.ErrorIs(t, err, totpflow.ErrRecordLost)

	require.NoError(t, h.memory.Put(h.ctx, rec, store.Version{}))
	_, err = h.SignIn(h.ctx, remembering)
	require.NoError(t, err)
	remembering.Generation++ // the host saw a later change than this record knows
	d, err = h.SignIn(h.ctx, remembering)
	refused(t, d, err, totpflow.ErrRecordLost)
}

// The same user id in two tenants is two accounts.
func TestTenantsShareNothing(t *testing.T) {
	h := newHouse(t)
	other := ana
	other.ID.Tenant = "globex"
	phone, codes := h.enroll(ana)
	token := h.trusted(ana, phone)

	next, err := h.SignIn(h.ctx, other, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)

	otherPhone, _ := h.enroll(other)
	next, err = h.SignIn(h.ctx, other, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "a token of the other tenant was taken")
	d, err := h.VerifyCode(h.ctx, next.Challenge, phone.Code())
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyRecoveryCode(h.ctx, next.Challenge, codes[0])
	refused(t, d, err, totpflow.ErrRejected)
	_, err = h.VerifyCode(h.ctx, next.Challenge, otherPhone.Code())
	require.NoError(t, err)

	proof := h.prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, second(h.Account(other).Disable(h.ctx, proof)), totpflow.ErrProof)
}

// Users are the host's keys; those that a store cannot keep apart are refused.
func TestHostileUserIDs(t *testing.T) {
	h := newHouse(t)
	for _, id := range []string{"", "a\x00b", "\xff", string(make([]byte, 10_000))} {
		d, err := h.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{User: id}})
		refused(t, d, err, store.ErrID)
	}
}

// Signing in with a challenge under way costs one read and no write, and so do
// a trusted browser and a reloaded page.
func TestSignInReadsOnce(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	c := h.ask(ana)
	for name, flow := range map[string]func() (totpflow.Decision, error){
		"code asked":      func() (totpflow.Decision, error) { return h.SignIn(h.ctx, ana) },
		"trusted browser": func() (totpflow.Decision, error) { return h.SignIn(h.ctx, ana, token) },
		"reloaded":        func() (totpflow.Decision, error) { return h.ContinueSignIn(h.ctx, c) },
	} {
		t.Run(name, func(t *testing.T) {
			h.store.Reset()
			_, err := flow()
			require.NoError(t, err)
			require.Equal(t, totptest.Counts{Get: 1}, h.store.Counts())
		})
	}
}

// A page that is reloaded goes on with the same challenge, which is not
// prolonged by it.
func TestContinue(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	h.clock.Advance(totpflow.ChallengeLifetime - time.Second)
	next, err := h.ContinueSignIn(h.ctx, c)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.Equal(t, string(c), string(next.Challenge))
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode}, next.Methods)
	h.clock.Advance(time.Second)
	d, err := h.ContinueSignIn(h.ctx, c)
	refused(t, d, err, totpflow.ErrChallenge)
	d, err = h.VerifyCode(h.ctx, c, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
}
