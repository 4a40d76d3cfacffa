package phone_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// Up to 64 sends are exact: a send is allowed if the limits allow it, to the second, and
// Until is the first moment.
func TestSendsAreExact(t *testing.T) {
	limits := []phone.Limit{{N: 1, Per: 30 * time.Second}, {N: 3, Per: 10 * time.Minute}, {N: 10, Per: day}}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		slices.Reverse(limits) // their order does not matter
		var s phone.Sends
		var taken []time.Time
		refused := map[time.Duration]int{}
		at := noon
		for range 400 {
			at = at.Add(time.Duration(random.Int64N(int64([]time.Duration{time.Minute, 4 * time.Minute, day}[random.IntN(3)]))))
			next, err := s.Take(at, limits...)
			if err == nil {
				for _, l := range limits {
					require.Less(t, within(taken, at, l.Per), l.N)
				}
				s, taken = next, append(taken, at)
				continue
			}
			require.ErrorIs(t, err, phone.ErrLimit)
			w := wait(t, at, err)
			require.True(t, at.Before(w.Until))
			require.Error(t, s.Allow(w.Until.Add(-1), limits...))
			require.NoError(t, s.Allow(w.Until, limits...))
			full := false
			for _, l := range limits {
				// Sends are kept in whole seconds, rounded up.
				if within(taken, at, l.Per+time.Second) >= l.N {
					full = true
					refused[l.Per]++
				}
			}
			require.True(t, full, "refused though nothing was full")
			require.Equal(t, s, next)
		}
		require.Len(t, refused, 3, "each limit was met")
	}
}

// Many sends: never one too many in any period, and at most an eighth too few.
func TestManySends(t *testing.T) {
	limits := []phone.Limit{{N: 100, Per: time.Minute}, {N: 1000, Per: time.Hour}, {N: 3000, Per: day}, {N: 9000, Per: 31 * day}}
	for _, pace := range []time.Duration{time.Second / 3, 2 * time.Second, 3 * time.Minute} {
		var s phone.Sends
		var taken []time.Time
		longest, refused := 0, 0
		at := noon
		for range 12_000 {
			at = at.Add(pace)
			next, err := s.Take(at, limits...)
			full := false
			for _, l := range limits {
				n := within(taken, at, l.Per)
				if err == nil {
					require.Less(t, n, l.N, "%v", l.Per)
				}
				full = full || within(taken, at, l.Per*8/7+2*time.Second) >= l.N
			}
			if err != nil {
				require.True(t, full, "refused too early at %v", pace)
				refused++
				continue
			}
			s, taken = next, append(taken, at)
			if len(taken)%31 == 0 {
				longest = max(longest, len(encode(t, s)))
			}
		}
		t.Logf("one in %v: %d allowed, %d refused, %d bytes", pace, len(taken), refused, longest)
		require.NotZero(t, refused)
		require.LessOrEqual(t, longest, 1<<10)
	}
}

// within returns how many of the times, which are in order, are less than per before at.
func within(taken []time.Time, at time.Time, per time.Duration) int {
	first, _ := slices.BinarySearchFunc(taken, at.Add(-per), func(t, edge time.Time) int {
		if t.After(edge) {
			return 1
		}
		return -1
	})
	return len(taken) - first
}

// The memory of a year's sends stays small, even when there is a send for every mark of
// the grid.
func TestSendsStaySmall(t *testing.T) {
	limit := phone.Limit{N: 1_000_000, Per: 366 * day}
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(left time.Duration) time.Duration{
		"evenly":         func(time.Duration) time.Duration { return 31 * time.Minute },
		"at random":      func(time.Duration) time.Duration { return time.Duration(random.ExpFloat64() * float64(31*time.Minute)) },
		"on every mark":  func(left time.Duration) time.Duration { return max(left/17, time.Second) },
		"near the marks": func(left time.Duration) time.Duration { return max(left/9, time.Second) },
	} {
		var s phone.Sends
		longest, n := 0, 0
		for at, end := noon, noon.Add(365*day); at.Before(end); n++ {
			after, err := s.Take(at, limit)
			require.NoError(t, err)
			s = after
			if n%7 == 0 || end.Sub(at) < time.Hour {
				longest = max(longest, len(encode(t, s)))
			}
			at = at.Add(next(end.Sub(at)))
		}
		t.Logf("%s: %d sends, %d bytes at most", name, n, longest)
		require.LessOrEqual(t, longest, 1<<10)
		back, err := phone.DecodeSends(s.Encode())
		require.NoError(t, err)
		require.Equal(t, s, back)
	}
}

func TestSendsEdges(t *testing.T) {
	var s phone.Sends
	require.True(t, s.IsZero())
	hour := phone.Limit{N: 2, Per: time.Hour}
	for name, limits := range map[string][]phone.Limit{
		"none": nil, "zero": {{}}, "no number": {{N: 0, Per: time.Hour}}, "negative": {{N: -1, Per: time.Hour}},
		"no time": {{N: 1}}, "endless": {{N: 1_000_001, Per: time.Hour}}, "one of two": {hour, {N: 1, Per: -1}},
	} {
		next, err := s.Take(noon, limits...)
		require.ErrorIs(t, err, phone.ErrLimit, name)
		require.Zero(t, wait(t, noon, err).Until, name)
		require.True(t, next.IsZero())
	}
	require.Contains(t, (&phone.WaitError{Err: phone.ErrLimit}).Error(), "waiting does not help")

	s, _ = s.Take(noon, hour)
	s, _ = s.Take(noon, hour)
	for _, back := range []time.Duration{time.Second, time.Hour, 365 * day} {
		require.Error(t, s.Allow(noon.Add(-back), hour), "freed by a clock that stepped back %v", back)
	}
	require.Error(t, s.Allow(noon.Add(time.Hour), hour))
	require.NoError(t, s.Allow(noon.Add(time.Hour+750*time.Millisecond), hour))
	s, err := phone.Sends{}.Take(noon, hour)
	require.NoError(t, err)
	require.Error(t, s.Allow(noon.Add(2*time.Second), phone.Limit{N: 1, Per: 1500 * time.Millisecond}), "seconds, rounded up")
	s, _ = s.Take(noon, hour)
	require.EqualError(t, s.Allow(noon, hour), "phone: too many messages until 2026-03-28T13:00:01Z")

	before := encode(t, s)
	later, err := s.Take(noon.Add(2*time.Hour), hour)
	require.NoError(t, err)
	require.Equal(t, sendsOf(uint64(1774706401), uint64(1)), later.Encode(), "what nothing looks at any more is forgotten")
	_, _ = s.Take(noon.Add(-time.Hour), phone.Limit{N: 9, Per: day})
	require.Equal(t, before, encode(t, s), "a value")
	for _, at := range []time.Time{{}, time.Unix(1<<62, 999), time.Unix(-1<<62, 0), time.Unix(0, 0)} {
		_, err := phone.Sends{}.Take(at, hour)
		require.NoError(t, err)
	}
}

func TestLimits(t *testing.T) {
	require.NoError(t, phone.DefaultLimits().Validate())
	two := phone.DefaultLimits()
	two.Number[0].N = 2
	require.NoError(t, two.Validate(), "half of two is one")
	for name, spoil := range map[string]func(*phone.Limits){
		"account":                        func(l *phone.Limits) { l.Account = nil },
		"number":                         func(l *phone.Limits) { l.Number[1].N = 0 },
		"prefix":                         func(l *phone.Limits) { l.Prefix[0].Per = 0 },
		"tenant":                         func(l *phone.Limits) { l.Tenant = []phone.Limit{} },
		"for the number leaves no share": func(l *phone.Limits) { l.Number[0].N = 1 },
		"for the prefix leaves no share": func(l *phone.Limits) { l.Prefix[1].N = 1 },
		"for the tenant leaves no share": func(l *phone.Limits) { l.Tenant[0].N = 1 },
	} {
		l := phone.DefaultLimits()
		spoil(&l)
		require.ErrorContains(t, l.Validate(), name)
	}
}

// Half is for numbers that are not verified, so that the other half remains.
func TestForUnverified(t *testing.T) {
	all := phone.DefaultLimits()
	half := all.ForUnverified()
	require.NoError(t, half.Number[0].Validate())
	require.Equal(t, phone.DefaultLimits(), all, "what it is called on stays")
	require.Equal(t, all.Account, half.Account)
	require.Equal(t, []phone.Limit{{N: 3, Per: time.Hour}, {N: 5, Per: day}}, half.Number)
	require.Equal(t, []phone.Limit{{N: 100, Per: time.Hour}, {N: 500, Per: day}}, half.Prefix)
	require.Equal(t, []phone.Limit{{N: 250, Per: time.Hour}, {N: 1000, Per: day}}, half.Tenant)
	all.Number = []phone.Limit{{N: 3, Per: time.Hour}}
	require.NoError(t, all.Validate())
	require.Equal(t, 1, all.ForUnverified().Number[0].N)
}

// A count may be deleted once no possible limit needs it, and not a second sooner.
func TestNeeded(t *testing.T) {
	at := noon.Truncate(time.Second)
	limit := phone.Limit{N: 1, Per: time.Hour}
	s, err := phone.Sends{}.Take(at, limit)
	require.NoError(t, err)
	require.False(t, phone.Sends{}.Needed(at, phone.MaxPeriod))
	require.True(t, s.Needed(at.Add(time.Hour-time.Second), limit.Per))
	require.False(t, s.Needed(at.Add(time.Hour), limit.Per))
	require.NoError(t, s.Allow(at.Add(time.Hour), limit), "what is not needed is not counted")
	require.True(t, s.Needed(at.Add(-phone.MaxPeriod), limit.Per), "a clock was put back")
	require.NoError(t, phone.Limit{N: 1, Per: phone.MaxPeriod}.Validate())
	require.Error(t, phone.Limit{N: 1, Per: phone.MaxPeriod + time.Second}.Validate())
	require.Equal(t, 24*time.Hour, phone.DefaultLimits().Longest())
}
