package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
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

	ben := totpflow.User{Tenant: "acme", ID: "43", Name: "ben@acme.example"}
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
	phone, err := totptest.Scan(page.Offer.URI(), h.clock)
	require.NoError(t, err)

	// One kind is not taken for another.
	_, err = h.ConfirmEnrollment(h.ctx, totpflow.EnrollmentToken(next.Proof), phone.Peek())
	require.ErrorIs(t, err, totpflow.ErrEnrollment)
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
			_, err := h.Continue(h.ctx, totpflow.Challenge(forged))
			require.ErrorIs(t, err, totpflow.ErrChallenge, "byte %d bit %d", i, bit)
		}
	}

	elsewhere := h.open(func(c *totpflow.Config) { c.Audience = "partner portal" })
	_, err = elsewhere.Continue(h.ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	h.raiseEpoch()
	_, err = h.open().Continue(h.ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.Continue(h.ctx, c)
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
	require.Nil(t, h.status(ana).Waiting)
}

// 500 guesses at once, one of them right, are worth five: the budget's.
func TestBurstOfGuessesGetsTheBudget(t *testing.T) {
	for _, processes := range []int{1, 3} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
			phone, _ := h.enroll(ana)
			h.clock.Advance(time.Hour)
			var services []*totpflow.Service
			for range processes {
				services = append(services, h.open(func(c *totpflow.Config) { c.Events = quiet }))
			}
			c := h.ask(ana)
			wrong := phone.WrongCode()
			var answered, waiting atomic.Int32
			together(500, func(i int) {
				_, err := services[i%processes].VerifyCode(h.ctx, c, wrong)
				var wait *throttle.Error
				switch {
				case errors.As(err, &wait):
					waiting.Add(1)
				case errors.Is(err, totpflow.ErrRejected):
					answered.Add(1)
				default:
					t.Error(err)
				}
			})
			require.EqualValues(t, 5, answered.Load())
			require.EqualValues(t, 495, waiting.Load())

			// The right code does not open either, and is not even looked at …
			code := phone.Code()
			d, err := h.VerifyCode(h.ctx, c, code)
			refused(t, d, err, throttle.ErrThrottled)
			var wait *throttle.Error
			require.ErrorAs(t, err, &wait)
			require.True(t, wait.Pair)
			require.Equal(t, 30*time.Second, wait.Until.Sub(h.clock.Now()))
			// … but two consecutive ones let the owner in.
			second := phone.Code()
			d, err = h.VerifyPair(h.ctx, c, code, second)
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, d.Step)
			require.Nil(t, h.status(ana).Waiting, "a success clears the wait")
		})
	}
}

// The budget belongs to the account: neither a new challenge, nor another
// session or process, nor a fresh start of the sign-in refills it.
func TestBudgetIsPerAccount(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Hour) // so that the phone need not wait for a new code
	for range 5 {
		_, err := h.open().VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.NotNil(t, next.Waiting)
	_, err = h.open().VerifyCode(h.ctx, next.Challenge, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled)
	_, err = h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled, "step-up is under the same budget")
	_, err = h.VerifyOther(h.ctx, next.Challenge, "webauthn", func(context.Context) error { return nil })
	require.ErrorIs(t, err, throttle.ErrThrottled, "and so is a factor of the host's")

	h.clock.Set(next.Waiting.Until)
	h.pass(ana, phone)
}

// Failures of a challenge that ends in success are given back; those of an
// attacker's challenges are not, however often the owner signs in.
func TestOwnTyposAreGivenBack(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	typos := func(c totpflow.Challenge, n int) {
		for range n {
			_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
			require.ErrorIs(t, err, totpflow.ErrRejected)
		}
	}
	for range 40 { // 160 typos, eight times the day's budget
		c := h.ask(ana)
		typos(c, 4)
		_, err := h.VerifyCode(h.ctx, c, phone.Code())
		require.NoError(t, err)
	}
	require.Nil(t, h.status(ana).Waiting)

	guesses := 0
	for range 40 { // the same with the attacker's own challenge
		c := h.ask(ana)
		for range 4 {
			if _, err := h.VerifyCode(h.ctx, c, phone.WrongCode()); errors.Is(err, totpflow.ErrRejected) && !errors.Is(err, throttle.ErrThrottled) {
				guesses++
			}
		}
		owner := h.ask(ana)
		if _, err := h.VerifyCode(h.ctx, owner, phone.Code()); err != nil {
			require.ErrorIs(t, err, throttle.ErrThrottled)
			first, second := phone.Pair()
			h.clock.Advance(10 * time.Second)
			_, err = h.VerifyPair(h.ctx, owner, first, second)
			require.NoError(t, err, "the owner gets in while the attacker has spent the day")
		}
	}
	require.Equal(t, 20, guesses, "20 a day")
}

// Pairs have their own counter: a burst of six, then one in ten seconds.
func TestPairCounter(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	wrong := phone.WrongCode()
	for i := range 6 {
		_, err := h.VerifyPair(h.ctx, c, wrong, wrong)
		require.ErrorIs(t, err, totpflow.ErrRejected, "try %d", i)
	}
	first, second := phone.Pair()
	h.clock.Set(start.Add(time.Minute))
	var wait *throttle.Error
	for range 7 {
		_, err := h.VerifyPair(h.ctx, c, wrong, wrong)
		if errors.As(err, &wait) {
			break
		}
	}
	require.NotNil(t, wait)
	_, err := h.VerifyPair(h.ctx, c, first, second)
	require.ErrorIs(t, err, throttle.ErrThrottled)
	require.Nil(t, h.status(ana).Waiting, "wrong pairs do not spend the codes' budget")
}

// A pair is two consecutive codes in order, both newer than the last: neither
// half may have been used.
func TestPairIsConsecutiveAndFresh(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(10 * time.Minute)
	first, second := phone.Pair()
	c := h.ask(ana)
	_, err := h.VerifyPair(h.ctx, c, second, first)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	_, err = h.VerifyPair(h.ctx, c, second, second)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	_, err = h.VerifyCode(h.ctx, c, first)
	require.NoError(t, err)
	c = h.ask(ana)
	_, err = h.VerifyPair(h.ctx, c, first, second)
	require.Error(t, err, "the first half was used")
}

// A host's own factor is judged once, under the same budget.
func TestVerifyOther(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	c := h.ask(ana)
	down := errors.New("reader unplugged")
	d, err := h.VerifyOther(h.ctx, c, "webauthn", func(context.Context) error { return down })
	refused(t, d, err, down)
	for range 5 {
		d, err = h.VerifyOther(h.ctx, c, "webauthn", func(context.Context) error { return totpflow.ErrRejected })
		refused(t, d, err, totpflow.ErrRejected)
	}
	calls := 0
	right := func(context.Context) error { calls++; return nil }
	d, err = h.VerifyOther(h.ctx, c, "webauthn", right)
	refused(t, d, err, throttle.ErrThrottled)
	require.Zero(t, calls, "not even asked while waiting")
	h.clock.Advance(time.Minute)
	d, err = h.VerifyOther(h.ctx, c, "webauthn", right)
	require.NoError(t, err)
	require.Equal(t, totpflow.ByOther, d.Reason)
	require.Equal(t, ana.ID, d.ID)
	require.Equal(t, 1, calls)
}

// The strict profile: 100 failures in a row close the authenticator, time does
// not open it; the code of the next step is not accepted early; no browser is
// trusted.
func TestStrict(t *testing.T) {
	strict := func(c *totpflow.Config) { c.Strict, c.Events = true, quiet }
	h := newHouse(t, strict)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Hour)
	phone.SetDrift(30 * time.Second)
	_, err := h.VerifyCode(h.ctx, h.ask(ana), phone.Peek())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	phone.SetDrift(0)
	d := h.pass(ana, phone)
	require.Zero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrTrustNotOffered)

	c, failures := h.ask(ana), 0
	var wait *throttle.Error
	for failures < 1000 {
		_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
		switch {
		case errors.As(err, &wait) && wait.Until.IsZero():
			require.Equal(t, 100, failures)
			h.clock.Advance(2 * 365 * 24 * time.Hour)
			_, err = h.VerifyCode(h.ctx, h.ask(ana), phone.Code())
			require.ErrorIs(t, err, throttle.ErrThrottled)
			return
		case errors.As(err, &wait):
			h.clock.Set(wait.Until)
			c = h.ask(ana)
		default:
			require.ErrorIs(t, err, totpflow.ErrRejected)
			failures++
		}
	}
	t.Fatal("never closed")
}

// One read and one write for a code, right or wrong; one read for what is not
// counted.
func TestVerificationReadsOnceAndWritesOnce(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
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
			challenge := h.ask(ana)
			h.store.Reset()
			_, _ = h.VerifyCode(h.ctx, challenge, c.code)
			require.Equal(t, c.want, h.store.Counts())
		})
	}
}

// Success is returned only after the store acknowledged. A lost acknowledgement
// is decided by reading; an unknown outcome lets nobody in, and the same code
// never succeeds twice in total.
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
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			h.clock.Advance(time.Minute)
			challenge, code := h.ask(ana), phone.Code()
			ctx, cancel := context.WithCancel(h.ctx)
			defer cancel()
			if c.timeout {
				cancel()
			}
			h.store.SetFaults(c.faults)
			d, err := h.VerifyCode(ctx, challenge, code)
			if c.passes {
				require.NoError(t, err)
				require.Equal(t, totpflow.Passed, d.Step)
			} else {
				refused(t, d, err, store.ErrUnavailable)
			}
			h.store.SetFaults(totptest.Faults{})
			d, err = h.VerifyCode(h.ctx, h.ask(ana), code)
			if c.burnt {
				refused(t, d, err, totpflow.ErrAlreadyUsed)
			} else {
				require.NoError(t, err)
				_, err = h.VerifyCode(h.ctx, h.ask(ana), code)
				require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
			}
		})
	}
}

// An outage during a thousand sign-ins counts against nobody.
func TestOutageIsNotCharged(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	h.store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	for range 1000 {
		_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	h.store.SetFaults(totptest.Faults{})
	require.Nil(t, h.status(ana).Waiting)
	h.pass(ana, phone)
}

// Right password, wrong code three times: told once for the episode. Replays
// and the suspension are told as well.
func TestEventsOfAnAttack(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	h.events.kinds()
	for range 5 {
		_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
	require.ErrorIs(t, err, throttle.ErrThrottled)
	require.Equal(t, []event.Kind{
		event.CodeRejected, event.CodeRejected, event.CodeRejected, event.RejectedRepeatedly,
		event.CodeRejected, event.CodeRejected, event.Throttled,
	}, h.events.kinds())

	suspended := 0
	for range 100 {
		if w := h.status(ana).Waiting; w != nil {
			h.clock.Set(w.Until)
		}
		_, _ = h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
		for _, k := range h.events.kinds() {
			if k == event.Suspended {
				suspended++
			}
		}
		if suspended > 0 {
			break
		}
	}
	require.Equal(t, 1, suspended)
}

// What the person is told does not say why; only the event does.
func TestOneOutwardAnswer(t *testing.T) {
	h := newHouse(t, withMode(policy.Optional))
	phone, codes := h.enroll(ana)
	first, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	require.Equal(t, 9, first.RecoveryCodesLeft)
	_, wrong := h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
	_, used := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	_, unknown := h.VerifyRecoveryCode(h.ctx, h.ask(ana), "0000-0000-0000-0000")
	require.Equal(t, wrong.Error(), used.Error())
	require.Equal(t, used.Error(), unknown.Error())
	require.Equal(t, totpflow.ErrRejected, used, "nothing rides along")
}
