package throttle_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/throttle"
)

// Locks as the package promises them: five free guesses, then 30 s doubling to 1 h.
func TestWaitsDouble(t *testing.T) {
	p := throttle.Default()
	p.Day, p.Month, p.Year = 1_000_000, 1_000_000, 1_000_000 // only the run
	waits := []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
		16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour, time.Hour}

	var b throttle.Budget
	at := start.Truncate(time.Second)
	for i, wait := range waits {
		require.NoError(t, b.Allow(at, p, guess))
		b = reread(t, b.Fail(at, p, fmt.Sprint(i), guess))
		require.Equal(t, i+1, b.ConsecutiveFailures())
		e := refusal(t, b, at, p, guess)
		if wait == 0 {
			require.Nil(t, e, "wrong code %d", i+1)
			continue
		}
		require.Equal(t, at.Add(wait), e.Until, "after wrong code %d", i+1)
		require.True(t, e.Pair)
		at = e.Until
	}
}

func TestRunIsForgotten(t *testing.T) {
	p := throttle.Default()
	fail := func(n int) (b throttle.Budget) {
		for range n {
			b = b.Fail(start, p, "a", guess)
		}
		return b
	}
	t.Run("by a success", func(t *testing.T) {
		b := fail(9).Succeed(start, "b")
		require.Zero(t, b.ConsecutiveFailures())
		require.NoError(t, b.Allow(start, p, guess))
	})
	t.Run("after 24 h without a wrong code, not before", func(t *testing.T) {
		b := fail(7)
		require.Equal(t, 8, b.Fail(start.Add(day-time.Second), p, "b", guess).ConsecutiveFailures())
		require.Equal(t, 1, b.Fail(start.Add(day+time.Second), p, "b", guess).ConsecutiveFailures())
	})
	t.Run("not by a clock that stepped back", func(t *testing.T) {
		b := fail(5)
		back := start.Add(-48 * time.Hour)
		require.True(t, throttled(b.Allow(back, p, guess)))
		require.Equal(t, start.Add(750*time.Millisecond+30*time.Second), refusal(t, b, back, p, guess).Until)
		b = b.Fail(back, p, "b", guess)
		require.Equal(t, 6, b.ConsecutiveFailures())
		require.Equal(t, start.Add(750*time.Millisecond+time.Minute), refusal(t, b, back, p, guess).Until)
	})
}

func TestLongWindowsOutliveSuccess(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	at := start
	for i := range 20 {
		require.NoError(t, b.Allow(at, p, guess), "guess %d", i+1)
		b = b.Fail(at, p, fmt.Sprint(i), guess).Succeed(at, "the owner's")
		at = at.Add(time.Minute)
	}
	e := refusal(t, b, at, p, guess)
	require.NotNil(t, e)
	require.True(t, e.Pair)
	require.False(t, e.Until.Before(start.Add(day)), "the first guess has not left the window")
	require.False(t, e.Until.After(start.Add(day+time.Hour)), "it has, and so has its hour")
}

func TestGuessIsRefusedBeforeItGoesOver(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	for i := range 4 { // five authenticators, three steps
		require.NoError(t, b.Allow(start, p, 5*guess), "guess %d", i+1)
		b = b.Fail(start, p, "", 5*guess)
	}
	b = b.Succeed(start, "")
	require.True(t, throttled(b.Allow(start, p, 1)), "60 of 60 are spent")

	b = throttle.Budget{}
	for range 19 {
		b = b.Fail(start, p, "", guess).Succeed(start, "")
	}
	require.NoError(t, b.Allow(start, p, guess))
	require.True(t, throttled(b.Allow(start, p, guess+1)))
	require.Zero(t, until(t, b.Allow(start, p, p.Day+1)), "no time makes room for more than there is")
}

func TestGiveBack(t *testing.T) {
	p := throttle.Default()
	b := throttle.Budget{}.
		Fail(start, p, "owner", guess).Fail(start, p, "attacker", guess).
		Fail(start, p, "owner", 5*guess).Fail(start, p, "", guess)
	require.Equal(t, 8*guess, charged(b, start, year))

	require.Equal(t, 2*guess, charged(b.Succeed(start, "owner"), start, year))
	require.Equal(t, 7*guess, charged(b.Succeed(start, "attacker"), start, year))
	require.Equal(t, 8*guess, charged(b.Succeed(start, ""), start, year), "a charge without a challenge is nobody's")
	require.Equal(t, 8*guess, charged(b.Succeed(start, "other"), start, year))
	require.Equal(t, 2*guess, charged(b.Succeed(start.Add(10*time.Minute), "owner"), start.Add(10*time.Minute), year))

	late := start.Add(10*time.Minute + 2*time.Second)
	require.Equal(t, 8*guess, charged(b.Succeed(late, "owner"), late, year), "no challenge lives that long")
	again := b.Succeed(start, "other").Succeed(start, "owner")
	require.Equal(t, 2*guess, charged(again, start, year), "another's success does not bind the charges")
}

func TestStrictClosesAtHundredInARow(t *testing.T) {
	p := throttle.Strict()
	p.Day, p.Month, p.Year = 1_000_000, 1_000_000, 1_000_000 // only the row
	var b throttle.Budget
	at := start
	for i := range 100 {
		if e := refusal(t, b, at, p, guess); e != nil {
			require.False(t, e.Until.IsZero(), "closed after %d", i)
			at = e.Until
		}
		b = reread(t, b.Fail(at, p, "", guess))
		at = at.Add(25 * time.Hour) // the run is forgotten each time, the row is not
	}
	for _, later := range []time.Duration{0, day, year, 50 * year} {
		e := refusal(t, b, at.Add(later), p, guess)
		require.NotNil(t, e, "opened after %v", later)
		require.Zero(t, e.Until)
		require.True(t, e.Pair)
	}
	require.NoError(t, b.Allow(at, throttle.Default(), guess), "only Strict counts the row")
	b, err := b.Pair(at, p)
	require.NoError(t, err)
	require.NoError(t, b.Succeed(at, "").Allow(at, p, guess))
	require.NoError(t, throttle.Budget{}.Allow(at, p, guess), "a reset is the zero Budget")
}

func TestZeroProfileAllowsNothing(t *testing.T) {
	require.Zero(t, until(t, throttle.Budget{}.Allow(start, throttle.Profile{}, guess)))
	_, err := throttle.Budget{}.Pair(start, throttle.Profile{})
	require.Zero(t, until(t, err))
}

// No method changes the value that it is called on, or one that was made from it.
func TestBudgetIsAValue(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	for i := range 30 {
		b = b.Fail(start.Add(time.Duration(i)*time.Minute), p, fmt.Sprint(i%4), guess)
	}
	at := start.Add(31 * time.Minute)
	before := encode(t, b)
	left := b.Fail(at, p, "left", guess)
	leftBefore := encode(t, left)
	b.Fail(at, p, "right", 15)
	b.Fail(at.Add(time.Hour), p, "right", 15)
	b.Succeed(at, "1")
	b.Succeed(at.Add(-20*time.Minute), "1")
	_, _ = b.Pair(at, p)
	require.Equal(t, before, encode(t, b))
	require.Equal(t, leftBefore, encode(t, left))
}

func TestExtremeArguments(t *testing.T) {
	p := throttle.Default()
	times := []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 1), time.Unix(1<<62, 999), time.Unix(-1<<62, 0), time.Unix(1<<32, 0)}
	for _, first := range times {
		for _, then := range times {
			for _, chances := range []int{-1 << 31, -1, 0, 1, 1 << 30} {
				b := reread(t, throttle.Budget{}.Fail(first, p, "a", chances).Fail(then, p, "b", chances))
				require.Equal(t, b.ConsecutiveFailures() == 2, b.ConsecutiveFailures() != 1)
				if chances > p.Year {
					require.True(t, throttled(b.Allow(then, p, 1)), "%v %v", first, then)
				}
				_ = b.Allow(then, p, chances)
				_ = reread(t, b.Succeed(then, "a"))
			}
		}
	}
	require.Equal(t, 2, charged(throttle.Budget{}.Fail(start, p, "", 0).Fail(start, p, "", -7), start, day), "a guess is at least 1")
}

// With an error each call returns the value that it was given: a zero Budget or Rate
// would be a fresh one.
func TestErrorsKeepWhatWasCounted(t *testing.T) {
	p := throttle.Default()
	var spent throttle.Budget
	for n := range 6 {
		spent, _ = spent.Fail(start, p, fmt.Sprint(n), guess).Pair(start, p)
	}
	var taken throttle.Rate
	for range 3 {
		taken, _ = taken.Take(start, 3, time.Hour)
	}
	calls := map[string]func() (given, next encoder, err error){
		"Budget.Pair": func() (encoder, encoder, error) {
			next, err := spent.Pair(start, p)
			return spent, next, err
		},
		"Rate.Take": func() (encoder, encoder, error) {
			next, err := taken.Take(start, 3, time.Hour)
			return taken, next, err
		},
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")
	for name, call := range calls {
		given, next, err := call()
		require.Error(t, err, name)
		require.Equal(t, encode(t, given), encode(t, next), name)
	}
	next, err := spent.Pair(start, throttle.Profile{})
	require.Error(t, err)
	require.Equal(t, spent, next)
	rate, err := taken.Take(start, 0, time.Hour)
	require.Error(t, err)
	require.Equal(t, taken, rate)
}
