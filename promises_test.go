package totpflow_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Promises of single sentences, each with a number in it that is written out
// here once more.

// From the password to the code a person has 10 minutes, a passed factor stands
// for its action for 5, and an enrollment waits for 15.
func TestLifetimes(t *testing.T) {
	for name, c := range map[string]struct {
		life time.Duration
		made func(h *house, phone *totptest.Authenticator) (use func() error)
		over error
	}{
		"challenge": {10 * time.Minute, func(h *house, _ *totptest.Authenticator) func() error {
			c := h.ask(ana)
			return func() error { _, err := h.ContinueSignIn(h.ctx, c); return err }
		}, totpflow.ErrChallenge},
		"proof of a step-up": {5 * time.Minute, func(h *house, phone *totptest.Authenticator) func() error {
			p := h.prove(ana, "delete backup", phone)
			return func() error { return h.Account(ana).ConsumeProof(h.ctx, p, "delete backup") }
		}, totpflow.ErrProof},
		"proof of a sign-in": {5 * time.Minute, func(h *house, phone *totptest.Authenticator) func() error {
			p := h.pass(ana, phone).Proof
			return func() error { _, err := h.TrustBrowser(h.ctx, p, "x"); return err }
		}, totpflow.ErrProof},
		"set-up": {15 * time.Minute, func(h *house, phone *totptest.Authenticator) func() error {
			p := h.prove(ana, totpflow.ActionAddAuthenticator, phone)
			page, err := h.BeginEnrollment(h.ctx, p)
			require.NoError(h.t, err)
			require.Empty(h.t, page.Clears, "adding clears nothing")
			return func() error {
				again, err := h.ContinueEnrollment(h.ctx, page.Token, p)
				if err == nil {
					require.Equal(h.t, string(page.Token), string(again.Token), "seeing it again prolongs nothing")
				}
				return err
			}
		}, totpflow.ErrEnrollmentExpired},
	} {
		for _, early := range []time.Duration{time.Second, 0} {
			t.Run(name, func(t *testing.T) {
				h := newHouse(t)
				phone, _ := h.enroll(ana)
				phone.Code()
				use := c.made(h, phone)
				h.clock.Advance(c.life - early)
				if err := use(); early > 0 {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.over)
				}
			})
		}
	}
}

// Nothing comes with an error: what a refused write would have granted is not
// in the caller's hands.
func TestNothingComesWithAnError(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	page, err := h.BeginEnrollment(h.ctx, h.prove(ana, totpflow.ActionAddAuthenticator, phone))
	require.NoError(t, err)
	next, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)
	replace, codes := h.prove(ana, totpflow.ActionReplaceAuthenticator, phone), h.prove(ana, totpflow.ActionRecoveryCodes, phone)
	proof := h.pass(ana, phone).Proof
	h.store.SetFaults(totptest.Faults{Put: errors.New("disk full")})

	enrolled, err := h.ConfirmEnrollment(h.ctx, page.Token, next.Code())
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, enrolled)
	offered, err := h.BeginEnrollment(h.ctx, replace)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, offered)
	trusted, err := h.TrustBrowser(h.ctx, proof, "x")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, trusted)
	sheet, err := h.Account(ana).NewRecoveryCodes(h.ctx, codes)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, sheet)
	earned, err := h.Account(ana).Reauthenticate(h.ctx, "x", phone.Code())
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Zero(t, earned)
}

// After an administrator's reset a new authenticator is set up first, whatever
// the policy says, and nothing from before signs in.
func TestResetAsksForASetUp(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	token := h.trusted(ana, phone)
	keys, err := keyring.Parse(h.keys)
	require.NoError(t, err)
	records := engine.New(engine.Config{Store: h.memory, Keys: keys, Events: quiet, Now: h.clock.Now})
	require.NoError(t, records.Change(h.ctx, ana.ID, func(r *engine.Tx) (err error) {
		r.Enrollment, err = r.Enrollment.Reset(r.Now)
		r.FactorsChanged(r.Now)
		r.Save()
		return err
	}))
	for _, mode := range []policy.Mode{policy.Off, policy.Optional, policy.Required} {
		next, err := h.open(withMode(mode)).SignIn(h.ctx, ana, token)
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, next.Step, mode)
		d, err := h.VerifyCode(h.ctx, next.Challenge, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
		d, err = h.VerifyRecoveryCode(h.ctx, next.Challenge, codes[0])
		refused(t, d, err, totpflow.ErrChallenge)
	}
	require.Equal(t, enroll.ResetPending, h.status(ana).State)
	h.enroll(ana)
}

// Off offers nothing: no proof to set something up with.
func TestOffOffersNoSetUp(t *testing.T) {
	h := newHouse(t, withMode(policy.Off))
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonPolicyOff, next.Reason)
	require.Empty(t, next.Proof)
}

// A method is offered while it can work: not when the last recovery code is used.
func TestMethodsAreThoseThatWork(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	for _, code := range codes {
		h.clock.Advance(time.Hour)
		_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), code)
		require.NoError(t, err)
	}
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods)
}

// A request with many cookies makes no more work than 32 of them.
func TestManyTokens(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token := h.trusted(ana, phone)
	for n, want := range map[int]totpflow.Step{31: totpflow.Passed, 32: totpflow.AskCode} {
		next, err := h.SignIn(h.ctx, ana, append(slices.Repeat([]trust.Token{"nonsense"}, n), token)...)
		require.NoError(t, err)
		require.Equal(t, want, next.Step, n)
	}
}

// The list of trusted browsers is of those that would pass.
func TestExpiredBrowsersAreNotListed(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.trusted(ana, phone)
	h.clock.Advance(30*24*time.Hour - time.Minute)
	require.Len(t, h.status(ana).Browsers, 1)
	h.clock.Advance(time.Minute)
	require.Empty(t, h.status(ana).Browsers)
}

// Two consecutive codes are used up like one: neither they nor either of them
// pass again.
func TestPairIsUsedUp(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	first, second := phone.Pair()
	_, err := h.VerifyPair(h.ctx, h.ask(ana), first, second)
	require.NoError(t, err)
	d, err := h.VerifyPair(h.ctx, h.ask(ana), first, second)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
	for _, code := range []string{first, second} {
		d, err = h.VerifyCode(h.ctx, h.ask(ana), code)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	}
}

// Ten tries of recovery codes an hour, the right ones counted too.
func TestRightRecoveryCodesAreCountedToo(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	for i := range 10 {
		code := codes[i]
		if i%2 == 1 {
			code = "0000-0000-0000-0000"
		}
		_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), code)
		require.NotErrorIs(t, err, throttle.ErrThrottled)
	}
	d, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[1])
	refused(t, d, err, throttle.ErrThrottled)
}

// Who has the ring and the password, and not the phone, turns a challenge into
// nothing else: what a ticket is, is under the record's signature too.
func TestRingAndPasswordForgeNoTicket(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	plain := h.opened("totpflow/challenge", string(h.ask(ana)))
	proof := totpflow.Proof(h.sealed("totpflow/proof", plain))
	_, err := h.TrustBrowser(h.ctx, proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	require.ErrorIs(t, h.Account(ana).ConsumeProof(h.ctx, proof, totpflow.ActionSignIn), totpflow.ErrProof)
	better := bytes.ReplaceAll(plain, []byte("sign in"), []byte("set up"))
	_, err = h.BeginEnrollment(h.ctx, totpflow.Challenge(h.sealed("totpflow/challenge", better)))
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// A host's factor is asked once, also where the race for the record is lost and
// run again: a second touch of the key would be a second ceremony.
func TestHostFactorIsAskedOnce(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	challenge, calls := h.ask(ana), 0
	s := h.open(func(c *totpflow.Config) { c.Store = &losesOnce{Store: h.store} })
	d, err := s.VerifyExternal(h.ctx, challenge, "key", func(context.Context) error { calls++; return nil })
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.Equal(t, 1, calls)
}

// A losesOnce loses the first race.
type losesOnce struct {
	store.Store
	lost bool
}

func (s *losesOnce) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if !s.lost {
		s.lost = true
		return store.ErrConflict
	}
	return s.Store.Put(ctx, rec, was)
}

// What is too long to be a ticket is refused before any work.
func TestHugeTicketsCostNothing(t *testing.T) {
	h := newHouse(t)
	huge := totpflow.Challenge(make([]byte, 1<<20))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if _, err := h.ContinueSignIn(h.ctx, huge); !errors.Is(err, totpflow.ErrChallenge) {
			t.Error(err)
		}
	}))
}
