package servicetest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Promises of one sentence each, whose numbers are written out here once more.

// A person has 10 minutes from the password to the code, a proof of a factor is valid for
// 5, and an enrollment is open for 15.
func TestLifetimes(t *testing.T) {
	for name, c := range map[string]struct {
		life time.Duration
		made func(h *harness, phone *totptest.Authenticator) (use func() error)
		over error
	}{
		"challenge": {10 * time.Minute, func(h *harness, _ *totptest.Authenticator) func() error {
			c := h.Challenge(ana)
			return func() error { _, err := h.ContinueSignIn(h.Ctx, c); return err }
		}, totpflow.ErrChallenge},
		"proof of a step-up": {5 * time.Minute, func(h *harness, phone *totptest.Authenticator) func() error {
			p := h.Prove(ana, "delete backup", phone)
			return func() error { return h.Account(ana).ConsumeProof(h.Ctx, p, totpflow.Action("delete backup").On("")) }
		}, totpflow.ErrProof},
		"proof of a sign-in": {5 * time.Minute, func(h *harness, phone *totptest.Authenticator) func() error {
			p := h.PassByCode(ana, phone).Proof
			return func() error { _, err := h.TrustBrowser(h.Ctx, p, "x"); return err }
		}, totpflow.ErrProof},
		"set-up": {15 * time.Minute, func(h *harness, phone *totptest.Authenticator) func() error {
			p := h.Prove(ana, totpflow.ActionAddAuthenticator, phone)
			page, err := h.BeginEnrollment(h.Ctx, p)
			require.NoError(h.T, err)
			require.Empty(h.T, page.Clears, "adding clears nothing")
			return func() error {
				again, err := h.ContinueEnrollment(h.Ctx, page.Token, p)
				if err == nil {
					require.Equal(h.T, string(page.Token), string(again.Token), "seeing it again prolongs nothing")
				}
				return err
			}
		}, totpflow.ErrEnrollmentExpired},
	} {
		for _, early := range []time.Duration{time.Second, 0} {
			t.Run(name, func(t *testing.T) {
				h := newHarness(t)
				phone, _ := h.Enroll(ana)
				phone.Code()
				use := c.made(h, phone)
				h.Clock.Advance(c.life - early)
				if err := use(); early > 0 {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.over)
				}
			})
		}
	}
}

// Nothing comes with an error: the caller does not get what a refused write would have
// granted.
func TestNothingComesWithAnError(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, phone))
	require.NoError(t, err)
	next, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	replace, codes := h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone), h.Prove(ana, totpflow.ActionRecoveryCodes, phone)
	proof := h.PassByCode(ana, phone).Proof
	h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})

	enrolled, err := h.ConfirmEnrollment(h.Ctx, page.Token, next.Code())
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, enrolled)
	offered, err := h.BeginEnrollment(h.Ctx, replace)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, offered)
	trusted, err := h.TrustBrowser(h.Ctx, proof, "x")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, trusted)
	sheet, _, err := h.Account(ana).NewRecoveryCodes(h.Ctx, codes)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, sheet)
	earned, err := h.Account(ana).VerifyCode(h.Ctx, totpflow.Action("x").On(""), phone.Code())
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, earned)
}

// After an administrator's reset a new authenticator is set up first, whatever
// the policy says, and nothing from before signs in.
func TestResetAsksForASetUp(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	keys, err := keyring.Parse(h.Keys)
	require.NoError(t, err)
	records := engine.New(engine.Config{Store: h.Memory, Keys: keys, Observer: quiet, Now: h.Clock.Now})
	require.NoError(t, records.Change(h.Ctx, ana.ID, func(r *engine.Tx) (err error) {
		r.Enrollment, err = r.Enrollment.Reset(r.Now)
		r.EndSessions()
		r.Save()
		return err
	}))
	for _, mode := range []policy.Mode{policy.Off, policy.Optional, policy.Required} {
		next, err := h.Open(withMode(mode)).SignIn(h.Ctx, ana, token)
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, next.Step, mode)
		d, err := h.VerifyCode(h.Ctx, next.Challenge, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyRecoveryCode(h.Ctx, next.Challenge, codes[0])
		refused(t, d, err, totpflow.ErrChallenge)
	}
	require.Equal(t, enroll.ResetPending, h.Status(ana).State)
	h.Enroll(ana)
}

// Off offers nothing: not even a proof to set something up with.
func TestOffOffersNoSetUp(t *testing.T) {
	h := newHarness(t, withMode(policy.Off))
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonPolicyOff, next.Reason)
	require.Empty(t, next.Proof)
}

// A method is offered while it can work: not after the last recovery code was used.
func TestMethodsAreThoseThatWork(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	for _, code := range codes {
		h.Clock.Advance(time.Hour)
		_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), code)
		require.NoError(t, err)
	}
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods)
}

// A browser that many people share sends a token for each of them. The person's own is
// found among any number; of the others, 32 are checked.
func TestManyTokens(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	stranger := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "stranger"}}
	his, _ := h.Enroll(stranger)
	other := h.TrustBrowserOf(stranger, his)
	for n, want := range map[int]totpflow.Step{31: totpflow.Passed, 32: totpflow.Passed, 5000: totpflow.Passed} {
		next, err := h.SignIn(h.Ctx, ana, append(slices.Repeat([]trust.Token{other}, n), token)...)
		require.NoError(t, err)
		require.Equal(t, want, next.Step, n)
	}
	h.RotateKeys() // from now on a token that was signed before is named like any other
	rotated := h.Open()
	for n, want := range map[int]totpflow.Step{31: totpflow.Passed, 32: totpflow.AskCode} {
		next, err := rotated.SignIn(h.Ctx, ana, append(slices.Repeat([]trust.Token{other}, n), token)...)
		require.NoError(t, err)
		require.Equal(t, want, next.Step, n)
	}
}

// The list of trusted browsers contains those that would pass.
func TestExpiredBrowsersAreNotListed(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.TrustBrowserOf(ana, phone)
	h.Clock.Advance(30*24*time.Hour - time.Minute)
	require.Len(t, h.Status(ana).Browsers, 1)
	h.Clock.Advance(time.Minute)
	require.Empty(t, h.Status(ana).Browsers)
}

// Two consecutive codes are used like one: they do not pass again, together or alone.
func TestPairIsUsedUp(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	first, second := phone.Pair()
	_, err := h.VerifyPair(h.Ctx, h.Challenge(ana), first, second)
	require.NoError(t, err)
	d, err := h.VerifyPair(h.Ctx, h.Challenge(ana), first, second)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
	for _, code := range []string{first, second} {
		d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), code)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	}
}

// Ten tries of recovery codes an hour, the right ones counted too.
func TestRightRecoveryCodesAreCountedToo(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	for i := range 10 {
		code := codes[i]
		if i%2 == 1 {
			code = "0000-0000-0000-0000"
		}
		_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), code)
		require.NotErrorIs(t, err, throttle.ErrThrottled)
	}
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[1])
	refused(t, d, err, throttle.ErrThrottled)
}

// An attacker who has the ring and the password, and not the phone, cannot turn a
// challenge into another ticket: the record's signature covers the kind of a ticket too.
func TestRingAndPasswordForgeNoTicket(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	plain := h.Plain("totpflow/challenge", string(h.Challenge(ana)))
	var ticket engine.Ticket
	require.NoError(t, wire.Decode(plain[32:], &ticket))
	rewritten := func(kind string, a totpflow.Action) string {
		ticket.Kind, ticket.Action, ticket.Reason = kind, string(a), "code"
		text, err := wire.Encode(&ticket)
		require.NoError(t, err)
		return h.Sealed(kind, append(plain[:32:32], text...))
	}
	for _, proof := range []totpflow.Proof{
		totpflow.Proof(h.Sealed("totpflow/proof", plain)), totpflow.Proof(rewritten("totpflow/proof", totpflow.ActionSignIn)),
	} {
		_, err := h.TrustBrowser(h.Ctx, proof, "x")
		require.ErrorIs(t, err, totpflow.ErrProof)
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.ActionSignIn.On("")), totpflow.ErrProof)
	}
	_, err := h.BeginEnrollment(h.Ctx, totpflow.Proof(rewritten("totpflow/proof", totpflow.ActionReplaceAuthenticator)))
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginEnrollment(h.Ctx, totpflow.Challenge(rewritten("totpflow/challenge", totpflow.ActionEnroll)))
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// A string that is too long to be a ticket is refused before any work.
func TestHugeTicketsCostNothing(t *testing.T) {
	h := newHarness(t)
	huge := totpflow.Challenge(make([]byte, 1<<20))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if _, err := h.ContinueSignIn(h.Ctx, huge); !errors.Is(err, totpflow.ErrChallenge) {
			t.Error(err)
		}
	}))
}
