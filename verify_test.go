package totpflow_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// NIST SP 800-63B-4 §3.1.4.2, RFC 6238 §5.2: a code is accepted once. Here by
// 128 requests at once, over two services that share nothing but the store.
func TestCodeWorksOnceUnderConcurrency(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	services := []*totpflow.Service{h.Open(), h.Open()}
	for round := range 20 {
		code := phone.Code()
		var challenges []totpflow.Challenge
		for range 128 {
			challenges = append(challenges, h.Challenge(ana))
		}
		var passed atomic.Int32
		together(128, func(i int) {
			d, err := services[i%2].VerifyCode(h.Ctx, challenges[i], code)
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

// A challenge completes one sign-in, of its own user, within ten minutes.
func TestChallengeIsBoundAndSpent(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	_, err := h.VerifyCode(h.Ctx, c, phone.Code())
	require.NoError(t, err)

	d, err := h.VerifyCode(h.Ctx, c, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)

	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}, Name: "ben@acme.example"}
	bens, _ := h.Enroll(ben)
	d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), bens.Code())
	refused(t, d, err, totpflow.ErrRejected)

	for _, forged := range []totpflow.Challenge{"", "x", "AAAA", totpflow.Challenge(make([]byte, 1<<20))} {
		d, err = h.VerifyCode(h.Ctx, forged, phone.Code())
		refused(t, d, err, totpflow.ErrChallenge)
	}
}

// A challenge, a proof and an enrollment token are sealed for their kind, their
// installation and the ring's epoch: any other string is refused, even one that differs
// in a single bit.
func TestTicketsCannotBeForgedOrSwapped(t *testing.T) {
	h := newHarness(t)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)

	// One kind is not accepted as another.
	_, err = h.ConfirmEnrollment(h.Ctx, totpflow.EnrollmentToken(next.Proof), phone.Peek())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	_, err = h.BeginEnrollment(h.Ctx, totpflow.Proof(page.Token))
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, err = h.BeginEnrollment(h.Ctx, totpflow.Challenge(next.Proof))
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.BeginEnrollment(h.Ctx, nil)
	require.ErrorIs(t, err, totpflow.ErrProof)

	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(t, err)
	c := h.Challenge(ana)
	_, err = h.BeginEnrollment(h.Ctx, c) // a challenge that asks for a code sets nothing up
	require.ErrorIs(t, err, totpflow.ErrChallenge)

	for i := range len(c) {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32} {
			forged := []byte(c)
			forged[i] ^= bit
			_, err := h.ContinueSignIn(h.Ctx, totpflow.Challenge(forged))
			require.ErrorIs(t, err, totpflow.ErrChallenge, "byte %d bit %d", i, bit)
		}
	}

	elsewhere := h.Open(func(c *totpflow.Config) { c.Audience = "partner portal" })
	_, err = elsewhere.ContinueSignIn(h.Ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	h.RaiseEpoch()
	_, err = h.Open().ContinueSignIn(h.Ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.ContinueSignIn(h.Ctx, c)
	require.NoError(t, err)
}

// Every accepted spelling of a code is the same code, and using it in one spelling uses
// it in all. Text that cannot be a code is refused without being counted.
func TestSpellingAndMalformedCodes(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	code := phone.Code()
	_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code[:3]+" "+code[3:])
	require.NoError(t, err)
	var foreign strings.Builder
	for _, c := range code {
		foreign.WriteRune('\u0660' - '0' + c)
	}
	for _, spelling := range []string{code, code[:3] + "-" + code[3:], " " + code + " ", "\t" + code, code + "\u00a0", foreign.String()} {
		d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), spelling)
		refused(t, d, err, totpflow.ErrAlreadyUsed)
	}
	h.Store.Reset()
	for _, bad := range []string{"", "12345", "1234567", "+12345", "12e4", "１23456", "١23٤٥٦", code + "\x00", code + code, string(make([]byte, 10<<20))} {
		d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), bad)
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, totp.ErrMalformedCode)
	}
	require.Zero(t, h.Store.Counts().Put, "no guess, no charge")
	require.Nil(t, h.Status(ana).Throttled)
}

// A whole second step on the in-memory store: SignIn and VerifyCode. The metrics are
// counted, not timed: what each verification costs the store. The module tests do the
// same over SQLite.
func BenchmarkSignIn(b *testing.B) {
	h := newHarness(b, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	var total totptest.Counts
	b.ReportAllocs()
	for b.Loop() {
		c := h.Challenge(ana)
		code := phone.Code()
		h.Store.Reset()
		_, err := h.VerifyCode(h.Ctx, c, code)
		require.NoError(b, err)
		n := h.Store.Counts()
		total.Get += n.Get
		total.Put += n.Put
	}
	b.ReportMetric(float64(total.Get)/float64(b.N), "reads/verification")
	b.ReportMetric(float64(total.Put)/float64(b.N), "writes/verification")
}

// Several refusals in one run, so that their times can be compared.
func BenchmarkRefusal(b *testing.B) {
	refusals := map[string]func(h *harness, c totpflow.Challenge, phone *totptest.Authenticator, used string) error{
		"replayed": func(h *harness, c totpflow.Challenge, _ *totptest.Authenticator, used string) error {
			_, err := h.VerifyCode(h.Ctx, c, used)
			return err
		},
		"malformed": func(h *harness, c totpflow.Challenge, _ *totptest.Authenticator, _ string) error {
			_, err := h.VerifyCode(h.Ctx, c, "12345")
			return err
		},
		"forged challenge": func(h *harness, c totpflow.Challenge, _ *totptest.Authenticator, used string) error {
			_, err := h.VerifyCode(h.Ctx, c[:len(c)-1], used)
			return err
		},
	}
	for name, refuse := range refusals {
		b.Run(name, func(b *testing.B) {
			h := newHarness(b, func(c *totpflow.Config) { c.Observer = quiet })
			phone, _ := h.Enroll(ana)
			used := phone.Code()
			_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), used)
			require.NoError(b, err)
			c := h.Challenge(ana)
			for b.Loop() {
				require.Error(b, refuse(h, c, phone, used))
			}
		})
	}
}

// One read and one write for a code, right or wrong; one read for an answer that is not
// counted.
func TestVerificationReadsOnceAndWritesOnce(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	right := phone.Code()
	for _, c := range []struct {
		name string
		code string
		want totptest.Counts
	}{
		{"wrong", phone.WrongCode(), totptest.Counts{Get: 1, Put: 1}},
		{"right", right, totptest.Counts{Get: 1, Put: 1}},
		{"replayed", right, totptest.Counts{Get: 1}},
		{"malformed", "12345", totptest.Counts{Get: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			challenge := h.Challenge(ana)
			h.Store.Reset()
			_, _ = h.VerifyCode(h.Ctx, challenge, c.code)
			require.Equal(t, c.want, h.Store.Counts())
		})
	}
}

// Success is returned only after the store has acknowledged. A lost acknowledgement is
// decided by reading; an unknown outcome lets nobody in, and the same code never succeeds
// twice in total.
func TestNobodyGetsInWithoutAnAcknowledgement(t *testing.T) {
	cut := errors.New("connection reset")
	for name, c := range map[string]struct {
		faults  totptest.Faults
		passes  bool
		burnt   bool
		timeout bool
	}{
		"write refused":           {faults: totptest.Faults{Put: cut}},
		"read refused":            {faults: totptest.Faults{Get: cut}},
		"acknowledgement lost":    {faults: totptest.Faults{Lost: cut}, passes: true, burnt: true},
		"conflict without end":    {faults: totptest.Faults{Put: store.ErrConflict}},
		"conflict but written":    {faults: totptest.Faults{Lost: store.ErrConflict}, passes: true, burnt: true},
		"context already over":    {timeout: true},
		"driver reports time-out": {faults: totptest.Faults{Put: context.DeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.Clock.Advance(time.Minute)
			challenge, code := h.Challenge(ana), phone.Code()
			ctx, cancel := context.WithCancel(h.Ctx)
			defer cancel()
			if c.timeout {
				cancel()
			}
			h.Store.SetFaults(c.faults)
			d, err := h.VerifyCode(ctx, challenge, code)
			if c.passes {
				require.NoError(t, err)
				require.Equal(t, totpflow.Passed, d.Step)
			} else {
				refused(t, d, err, store.ErrUnavailable)
			}
			h.Store.SetFaults(totptest.Faults{})
			d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), code)
			if c.burnt {
				refused(t, d, err, totpflow.ErrAlreadyUsed)
			} else {
				require.NoError(t, err)
				_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), code)
				require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
			}
		})
	}
}

// An outage during a thousand sign-ins counts against nobody.
func TestOutageIsNotCharged(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	for range 1000 {
		_, err := h.VerifyCode(h.Ctx, c, phone.WrongCode())
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	h.Store.SetFaults(totptest.Faults{})
	require.Nil(t, h.Status(ana).Throttled)
	h.PassByCode(ana, phone)
}

// The answer to the person does not give the reason; only the event does.
func TestOneOutwardAnswer(t *testing.T) {
	h := newHarness(t, withMode(policy.Optional))
	phone, codes := h.Enroll(ana)
	first, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	require.Equal(t, 9, first.RecoveryCodesLeft)
	_, wrong := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
	_, used := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	_, unknown := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), "0000-0000-0000-0000")
	require.Equal(t, wrong.Error(), used.Error())
	require.Equal(t, used.Error(), unknown.Error())
	require.Equal(t, totpflow.ErrRejected, used, "nothing rides along")
}
