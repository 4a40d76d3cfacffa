package totpflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// What SignIn decides, for every mode of the policy and every state of the
// account.
func TestSignInDecides(t *testing.T) {
	states := map[string]func(*harness){
		"never enrolled": func(*harness) {},
		"pending": func(h *harness) {
			next, err := h.Open(withMode(policy.Optional)).SignIn(h.Ctx, ana)
			require.NoError(h.T, err)
			_, err = h.BeginEnrollment(h.Ctx, next.Proof)
			require.NoError(h.T, err)
		},
		"active": func(h *harness) { h.asOptional().Enroll(ana) },
		"replacing": func(h *harness) {
			o := h.asOptional()
			phone, _ := o.Enroll(ana)
			_, err := o.BeginEnrollment(h.Ctx, o.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			require.NoError(h.T, err)
		},
		"disabled": func(h *harness) {
			o := h.asOptional()
			phone, _ := o.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(o.Account(ana).Disable(h.Ctx, o.Prove(ana, totpflow.ActionDisable, phone))))
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
				h := newHarness(t, withMode(mode))
				states[state](h)
				next, err := h.SignIn(h.Ctx, ana)
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

// asOptional returns the same harness under an optional policy.
func (h *harness) asOptional() *harness {
	o := *h.Harness
	o.Service = h.Open(withMode(policy.Optional))
	return &harness{&o}
}

type policyFunc func() (policy.Policy, error)

func (f policyFunc) Policy(context.Context, store.AccountID) (policy.Policy, error) { return f() }

// A policy that cannot be read is not "off": every way in refuses.
func TestUnreadablePolicyRefuses(t *testing.T) {
	broken := errors.New("policy table is locked")
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	s := h.Open(func(c *totpflow.Config) {
		c.Policy = policyFunc(func() (policy.Policy, error) { return policy.Policy{Mode: policy.Off}, broken })
	})
	for name, try := range map[string]func() (totpflow.Decision, error){
		"sign in":  func() (totpflow.Decision, error) { return s.SignIn(h.Ctx, ana) },
		"continue": func() (totpflow.Decision, error) { return s.ContinueSignIn(h.Ctx, c) },
		"code":     func() (totpflow.Decision, error) { return s.VerifyCode(h.Ctx, c, phone.Code()) },
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
	h := newHarness(t)
	down := errors.New("connection refused")
	h.Store.SetFaults(totptest.Faults{Get: down})
	d, err := h.SignIn(h.Ctx, ana)
	refused(t, d, err, store.ErrUnavailable)
	require.ErrorIs(t, err, down)
	valid, err := h.Account(ana).SessionValid(h.Ctx, "")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, valid)
}

// A host that keeps the generation has deleted and older records refused.
func TestGenerationFindsALostRecord(t *testing.T) {
	h := newHarness(t)
	_, _ = h.Enroll(ana)
	rec, err := h.Memory.Get(h.Ctx, ana.ID)
	require.NoError(t, err)
	remembering := ana
	remembering.Generation = h.Status(ana).Generation
	require.NotZero(t, remembering.Generation)

	next, err := h.SignIn(h.Ctx, remembering)
	require.NoError(t, err)
	require.Equal(t, remembering.Generation, next.Generation)

	require.NoError(t, h.Memory.Delete(h.Ctx, rec.ID, rec.Version))
	d, err := h.SignIn(h.Ctx, remembering)
	refused(t, d, err, totpflow.ErrRecordLost)
	_, err = h.Account(remembering).Status(h.Ctx)
	require.ErrorIs(t, err, totpflow.ErrRecordLost)
	d, err = h.SignInMachine(h.Ctx, remembering, h.Mark(ana))
	refused(t, d, err, totpflow.ErrRecordLost)

	require.NoError(t, h.Memory.Put(h.Ctx, rec, store.Version{}))
	_, err = h.SignIn(h.Ctx, remembering)
	require.NoError(t, err)
	remembering.Generation++ // the host saw a later change than this record knows
	d, err = h.SignIn(h.Ctx, remembering)
	refused(t, d, err, totpflow.ErrRecordLost)
}

// The same user id in two tenants is two accounts.
func TestTenantsShareNothing(t *testing.T) {
	h := newHarness(t)
	other := ana
	other.ID.Tenant = "globex"
	phone, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)

	next, err := h.SignIn(h.Ctx, other, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)

	otherPhone, _ := h.Enroll(other)
	next, err = h.SignIn(h.Ctx, other, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "a token of the other tenant was taken")
	d, err := h.VerifyCode(h.Ctx, next.Challenge, phone.Code())
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyRecoveryCode(h.Ctx, next.Challenge, codes[0])
	refused(t, d, err, totpflow.ErrRejected)
	_, err = h.VerifyCode(h.Ctx, next.Challenge, otherPhone.Code())
	require.NoError(t, err)

	proof := h.Prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(other).Disable(h.Ctx, proof)), totpflow.ErrProof)
}

// User ids come from the host; those that a store cannot keep apart are refused.
func TestHostileUserIDs(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"", "a\x00b", "\xff", string(make([]byte, 10_000))} {
		d, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: id}})
		refused(t, d, err, store.ErrID)
	}
}

// Signing in with a challenge under way costs one read and no write, and so do
// a trusted browser and a reloaded page.
func TestSignInReadsOnce(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	c := h.Challenge(ana)
	for name, flow := range map[string]func() (totpflow.Decision, error){
		"code asked":      func() (totpflow.Decision, error) { return h.SignIn(h.Ctx, ana) },
		"trusted browser": func() (totpflow.Decision, error) { return h.SignIn(h.Ctx, ana, token) },
		"reloaded":        func() (totpflow.Decision, error) { return h.ContinueSignIn(h.Ctx, c) },
	} {
		t.Run(name, func(t *testing.T) {
			h.Store.Reset()
			_, err := flow()
			require.NoError(t, err)
			require.Equal(t, totptest.Counts{Get: 1}, h.Store.Counts())
		})
	}
}

// A page that is reloaded goes on with the same challenge, which that does not prolong.
func TestContinue(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	h.Clock.Advance(totpflow.ChallengeLifetime - time.Second)
	next, err := h.ContinueSignIn(h.Ctx, c)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.Equal(t, string(c), string(next.Challenge))
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode}, next.Methods)
	h.Clock.Advance(time.Second)
	d, err := h.ContinueSignIn(h.Ctx, c)
	refused(t, d, err, totpflow.ErrChallenge)
	d, err = h.VerifyCode(h.Ctx, c, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
}

// A person who loses the phone and sets up another one gets two messages: one for each
// thing that they did, and not for each event.
func TestOneMessageForEachFlow(t *testing.T) {
	var told []event.Kind
	h := newHarness(t, func(c *totpflow.Config) {
		c.Notifier = event.NotifierFunc(func(_ context.Context, n event.Notification) error {
			told = append(told, n.Main().Kind)
			return nil
		})
	})
	settled := func(want ...event.Kind) {
		t.Helper()
		require.NoError(t, h.Service.Drain(h.Ctx))
		require.Equal(t, want, told)
		told = nil
	}
	_, codes := h.Enroll(ana)
	settled(event.EnrollmentConfirmed)
	h.Clock.Advance(time.Minute)
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	settled(event.RecoveryUsed)
	h.Clock.Advance(time.Minute)
	h.EnrollBy(d.Proof)
	settled(event.AuthenticatorsReplaced)
}

// Deliver repeats the events that the notifier did not accept, even from another process.
func TestDeliver(t *testing.T) {
	down, told := true, 0
	h := newHarness(t, func(c *totpflow.Config) { c.Notifier = event.Deferred })
	h.Enroll(ana)
	other := h.Open(func(c *totpflow.Config) {
		c.Notifier = event.NotifierFunc(func(context.Context, event.Notification) error {
			if down {
				return context.DeadlineExceeded
			}
			told++
			return nil
		})
	})
	h.Clock.Advance(3 * time.Minute)
	n, err := other.Deliver(h.Ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, n)
	down = false
	h.Clock.Advance(6 * time.Minute)
	n, err = other.Deliver(h.Ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, told)
	n, err = h.Service.Deliver(h.Ctx)
	require.NoError(t, err, "this process leaves it to the others")
	require.Zero(t, n)
}

// A wrong but valid ring is found at the start, and not after it has sealed new
// enrollments.
func TestReady(t *testing.T) {
	h := newHarness(t)
	require.NoError(t, h.Service.Ready(h.Ctx))
	h.Enroll(ana)
	require.NoError(t, h.Service.Ready(h.Ctx))
	wrong := h.Open(func(c *totpflow.Config) {
		keys, err := keyring.Parse(keyring.Generate())
		require.NoError(t, err)
		c.Keys, c.Policy = keys, policy.Fixed{Mode: policy.Optional}
	})
	require.ErrorIs(t, wrong.Ready(h.Ctx), keyring.ErrUnknownKey)
}
