package throttle_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

func TestRateIsExact(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		var r throttle.Rate
		var taken []time.Time
		now := start
		for range 300 {
			now = now.Add(time.Duration(rnd.Int64N(int64(12 * time.Minute))))
			next, err := r.Take(now, 10, time.Hour)
			within := 0
			for _, t := range taken {
				if now.Sub(t) < time.Hour {
					within++
				}
			}
			if err == nil {
				require.Less(t, within, 10)
				r, taken = next, append(taken, now)
				continue
			}
			end := until(t, err)
			require.True(t, now.Before(end))
			_, early := r.Take(end.Add(-1), 10, time.Hour)
			require.Error(t, early)
			_, inTime := r.Take(end, 10, time.Hour)
			require.NoError(t, inTime)
			require.GreaterOrEqual(t, within+1, 10, "refused though only %d of 10 were taken", within)

			back, err := throttle.DecodeRate(r.Encode())
			require.NoError(t, err)
			require.Equal(t, r, back)
		}
	}
}

func TestRateEdges(t *testing.T) {
	var r throttle.Rate
	require.True(t, r.IsZero())
	for _, bad := range []struct {
		n   int
		per time.Duration
	}{{0, time.Hour}, {-1, time.Hour}, {10, 0}, {10, -1}} {
		_, err := r.Take(start, bad.n, bad.per)
		require.Zero(t, until(t, err))
	}
	for range 10 {
		r, _ = r.Take(start, 10, time.Hour)
	}
	for _, back := range []time.Duration{time.Second, time.Hour, year} {
		_, err := r.Take(start.Add(-back), 10, time.Hour)
		require.Error(t, err, "freed by a clock that stepped back %v", back)
	}
	_, err := r.Take(start, 5, time.Hour)
	require.Equal(t, start.Add(time.Hour+750*time.Millisecond), until(t, err))

	r = throttle.Rate{}
	for i := range 4 {
		r, err = r.Take(start.Add(time.Duration(i)*time.Minute), 10, time.Hour)
		require.NoError(t, err)
	}
	_, err = r.Take(start.Add(5*time.Minute), 2, time.Hour)
	require.Equal(t, start.Add(time.Hour+2*time.Minute+750*time.Millisecond), until(t, err), "of four, three must have left")

	r = throttle.Rate{}
	for range 1000 {
		r, _ = r.Take(start, 1<<30, time.Hour)
	}
	require.Less(t, len(encode(t, r)), 1<<10)
	_, err = r.Take(start, 1<<30, time.Hour)
	require.Error(t, err, "more than 100 count as 100")
}

// An attempt by a clock that stepped back leaves first, and the rate can be read back.
func TestRateAfterAStepBack(t *testing.T) {
	r, err := throttle.Rate{}.Take(start, 2, time.Hour)
	require.NoError(t, err)
	require.False(t, r.IsZero())
	r, err = r.Take(start.Add(-time.Minute), 2, time.Hour)
	require.NoError(t, err)
	back, err := throttle.DecodeRate(r.Encode())
	require.NoError(t, err)
	require.Equal(t, r, back)
	_, err = r.Take(start, 2, time.Hour)
	require.Equal(t, start.Add(59*time.Minute+750*time.Millisecond), until(t, err))
}

func TestRateIsAValue(t *testing.T) {
	var r throttle.Rate
	for range 5 {
		r, _ = r.Take(start, 10, time.Hour)
	}
	before := encode(t, r)
	left, err := r.Take(start, 10, time.Hour)
	require.NoError(t, err)
	leftBefore := encode(t, left)
	_, _ = r.Take(start.Add(time.Minute), 10, time.Hour)
	_, _ = r.Take(start.Add(-time.Minute), 10, time.Hour)
	_, _ = r.Take(start.Add(2*time.Hour), 10, time.Hour)
	require.Equal(t, before, encode(t, r))
	require.Equal(t, leftBefore, encode(t, left))
}
