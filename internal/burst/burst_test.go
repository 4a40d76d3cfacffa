package burst

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)

// Whatever the number of keys is, a strict log lets only so many lines pass in a minute,
// keeps only so many keys, and loses no count.
func TestStrict(t *testing.T) {
	const most, keys, minutes = 100, 5_000, 3
	l := NewStrict[int](most)
	lines, counted, calls := 0, 0, 0
	for minute := range minutes {
		passed := 0
		for key := range keys {
			at := start.Add(time.Duration(minute)*Length + time.Duration(key)*time.Millisecond)
			for range 2 { // the second is held back by the first
				held, elsewhere, pass := l.Pass(key+minute/2*keys, at) // in the end also other keys, for which the first are forgotten
				calls++
				if pass {
					passed++
					counted += 1 + held + elsewhere
				} else {
					require.Zero(t, held+elsewhere)
				}
				require.LessOrEqual(t, len(l.bursts), most)
			}
		}
		require.LessOrEqual(t, passed, most)
		lines += passed
	}
	require.GreaterOrEqual(t, lines, minutes*most/2, "a flood does not silence the log either")
	rest := l.elsewhere
	for _, b := range l.bursts {
		rest += b.held
	}
	require.Equal(t, calls, counted+rest)
}

// A log that is not strict forgets, and gives each key a line.
func TestForgets(t *testing.T) {
	l := New[int](10)
	for key := range 1_000 {
		_, _, pass := l.Pass(key, start)
		require.True(t, pass)
		require.LessOrEqual(t, len(l.bursts), 10)
	}
}

// A line of another key that was held back is counted once, with the next line, and a line
// passes again when its minute is over.
func TestElsewhere(t *testing.T) {
	l := NewStrict[int](1)
	for _, c := range []struct {
		key             int
		after           time.Duration
		held, elsewhere int
		pass            bool
	}{
		{1, 0, 0, 0, true}, {2, 0, 0, 0, false}, {1, Length - 1, 0, 0, false}, {1, Length, 1, 1, true}, {1, 2 * Length, 0, 0, true},
	} {
		held, elsewhere, pass := l.Pass(c.key, start.Add(c.after))
		require.Equal(t, c.held, held, c)
		require.Equal(t, c.elsewhere, elsewhere, c)
		require.Equal(t, c.pass, pass, c)
	}
}

// A strict log looks for room at most once a second, unless the clock was set back.
func TestRoomOncePerSecond(t *testing.T) {
	l := NewStrict[int](1)
	pass := func(key int, after time.Duration) bool {
		_, _, pass := l.Pass(key, start.Add(after))
		return pass
	}
	require.True(t, pass(1, 0))
	require.False(t, pass(2, Length-time.Second/2))
	require.False(t, pass(2, Length+time.Second/2-1), "it looked less than a second ago")
	require.True(t, pass(2, Length+time.Second/2))
	require.True(t, pass(1, -Length))
}

// A clock that was set back does not silence a key until its time comes again.
func TestClockPutBack(t *testing.T) {
	l := NewStrict[int](10)
	_, _, pass := l.Pass(1, start)
	require.True(t, pass)
	_, _, pass = l.Pass(1, start.Add(-time.Hour))
	require.True(t, pass)
	held, _, pass := l.Pass(1, start.Add(-time.Hour))
	require.False(t, pass)
	require.Zero(t, held)
}
