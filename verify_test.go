package totpflow_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// NIST SP 800-63B-4 §3.1.4.2, RFC 6238 §5.2: a code is accepted once. Here by
// 128 requests at once, over two services that share nothing but the store.
func TestCodeWorksOnceUnderConcurrency(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	services := []*totpflow.Service{h.open(), h.open()}
	for round := range 20 {
		code := phone.Code()
		var challenges []totpflow.Challenge
		for range 128 {
			challenges = append(challenges, h.ask(ana))
		}
		var passed atomic.Int32
		together(128, func(i int) {
			d, err := services[i%2].VerifyCode(h.ctx, challenges[i], code)
			switch {
			case err == nil && d.Step == totpflow.Passed:
				passed.Add(1)
			case errors.Is(err, totpflow.ErrAlreadyUsed):
			default:
				t.Errorf("round %d: %v, %v", round, d.Step, err)
			}
		})
		require.EqualValues(t, 1, passed.Load())
	}
}

// together runs f n times at once, all released by one barrier.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-gate
			f(i)
		}()
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

// A challenge completes one sign-in, of its own user, within ten minutes.
func TestChallengeIsBoundAndSpent(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	_, err := h.VerifyCode(h.ctx, c, phone.Code())
	require.NoError(t, err)

	d, err := h.VerifyCode(h.ctx, c, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)

	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}, Name: "ben@acme.example"}
	bens, _ := h.enroll(ben)
	d, err = h.VerifyCode(h.ctx, h.ask(ana), bens.Code())
	refused(t, d, err, totpflow.ErrRejected)

	for _, forged := range []totpflow.Challenge{"", "x", "AAAA", totpflow.Challenge(make([]byte, 1<<20))} {
		d, err = h.VerifyCode(h.ctx, forged, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
	}
}

// A challenge, a proof and an enrollment token are sealed for their kind, their
// installation and the ring's epoch: any other string is refused, also one that
// differs in a single bit.
func TestTicketsCannotBeForgedOrSwapped(t *testing.T) {
	h := newHouse(t)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)

	// One kind is not taken for another.
	_, err = h.ConfirmEnrollment(h.ctx, totpflow.EnrollmentToken(next.Proof), phone.Peek())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	_, err = h.BeginEnrollment(h.ctx, totpflow.Proof(page.Token))
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginEnrollment(h.ctx, totpflow.Challenge(next.Proof))
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.BeginEnrollment(h.ctx, nil)
	require.ErrorIs(t, err, totpflow.ErrProof)

	_, err = h.ConfirmEnrollment(h.ctx, page.Token, phone.Code())
	require.NoError(t, err)
	c := h.ask(ana)
	_, err = h.BeginEnrollment(h.ctx, c) // a challenge that asks a code sets nothing up
	require.ErrorIs(t, err, totpflow.ErrChallenge)

	for i := range len(c) {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32} {
			forged := []byte(c)
			forged[i] ^= bit
			_, err := h.ContinueSignIn(h.ctx, totpflow.Challenge(forged))
			require.ErrorIs(t, err, totpflow.ErrChallenge, "byte %d bit %d", i, bit)
		}
	}

	elsewhere := h.open(func(c *totpflow.Config) { c.Audience = "partner portal" })
	_, err = elsewhere.ContinueSignIn(h.ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	h.raiseEpoch()
	_, err = h.open().ContinueSignIn(h.ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.ContinueSignIn(h.ctx, c)
	require.NoError(t, err)
}

// Every spelling of a code that is accepted is the same code: only ASCII
// spaces and hyphens may stand in it, and using it in one spelling uses it up.
// What cannot be a code is refused without being counted.
func TestSpellingAndMalformedCodes(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	code := phone.Code()
	_, err := h.VerifyCode(h.ctx, h.ask(ana), code[:3]+" "+code[3:])
	require.NoError(t, err)
	for _, spelling := range []string{code, code[:3] + "-" + code[3:], " " + code + " "} {
		d, err := h.VerifyCode(h.ctx, h.ask(ana), spelling)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	}
	h.store.Reset()
	for _, bad := range []string{"", "12345", "1234567", "+12345", "12e4", "１２３４５６", "١٢٣٤٥٦", code + "\x00", "\t" + code, code + "\u00a0", string(make([]byte, 10<<20))} {
		d, err := h.VerifyCode(h.ctx, h.ask(ana), bad)
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, totp.ErrMalformedCode)
	}
	require.Zero(t, h.store.Counts().Put, "no guess, no charge")
	require.Nil(t, h.status(ana).Throttled)
}
