package totpflow_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// Disabling takes a proof, everything goes with it, and a factor that policy
// requires stays.
func TestDisable(t *testing.T) {
	h := newHouse(t)
	a := h.Account(ana)
	require.ErrorIs(t, second(a.Disable(h.ctx, "")), totpflow.ErrProof)
	_, err := a.Reauthenticate(h.ctx, totpflow.ActionDisable, "123456")
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
	phone, codes := h.enroll(ana)
	challenge := h.ask(ana)

	required := h.open(withMode(policy.Required)).Account(ana)
	proof := h.prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, second(required.Disable(h.ctx, proof)), totpflow.ErrFactorRequired)
	require.NoError(t, second(a.Disable(h.ctx, proof)), "what failed did not use the proof up")
	require.ErrorIs(t, second(a.Disable(h.ctx, proof)), totpflow.ErrProof)

	st := h.status(ana)
	require.Equal(t, enroll.Disabled, st.State)
	require.Zero(t, st.RecoveryCodes)
	require.Empty(t, st.Authenticators)
	d, err := h.VerifyCode(h.ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
	d, err = h.VerifyRecoveryCode(h.ctx, challenge, codes[0])
	refused(t, d, err, totpflow.ErrChallenge)
}

// A recovery code serves a signed-in person in place of the app.
func TestReauthenticateByRecoveryCode(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	a := h.Account(ana)
	proof, err := a.Reauthenticate(h.ctx, "delete backup", codes[0])
	require.NoError(t, err)
	require.ErrorIs(t, a.ConsumeProof(h.ctx, proof, "show key"), totpflow.ErrProof)
	require.NoError(t, a.ConsumeProof(h.ctx, proof, "delete backup"))
	require.ErrorIs(t, a.ConsumeProof(h.ctx, proof, "delete backup"), totpflow.ErrProof)
	_, err = a.Reauthenticate(h.ctx, "delete backup", codes[0])
	require.ErrorIs(t, err, totpflow.ErrRejected)

	_, err = a.Reauthenticate(h.ctx, "delete backup")
	require.ErrorIs(t, err, totpflow.ErrRejected)
	_, err = a.Reauthenticate(h.ctx, "", codes[1])
	require.ErrorIs(t, err, totpflow.ErrProof, "an action that was forgotten")
	h.clock.Advance(time.Minute)
	first, second := phone.Pair()
	_, err = a.Reauthenticate(h.ctx, "delete backup", first, second)
	require.NoError(t, err)

	stale, err := a.Reauthenticate(h.ctx, "delete backup", codes[1])
	require.NoError(t, err)
	h.clock.Advance(totpflow.ProofLifetime)
	require.ErrorIs(t, a.ConsumeProof(h.ctx, stale, "delete backup"), totpflow.ErrProof)
}

// A code that signs in cannot serve for a step-up at the same time, nor the
// other way round: one memory over all paths.
func TestOneMemoryOverAllPaths(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	for range 30 {
		h.clock.Advance(time.Minute)
		challenge, code := h.ask(ana), phone.Code()
		var passed atomic.Int32
		together(16, func(i int) {
			var err error
			if i%2 == 0 {
				_, err = h.VerifyCode(h.ctx, challenge, code)
			} else {
				_, err = h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionReplaceAuthenticator, code)
			}
			if err == nil {
				passed.Add(1)
			}
		})
		require.EqualValues(t, 1, passed.Load())
	}
}

// A server whose clock went back fails closed and recovers by itself.
func TestClockGoesBack(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Hour)
	h.pass(ana, phone)
	h.clock.Advance(-time.Hour)
	h.events.kinds()
	d, err := h.VerifyCode(h.ctx, h.ask(ana), phone.Peek())
	refused(t, d, err, enroll.ErrClock)
	require.Contains(t, h.events.kinds(), event.ClockBehind)
	h.clock.Advance(time.Hour + time.Minute)
	h.pass(ana, phone)
}

// Wrong guesses in a stolen session are not given back when the owner passes a
// step-up in theirs.
func TestStepUpGuessesAreNotGivenBack(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Hour)
	guesses := 0
	for range 20 {
		for range 4 {
			if _, err := h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, phone.WrongCode()); !errors.Is(err, throttle.ErrThrottled) {
				guesses++
			}
		}
		h.clock.Advance(time.Minute)
		first, second := phone.Pair()
		_, err := h.Account(ana).Reauthenticate(h.ctx, "delete backup", first, second)
		require.NoError(t, err)
	}
	require.Equal(t, 20, guesses, "20 a day")
}

// Beginning over and over leaves nothing behind that could fill the record.
func TestBeginningAgainDoesNotGrowTheRecord(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	size := func() int {
		rec, err := h.memory.Get(h.ctx, ana.ID)
		require.NoError(t, err)
		return len(rec.Sealed)
	}
	begin := func() {
		next, err := h.SignIn(h.ctx, ana)
		require.NoError(t, err)
		_, err = h.BeginEnrollment(h.ctx, next.Proof)
		require.NoError(t, err)
	}
	for range 5 {
		begin()
	}
	before := size()
	for range 300 {
		begin()
	}
	require.Less(t, size(), before+100)
}

// What shows no factor gives no proof: a wrong pair, a recovery code where policy
// has none, more codes than two.
func TestReauthenticateRefuses(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	h.clock.Advance(time.Hour)
	app := h.open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	for name, c := range map[string]struct {
		from  *totpflow.Service
		codes []string
		is    error
	}{
		"a wrong code":          {h.Service, []string{phone.WrongCode()}, totpflow.ErrRejected},
		"a wrong pair":          {h.Service, []string{phone.WrongCode(), phone.WrongCode()}, totpflow.ErrRejected},
		"a wrong recovery code": {h.Service, []string{"0000-0000-0000-0000"}, totpflow.ErrRejected},
		"three codes":           {h.Service, []string{"123456", "123456", "123456"}, totpflow.ErrRejected},
		"a method of others":    {app, codes[:1], totpflow.ErrMethodNotAllowed},
	} {
		p, err := c.from.Account(ana).Reauthenticate(h.ctx, "delete backup", c.codes...)
		require.ErrorIs(t, err, c.is, name)
		require.Empty(t, p, name)
	}
	_, err := h.Account(ana).Reauthenticate(h.ctx, "delete backup", codes[0])
	require.NoError(t, err, "the recovery code was not spent")
}

// A proof is good for the account that earned it, and for nobody else's: nor does
// nothing at all prove something of nobody.
func TestAProofIsOfOneAccount(t *testing.T) {
	h := newHouse(t)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.enroll(ben)
	phone, _ := h.enroll(ana)
	proof := h.prove(ana, "delete backup", phone)
	for _, u := range []totpflow.User{ben, {ID: totpflow.AccountID{Tenant: "globex", User: ana.ID.User}}, {ID: totpflow.AccountID{User: ana.ID.User}}, {}} {
		require.ErrorIs(t, h.Account(u).ConsumeProof(h.ctx, proof, "delete backup"), totpflow.ErrProof)
		require.ErrorIs(t, h.Account(u).ConsumeProof(h.ctx, "", ""), totpflow.ErrProof)
	}
	require.NoError(t, h.Account(ana).ConsumeProof(h.ctx, proof, "delete backup"))
}

// What is not there cannot be taken away or noted, and nothing is written of it.
func TestNothingToTake(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.unchanged(func() {
		require.ErrorIs(t, h.Account(ana).RevokeBrowser(h.ctx, "x"), totpflow.ErrNoBrowser)
		require.NoError(t, h.Account(ana).RevokeBrowsers(h.ctx))
	})
	h.trusted(ana, phone)
	h.unchanged(func() {
		require.ErrorIs(t, h.Account(ana).RevokeBrowser(h.ctx, "x"), totpflow.ErrNoBrowser)
	})
	require.Len(t, h.status(ana).Browsers, 1)

	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.ctx))
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.unchanged(func() {
		require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.ctx), "said once")
		require.ErrorIs(t, h.Account(ben).RecoveryCodesSaved(h.ctx), totpflow.ErrNotEnrolled)
	})
	require.Zero(t, h.status(ben).RecoveryCodes.Saved)
}

// The proof that nothing is set up lets somebody set up, and is good for nothing
// of the host's.
func TestSpendTakesNoSetUpProof(t *testing.T) {
	h := newHouse(t)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
	h.unchanged(func() {
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.ctx, next.Proof, totpflow.ActionEnroll), totpflow.ErrProof)
	})
}
