package throttle_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

func TestPairBurstThenOneInThirtySeconds(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	var err error
	for range 6 {
		b, err = b.Pair(start, p)
		require.NoError(t, err)
	}
	at := start
	for range 20 {
		before := encode(t, b)
		b, err = b.Pair(at, p)
		var e *throttle.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, throttle.ErrThrottled)
		require.False(t, e.Pair)
		require.Equal(t, before, encode(t, b), "a refusal takes nothing")
		require.LessOrEqual(t, e.Until.Sub(at), 31*time.Second)
		_, err = b.Pair(e.Until.Add(-1), p)
		require.Error(t, err)
		at = e.Until
		b, err = b.Pair(at, p)
		require.NoError(t, err)
		b = reread(t, b)
	}
	full := at.Add(181 * time.Second)
	for range 6 {
		b, err = b.Pair(full, p)
		require.NoError(t, err, "three minutes of rest give six again")
	}
	_, err = b.Pair(full, p)
	require.Error(t, err, "and no seventh")
}

// In any period there are at most the burst and one for each full 30 seconds of it. Of
// two servers one may be ahead of the other: that gives as much as it is ahead by, once,
// and not again at each change between them.
func TestPairRateIsKept(t *testing.T) {
	p := throttle.Default()
	for _, ahead := range []time.Duration{0, 29 * time.Second} {
		r := rand.New(rand.NewPCG(3, 4))
		var b throttle.Budget
		var taken []time.Time
		for now := start; now.Before(start.Add(time.Hour)); now = now.Add(time.Duration(r.Int64N(int64(12 * time.Second)))) {
			clock := now
			if r.IntN(2) == 0 {
				clock = now.Add(ahead)
			}
			if next, err := b.Pair(clock, p); err == nil {
				b, taken = next, append(taken, now)
			}
		}
		require.Greater(t, len(taken), 100)
		for i := range taken {
			for j := i; j < len(taken); j++ {
				allowed := 6 + int((taken[j].Sub(taken[i])+ahead)/(30*time.Second))
				require.LessOrEqual(t, j-i+1, allowed, "from %v to %v", taken[i], taken[j])
			}
		}
	}
}

func TestPairWithAClockThatSteppedBack(t *testing.T) {
	p := throttle.Default()
	b, err := throttle.Budget{}.Pair(start, p)
	require.NoError(t, err)
	at := start.Add(-year)
	for range 5 {
		b, err = b.Pair(at, p)
		require.NoError(t, err, "what was left is left")
		at = at.Add(time.Hour)
	}
	_, err = b.Pair(at, p)
	require.Error(t, err, "and the past refills nothing")
}

func TestPairWorksWhileSingleCodesWait(t *testing.T) {
	p := throttle.Strict()
	var b throttle.Budget
	for range 200 {
		b = b.Fail(start, p, "", 15)
	}
	e := refusal(t, b, start, p, guess)
	require.NotNil(t, e)
	require.True(t, e.Pair)
	for range 6 {
		require.True(t, refusal(t, b, start, p, guess).Pair)
		var err error
		b, err = b.Pair(start, p)
		require.NoError(t, err)
	}
	require.False(t, refusal(t, b, start, p, guess).Pair, "the error must not promise what Pair refuses")
	require.True(t, refusal(t, b, start.Add(31*time.Second), p, guess).Pair)
	b = b.Succeed(start, "")
	require.False(t, refusal(t, b, start, p, guess).Pair, "a success refills nothing")
	require.Equal(t, 200*15, charged(b, start, year))
}

func TestPairWithANarrowerProfile(t *testing.T) {
	wide, narrow := throttle.Default(), throttle.Default()
	narrow.PairBurst = 2
	var b throttle.Budget
	for range 6 {
		b, _ = b.Pair(start, wide)
	}
	_, err := b.Pair(start, narrow)
	end := until(t, err)
	_, err = b.Pair(end.Add(-1), narrow)
	require.Error(t, err)
	_, err = b.Pair(end, narrow)
	require.NoError(t, err)
}

func TestErrorSaysUntilWhen(t *testing.T) {
	require.EqualError(t, &throttle.Error{}, "throttle: too many attempts; waiting does not help")
	err := error(&throttle.Error{Until: time.Date(2026, 3, 28, 14, 0, 0, 0, time.UTC)})
	require.EqualError(t, err, "throttle: too many attempts until 2026-03-28T14:00:00Z")
	require.True(t, errors.Is(err, throttle.ErrThrottled))
	require.False(t, errors.Is(err, throttle.ErrFormat))
}
