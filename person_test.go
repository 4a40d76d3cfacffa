package totpflow_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// Disabling requires a proof and removes every factor; it is refused if policy requires
// one.
func TestDisable(t *testing.T) {
	h := newHarness(t)
	a := h.Account(ana)
	require.ErrorIs(t, servicetest.ErrorOf(a.Disable(h.Ctx, "")), totpflow.ErrProof)
	_, err := a.VerifyCode(h.Ctx, totpflow.ActionDisable.On(""), "123456")
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
	phone, codes := h.Enroll(ana)
	challenge := h.Challenge(ana)

	required := h.Open(withMode(policy.Required)).Account(ana)
	proof := h.Prove(ana, totpflow.ActionDisable, phone)
	require.ErrorIs(t, servicetest.ErrorOf(required.Disable(h.Ctx, proof)), totpflow.ErrFactorRequired)
	require.NoError(t, servicetest.ErrorOf(a.Disable(h.Ctx, proof)), "what failed did not use the proof up")
	require.ErrorIs(t, servicetest.ErrorOf(a.Disable(h.Ctx, proof)), totpflow.ErrProof)

	st := h.Status(ana)
	require.Equal(t, enroll.Disabled, st.State)
	require.Zero(t, st.RecoveryCodes)
	require.Empty(t, st.Authenticators)
	d, err := h.VerifyCode(h.Ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
	d, err = h.VerifyRecoveryCode(h.Ctx, challenge, codes[0])
	refused(t, d, err, totpflow.ErrChallenge)
}

// A signed-in person may show a recovery code instead of the app's.
func TestReauthenticateByRecoveryCode(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	a := h.Account(ana)
	proof, _, err := a.VerifyRecoveryCode(h.Ctx, totpflow.Action("delete backup").On(""), codes[0])
	require.NoError(t, err)
	require.ErrorIs(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("show key").On("")), totpflow.ErrProof)
	require.ErrorIs(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("8")), totpflow.ErrProof, "another target")
	require.NoError(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")))
	require.ErrorIs(t, a.ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")), totpflow.ErrProof)
	_, _, err = a.VerifyRecoveryCode(h.Ctx, totpflow.Action("delete backup").On(""), codes[0])
	require.ErrorIs(t, err, totpflow.ErrRejected)

	_, _, err = a.VerifyRecoveryCode(h.Ctx, totpflow.Purpose{}, codes[1])
	require.ErrorIs(t, err, totpflow.ErrProof, "an action that was forgotten")
	h.Clock.Advance(time.Minute)
	first, second := phone.Pair()
	_, err = a.VerifyPair(h.Ctx, totpflow.Action("delete backup").On(""), first, second)
	require.NoError(t, err)

	stale, _, err := a.VerifyRecoveryCode(h.Ctx, totpflow.Action("delete backup").On(""), codes[1])
	require.NoError(t, err)
	h.Clock.Advance(totpflow.ProofLifetime)
	require.ErrorIs(t, a.ConsumeProof(h.Ctx, stale, totpflow.Action("delete backup").On("")), totpflow.ErrProof)
}

// A reset that leaves the recovery codes permits no step-up by them: they lead to a new
// authenticator, and prove nothing before it has shown a code.
func TestStepUpAfterAReset(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAuthenticators)))
	h.Unchanged(func() {
		proof, _, err := h.Account(ana).VerifyRecoveryCode(h.Ctx, totpflow.Action("delete backup").On(""), codes[0])
		require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
		require.Empty(t, proof)
	})
}

// A code that signs in cannot serve for a step-up at the same time, or the other way
// round: all paths share one memory of used codes.
func TestOneMemoryOverAllPaths(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	for range 30 {
		h.Clock.Advance(time.Minute)
		challenge, code := h.Challenge(ana), phone.Code()
		var passed atomic.Int32
		together(16, func(i int) {
			var err error
			if i%2 == 0 {
				_, err = h.VerifyCode(h.Ctx, challenge, code)
			} else {
				_, err = h.Account(ana).VerifyCode(h.Ctx, totpflow.ActionReplaceAuthenticator.On(""), code)
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
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	h.PassByCode(ana, phone)
	h.Clock.Advance(-time.Hour)
	h.Events.Kinds()
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Peek())
	refused(t, d, err, enroll.ErrClock)
	require.Contains(t, h.Events.Kinds(), event.ClockBehind)
	h.Clock.Advance(time.Hour + time.Minute)
	h.PassByCode(ana, phone)
}

// Wrong guesses in a stolen session are not given back when the owner passes a
// step-up in theirs.
func TestStepUpGuessesAreNotGivenBack(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	guesses := 0
	for range 20 {
		for range 4 {
			if _, err := h.Account(ana).VerifyCode(h.Ctx, totpflow.ActionDisable.On(""), phone.WrongCode()); !errors.Is(err, throttle.ErrThrottled) {
				guesses++
			}
		}
		h.Clock.Advance(time.Minute)
		first, second := phone.Pair()
		_, err := h.Account(ana).VerifyPair(h.Ctx, totpflow.Action("delete backup").On(""), first, second)
		require.NoError(t, err)
	}
	require.Equal(t, 20, guesses, "20 a day")
}

// Beginning over and over leaves nothing behind that could fill the record.
func TestBeginningAgainDoesNotGrowTheRecord(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	size := func() int {
		rec, err := h.Memory.Get(h.Ctx, ana.ID)
		require.NoError(t, err)
		return len(rec.Sealed)
	}
	begin := func() {
		next, err := h.SignIn(h.Ctx, ana)
		require.NoError(t, err)
		_, err = h.BeginEnrollment(h.Ctx, next.Proof)
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

// A proof requires a factor: a wrong pair gives none, and neither does a recovery code
// where the policy has none.
func TestReauthenticateRefuses(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	app := h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	deletion := totpflow.Action("delete backup").On("7")
	for name, c := range map[string]struct {
		from   *totpflow.Service
		verify func(totpflow.Account) (totpflow.Proof, error)
		is     error
	}{
		"a wrong code": {h.Service, func(a totpflow.Account) (totpflow.Proof, error) {
			return a.VerifyCode(h.Ctx, deletion, phone.WrongCode())
		}, totpflow.ErrRejected},
		"a wrong pair": {h.Service, func(a totpflow.Account) (totpflow.Proof, error) {
			return a.VerifyPair(h.Ctx, deletion, phone.WrongCode(), phone.WrongCode())
		}, totpflow.ErrRejected},
		"a wrong recovery code": {h.Service, func(a totpflow.Account) (totpflow.Proof, error) {
			proof, _, err := a.VerifyRecoveryCode(h.Ctx, deletion, "0000-0000-0000-0000")
			return proof, err
		}, totpflow.ErrRejected},
		"a recovery code as a code": {h.Service, func(a totpflow.Account) (totpflow.Proof, error) {
			return a.VerifyCode(h.Ctx, deletion, codes[0])
		}, totpflow.ErrRejected},
		"a method of others": {app, func(a totpflow.Account) (totpflow.Proof, error) {
			proof, _, err := a.VerifyRecoveryCode(h.Ctx, deletion, codes[0])
			return proof, err
		}, totpflow.ErrMethodNotAllowed},
	} {
		p, err := c.verify(c.from.Account(ana))
		require.ErrorIs(t, err, c.is, name)
		require.Empty(t, p, name)
	}
	_, _, err := h.Account(ana).VerifyRecoveryCode(h.Ctx, totpflow.Action("delete backup").On(""), codes[0])
	require.NoError(t, err, "the recovery code was not spent")
}

// A proof is valid for the account that earned it, and for no other; an empty proof
// proves nothing for anybody.
func TestAProofIsOfOneAccount(t *testing.T) {
	h := newHarness(t)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.Enroll(ben)
	phone, _ := h.Enroll(ana)
	proof := h.Prove(ana, "delete backup", phone)
	for _, u := range []totpflow.User{ben, {ID: totpflow.AccountID{Tenant: "globex", User: ana.ID.User}}, {ID: totpflow.AccountID{User: ana.ID.User}}, {}} {
		require.ErrorIs(t, h.Account(u).ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")), totpflow.ErrProof)
		require.ErrorIs(t, h.Account(u).ConsumeProof(h.Ctx, "", totpflow.Purpose{}), totpflow.ErrProof)
	}
	require.NoError(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")))
}

// An entry that does not exist cannot be removed or noted, and nothing is written about
// it.
func TestNothingToTake(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Unchanged(func() {
		require.ErrorIs(t, h.Account(ana).RevokeBrowser(h.Ctx, "x"), totpflow.ErrNoBrowser)
		require.NoError(t, h.Account(agent).RevokeBrowsers(h.Ctx), "no record")
	})
	h.TrustBrowserOf(ana, phone)
	h.Unchanged(func() {
		require.ErrorIs(t, h.Account(ana).RevokeBrowser(h.Ctx, "x"), totpflow.ErrNoBrowser)
	})
	require.Len(t, h.Status(ana).Browsers, 1)

	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.Unchanged(func() {
		require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx), "said once")
		require.ErrorIs(t, h.Account(ben).RecoveryCodesSaved(h.Ctx), totpflow.ErrNotEnrolled)
	})
	require.Zero(t, h.Status(ben).RecoveryCodes.Saved)
}

// The proof that nothing is set up permits an enrollment, and none of the host's own
// actions.
func TestSpendTakesNoSetUpProof(t *testing.T) {
	h := newHarness(t)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
	h.Unchanged(func() {
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, next.Proof, totpflow.ActionEnroll.On("")), totpflow.ErrProof)
	})
}
