package throttle_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/throttle"
)

// hoursOf returns the hours in the stored form, as pairs of distance and chances.
func hoursOf(t *testing.T, b throttle.Budget) (pairs []int64) {
	t.Helper()
	var s struct {
		Hours []struct{ After, Chances int64 }
	}
	require.NoError(t, json.Unmarshal([]byte(wiretest.View(t, &b)), &s))
	for _, h := range s.Hours {
		pairs = append(pairs, h.After, h.Chances)
	}
	return pairs
}

// The limits of a valid profile are valid.
func TestValidateTakesTheLimits(t *testing.T) {
	for name, set := range map[string]func(*throttle.Profile){
		"one free":                func(p *throttle.Profile) { p.Free = 1 },
		"one wait":                func(p *throttle.Profile) { p.MaxWait = p.FirstWait },
		"forgets after the wait":  func(p *throttle.Profile) { p.Forget = p.MaxWait },
		"one chance":              func(p *throttle.Profile) { p.Day, p.Month, p.Year = 1, 1, 1 },
		"the most chances a year": func(p *throttle.Profile) { p.Year = 1_000_000 },
		"one pair":                func(p *throttle.Profile) { p.PairBurst = 1 },
	} {
		p := throttle.Default()
		set(&p)
		require.NoError(t, p.Validate(), name)
	}
}

// Charges of one challenge are given back to it, up to 64; a further one is not lost but
// stays for good.
func TestGiveBackIsBounded(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	for range 64 {
		b = b.Fail(start, p, "a", guess)
	}
	require.True(t, b.Succeed(start, "a").IsZero())
	b = b.Fail(start, p, "a", guess).Succeed(start, "a")
	require.Equal(t, guess, charged(b, start, day))
}

// An hour is kept for a year longer than it counts, and up to 1024 of them are kept.
func TestHoursAreKept(t *testing.T) {
	p := throttle.Default()
	hour := time.Date(2026, time.March, 28, 13, 0, 0, 0, time.UTC)
	b := throttle.Budget{}.Fail(hour.Add(time.Minute), p, "", guess)
	last := hour.Add(time.Hour + 2*year)
	require.Len(t, hoursOf(t, b.Fail(last, p, "", guess)), 4)
	require.Len(t, hoursOf(t, b.Fail(last.Add(time.Second), p, "", guess)), 2)

	b = throttle.Budget{}
	for i := range 1024 {
		b = b.Fail(hour.Add(time.Duration(i)*time.Hour), p, "", 1)
	}
	require.Len(t, hoursOf(t, b), 2*1024)
	require.Len(t, hoursOf(t, b.Fail(hour.Add(2000*time.Hour), p, "", 1)), 2*1024)
}

// A clock before 1970 works like any other.
func TestBefore1970(t *testing.T) {
	p := throttle.Default()
	for unix, hour := range map[int64]int64{-1: -1, -3600: -1, -3601: -2, 0: 0, 3599: 0, 7200: 2} {
		b := throttle.Budget{}.Fail(time.Unix(unix, 0), p, "", guess)
		require.Equal(t, []int64{hour, guess}, hoursOf(t, b), unix)
	}
	long := time.Unix(-1_000_000_000, 0)
	var b throttle.Budget
	for range 5 {
		b = b.Fail(long, p, "a", guess)
	}
	require.Equal(t, long.Add(30*time.Second).UTC(), refusal(t, b, long, p, guess).Until)
}

// A run is forgotten exactly after Forget, and its wait grows to the longest and no
// further, however long the run is.
func TestRunToTheSecond(t *testing.T) {
	p := throttle.Default()
	b := throttle.Budget{}.Fail(start, p, "a", guess).Fail(start, p, "a", guess)
	require.Equal(t, 1, b.Fail(start.Add(day), p, "b", guess).ConsecutiveFailures())
	p.Day, p.Month, p.Year = 1_000_000, 1_000_000, 1_000_000
	for range 300 {
		b = b.Fail(start, p, "a", guess)
	}
	require.Equal(t, start.Add(750*time.Millisecond+p.MaxWait), refusal(t, b, start, p, guess).Until)
}

// Everyone who is locked is told whether a pair would be accepted, and is told the truth.
func TestPairIsOfferedWhereItIsTaken(t *testing.T) {
	p := throttle.Default()
	for _, c := range []struct {
		burst  int
		every  time.Duration
		before int // pairs taken
		taken  bool
	}{
		{6, 10 * time.Second, 5, true}, {6, 10 * time.Second, 6, false}, {1, 10 * time.Second, 0, true}, {1, 10 * time.Second, 1, false},
		{0, 10 * time.Second, 0, false}, {-1, 10 * time.Second, 0, false}, {6, 0, 0, false}, {6, -1, 0, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p.PairBurst, p.PairEvery = c.burst, c.every
			var b throttle.Budget
			for range 5 {
				b = b.Fail(start, p, "a", guess)
			}
			var err error
			for range c.before {
				b, err = b.Pair(start, p)
				require.NoError(t, err)
			}
			require.Equal(t, c.taken, refusal(t, b, start, p, guess).Pair)
			next, err := b.Pair(start, p)
			require.Equal(t, c.taken, err == nil)
			if !c.taken {
				require.Equal(t, b, next)
				require.Equal(t, c.before == 0, until(t, err).IsZero(), "waiting helps where there are pairs at all")
			}
		})
	}
}
