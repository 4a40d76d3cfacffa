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
)

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
			require.Nil(t, h.status(ana).Throttled, "a success clears the wait")
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
	require.NotNil(t, next.Throttled)
	_, err = h.open().VerifyCode(h.ctx, next.Challenge, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled)
	_, err = h.Account(ana).Reauthenticate(h.ctx, totpflow.ActionDisable, phone.Peek())
	require.ErrorIs(t, err, throttle.ErrThrottled, "step-up is under the same budget")
	_, err = h.VerifyExternal(h.ctx, next.Challenge, "webauthn", func(context.Context) error { return nil })
	require.ErrorIs(t, err, throttle.ErrThrottled, "and so is a factor of the host's")

	h.clock.Set(next.Throttled.Until)
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
	require.Nil(t, h.status(ana).Throttled)

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
	require.Nil(t, h.status(ana).Throttled, "wrong pairs do not spend the codes' budget")
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
	d, err := h.VerifyExternal(h.ctx, c, "webauthn", func(context.Context) error { return down })
	refused(t, d, err, down)
	for range 5 {
		d, err = h.VerifyExternal(h.ctx, c, "webauthn", func(context.Context) error { return totpflow.ErrRejected })
		refused(t, d, err, totpflow.ErrRejected)
	}
	calls := 0
	right := func(context.Context) error { calls++; return nil }
	d, err = h.VerifyExternal(h.ctx, c, "webauthn", right)
	refused(t, d, err, throttle.ErrThrottled)
	require.Zero(t, calls, "not even asked while waiting")
	h.clock.Advance(time.Minute)
	d, err = h.VerifyExternal(h.ctx, c, "webauthn", right)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonExternal, d.Reason)
	require.Equal(t, ana.ID.User, d.ID.User)
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
		if w := h.status(ana).Throttled; w != nil {
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
