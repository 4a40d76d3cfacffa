package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// 500 guesses at once, one of them right, count as five: that is the budget.
func TestBurstOfGuessesGetsTheBudget(t *testing.T) {
	for _, processes := range []int{1, 3} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
			phone, _ := h.Enroll(ana)
			h.Clock.Advance(time.Hour)
			var services []*totpflow.Service
			for range processes {
				services = append(services, h.Open(func(c *totpflow.Config) { c.Observer = quiet }))
			}
			c := h.Challenge(ana)
			wrong := phone.WrongCode()
			var answered, waiting atomic.Int32
			together(500, func(i int) {
				_, err := services[i%processes].VerifyCode(h.Ctx, c, wrong)
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

			// The right code does not let anybody in either, and is not even compared …
			code := phone.Code()
			d, err := h.VerifyCode(h.Ctx, c, code)
			refused(t, d, err, throttle.ErrThrottled)
			var wait *throttle.Error
			require.ErrorAs(t, err, &wait)
			require.True(t, wait.Pair)
			require.Equal(t, 30*time.Second, wait.Until.Sub(h.Clock.Now()))
			// … but two consecutive ones let the owner in.
			second := phone.Code()
			d, err = h.VerifyPair(h.Ctx, c, code, second)
			require.NoError(t, err)
			require.Equal(t, totpflow.Passed, d.Step)
			require.Nil(t, h.Status(ana).Throttled, "a success clears the wait")
		})
	}
}

// The budget belongs to the account: neither a new challenge, nor another session, process
// or address, nor a fresh start of the sign-in refills it.
func TestBudgetIsPerAccount(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour) // so that the phone need not wait for a new code
	from := func(i int) context.Context {
		return event.WithSource(h.Ctx, event.Source{Address: fmt.Sprint("192.0.2.", i), UserAgent: fmt.Sprint("browser ", i)})
	}
	for i := range 5 {
		_, err := h.Open().VerifyCode(from(i), h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	next, err := h.SignIn(from(5), ana)
	require.NoError(t, err)
	require.NotNil(t, next.Throttled)
	_, err = h.Open().VerifyCode(from(6), next.Challenge, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled, "from another address")
	_, err = h.Open().VerifyCode(h.Ctx, next.Challenge, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled)
	_, err = h.Account(ana).VerifyCode(h.Ctx, totpflow.ActionDisable.On(""), phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled, "step-up is under the same budget")
	_, _, err = h.BeginExternal(h.Ctx, next.Challenge, "webauthn")
	require.ErrorIs(t, err, throttle.ErrThrottled, "and so is a factor of the host's")

	h.Clock.Set(next.Throttled.Until)
	h.PassByCode(ana, phone)
}

// Failures of a challenge that ends in success are given back; those of an attacker's
// challenges are not, however often the owner signs in.
func TestOwnTyposAreGivenBack(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, _ := h.Enroll(ana)
	typos := func(c totpflow.Challenge, n int) {
		for range n {
			_, err := h.VerifyCode(h.Ctx, c, phone.WrongCode())
			require.ErrorIs(t, err, totpflow.ErrRejected)
		}
	}
	for range 40 { // 160 typos, eight times the day's budget
		c := h.Challenge(ana)
		typos(c, 4)
		_, err := h.VerifyCode(h.Ctx, c, phone.Code())
		require.NoError(t, err)
	}
	require.Nil(t, h.Status(ana).Throttled)

	guesses := 0
	for range 40 { // the same with the attacker's own challenge
		c := h.Challenge(ana)
		for range 4 {
			if _, err := h.VerifyCode(h.Ctx, c, phone.WrongCode()); errors.Is(err, totpflow.ErrRejected) && !errors.Is(err, throttle.ErrThrottled) {
				guesses++
			}
		}
		owner := h.Challenge(ana)
		if _, err := h.VerifyCode(h.Ctx, owner, phone.Code()); err != nil {
			require.ErrorIs(t, err, throttle.ErrThrottled)
			first, second := phone.Pair()
			h.Clock.Advance(30 * time.Second)
			_, err = h.VerifyPair(h.Ctx, owner, first, second)
			require.NoError(t, err, "the owner gets in while the attacker has spent the day")
		}
	}
	require.Equal(t, 20, guesses, "20 a day")
}

// A browser that the owner trusts lets them in while an attacker has spent the budget.
func TestTrustedBrowserDoesNotWait(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	require.NotNil(t, h.Status(ana).Throttled)
	d, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonTrustedBrowser, d.Reason)
	d, err = h.ContinueSignIn(h.Ctx, h.Challenge(ana), token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	require.NotNil(t, h.Status(ana).Throttled, "which gives nobody a guess")
}

// Pairs have their own counter: a burst of six, then one in 30 seconds.
func TestPairCounter(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	wrong := phone.WrongCode()
	for i := range 6 {
		_, err := h.VerifyPair(h.Ctx, c, wrong, wrong)
		require.ErrorIs(t, err, totpflow.ErrRejected, "try %d", i)
	}
	first, second := phone.Pair()
	h.Clock.Set(start.Add(time.Minute))
	var wait *throttle.Error
	for range 7 {
		_, err := h.VerifyPair(h.Ctx, c, wrong, wrong)
		if errors.As(err, &wait) {
			break
		}
	}
	require.NotNil(t, wait)
	_, err := h.VerifyPair(h.Ctx, c, first, second)
	require.ErrorIs(t, err, throttle.ErrThrottled)
	require.Nil(t, h.Status(ana).Throttled, "wrong pairs do not spend the codes' budget")
}

// A pair is two consecutive codes in order, both newer than the last: neither
// half may have been used.
func TestPairIsConsecutiveAndFresh(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(10 * time.Minute)
	first, second := phone.Pair()
	c := h.Challenge(ana)
	_, err := h.VerifyPair(h.Ctx, c, second, first)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	_, err = h.VerifyPair(h.Ctx, c, second, second)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	_, err = h.VerifyCode(h.Ctx, c, first)
	require.NoError(t, err)
	c = h.Challenge(ana)
	_, err = h.VerifyPair(h.Ctx, c, first, second)
	require.Equal(t, totpflow.ErrRejected, err, "the first half was used, and nothing is said about the second")
}

// Somebody who saw a used code uses pairs to ask which code comes next: a right guess and
// a wrong one get the same answer, and each costs a try, so that they cannot ask until
// they know. A pair of used codes costs a try too.
func TestPairsTellNothing(t *testing.T) {
	around := func(p *totptest.Authenticator, drift time.Duration) string {
		p.SetDrift(drift)
		defer p.SetDrift(0)
		return p.Peek()
	}
	for name, pair := range map[string]func(p *totptest.Authenticator, seen string) (first, second string, want error){
		"the right one": func(p *totptest.Authenticator, seen string) (string, string, error) {
			return seen, around(p, 30*time.Second), totpflow.ErrRejected
		},
		"a wrong one": func(p *totptest.Authenticator, seen string) (string, string, error) {
			return seen, p.WrongCode(), totpflow.ErrRejected
		},
		"both used": func(p *totptest.Authenticator, seen string) (string, string, error) {
			return around(p, -30*time.Second), seen, totpflow.ErrAlreadyUsed
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.Clock.Advance(10 * time.Minute)
			seen := phone.Code()
			_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), seen)
			require.NoError(t, err)
			first, second, want := pair(phone, seen)
			tries := 0
			for range 20 {
				_, err := h.VerifyPair(h.Ctx, h.Challenge(ana), first, second)
				if errors.Is(err, throttle.ErrThrottled) {
					break
				}
				require.Equal(t, want, err)
				tries++
			}
			require.Equal(t, 6, tries, "every well-formed pair takes a try")
		})
	}
}

// The strict profile: 100 failures in a row close the authenticator, and time does not
// open it; the code of the next step is not accepted early; no browser is trusted.
func TestStrict(t *testing.T) {
	strict := func(c *totpflow.Config) { c.Strict, c.Observer = true, quiet }
	h := newHarness(t, strict)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	phone.SetDrift(30 * time.Second)
	_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Peek())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	phone.SetDrift(0)
	d := h.PassByCode(ana, phone)
	require.Zero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.Ctx, d.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrTrustNotOffered)

	c, failures := h.Challenge(ana), 0
	var wait *throttle.Error
	for failures < 1000 {
		_, err := h.VerifyCode(h.Ctx, c, phone.WrongCode())
		switch {
		case errors.As(err, &wait) && wait.Until.IsZero():
			require.Equal(t, 100, failures)
			h.Clock.Advance(2 * 365 * 24 * time.Hour)
			_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Code())
			require.ErrorIs(t, err, throttle.ErrThrottled)
			return
		case errors.As(err, &wait):
			h.Clock.Set(wait.Until)
			c = h.Challenge(ana)
		default:
			require.ErrorIs(t, err, totpflow.ErrRejected)
			failures++
		}
	}
	t.Fatal("never closed")
}

// Right password, wrong code three times: reported once for the episode. Replays and the
// suspension are reported as well.
func TestEventsOfAnAttack(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	h.Events.Kinds()
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, c, phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	_, err := h.VerifyCode(h.Ctx, c, phone.WrongCode())
	require.ErrorIs(t, err, throttle.ErrThrottled)
	require.Equal(t, []event.Kind{
		event.CodeRejected, event.CodeRejected, event.CodeRejected, event.RejectedRepeatedly,
		event.CodeRejected, event.CodeRejected, event.Throttled,
	}, h.Events.Kinds())

	suspended := 0
	for range 100 {
		if w := h.Status(ana).Throttled; w != nil {
			h.Clock.Set(w.Until)
		}
		_, _ = h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		for _, k := range h.Events.Kinds() {
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
