package throttle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// A model keeps the time of every single charge, for ever.
type model struct {
	charges []modelCharge
}

type modelCharge struct {
	at        time.Time
	chances   int
	challenge int
	bound     bool // seen ten minutes after it: no longer to be given back
}

func (m *model) fail(at time.Time, challenge, chances int) {
	m.charges = append(m.charges, modelCharge{at: at, chances: chances, challenge: challenge})
	m.seen(up(at))
}

func (m *model) succeed(at time.Time, challenge int) {
	kept := m.charges[:0]
	for _, c := range m.charges {
		if c.bound || c.challenge != challenge || at.Truncate(time.Second).Sub(up(c.at)) > 10*time.Minute {
			kept = append(kept, c)
		}
	}
	m.charges = kept
	m.seen(at.Truncate(time.Second))
}

func (m *model) seen(now time.Time) {
	for i, c := range m.charges {
		m.charges[i].bound = c.bound || now.Sub(up(c.at)) > 10*time.Minute
	}
}

// sum returns what was charged in the window that ends at now, and in the future.
func (m *model) sum(now time.Time, window time.Duration) (n int) {
	for _, c := range m.charges {
		if now.Sub(c.at) < window {
			n += c.chances
		}
	}
	return n
}

func up(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

// compare checks the budget against the model: it never counts less, and more only by
// charges that have left the window within the last hour (and the second to which times
// are rounded).
func compare(t *testing.T, b throttle.Budget, m *model, now time.Time) {
	t.Helper()
	for _, window := range []time.Duration{day, month, year} {
		got := charged(b, now, window)
		require.GreaterOrEqual(t, got, m.sum(now, window), "undercounts %v at %v", window, now)
		require.LessOrEqual(t, got, m.sum(now, window+time.Hour+time.Second), "overcounts %v at %v", window, now)
	}
}

// A script has two bytes per event: what happens, and how far the clock goes.
var steps = []time.Duration{
	0, time.Nanosecond, time.Second, 29 * time.Second, 7 * time.Minute, 10 * time.Minute, 11 * time.Minute, 59 * time.Minute, time.Hour, 5 * time.Hour,
	day - time.Hour, day, day + time.Second, 9 * day, month, month + time.Hour, 100 * day, year - time.Hour, year,
	-time.Second, -11 * time.Minute, -time.Hour, -day, -month, -300 * day,
}

func play(t *testing.T, script []byte) {
	t.Helper()
	p := throttle.Default()
	var b throttle.Budget
	m := &model{}
	now := start
	lowest, highest := now, now
	for i := 0; i+1 < len(script); i += 2 {
		next := now.Add(steps[int(script[i+1])%len(steps)] + time.Duration(script[i+1])*3_906_251)
		// Two years are kept: the clock may run ahead of itself by one.
		lowest, highest = minTime(lowest, next), maxTime(highest, next)
		if next.Before(now) && highest.Sub(next) > year {
			continue
		}
		now = next
		challenge := int(script[i]>>2) % 5
		switch script[i] % 4 {
		case 0, 1:
			chances := 1 + int(script[i]>>4)
			b = b.Fail(now, p, fmt.Sprint("challenge ", challenge), chances)
			m.fail(now, challenge, chances)
		case 2:
			b = b.Succeed(now, fmt.Sprint("challenge ", challenge))
			m.succeed(now, challenge)
			require.Zero(t, b.ConsecutiveFailures())
		case 3:
			b = reread(t, b)
		}
		compare(t, b, m, now)
		_ = refusal(t, b, now, p, 1+int(script[i]>>4))
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func TestAgainstEveryTimestamp(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		script := make([]byte, 120)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, script) })
	}
}

func FuzzBudget(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 2, 2, 3, 0, 4, 3, 5, 1, 17, 0, 20})
	f.Add([]byte{16, 11, 16, 22, 18, 19, 0, 24, 0, 18, 6, 20, 255, 10, 254, 10})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 120 {
			script = script[:120]
		}
		play(t, script)
	})
}

// However it is called, the value stays small and never counts too little.
func TestBoundedSize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := throttle.Default()
	var b throttle.Budget
	m := &model{}
	now := start
	for i := range 6000 {
		switch {
		case i < 1500: // one challenge, one minute
			now = now.Add(time.Duration(r.Int64N(int64(time.Second))))
		case i < 4500: // a new hour each time, and the most there can be
			now = now.Add(time.Duration(r.Int64N(int64(3 * time.Hour))))
		default:
			now = start.Add(time.Duration(r.Int64N(int64(year))))
		}
		chances := 1 + r.IntN(1_000_000)
		b = b.Fail(now, p, fmt.Sprint(r.Uint64()), chances)
		m.fail(now, i, chances)
		if i%500 == 0 {
			require.Less(t, len(encode(t, b)), 10<<10)
			for _, window := range []time.Duration{day, month, year} {
				require.GreaterOrEqual(t, charged(b, now, window), min(m.sum(now, window), 999_999))
			}
			b = reread(t, b)
		}
	}
	require.Less(t, len(encode(t, b)), 10<<10)
	require.Greater(t, len(encode(t, b)), 3<<10, "the test must reach the bound")
}

// More hours than are kept: the oldest are moved forward and count for longer, and none
// is lost.
func TestTooManyHours(t *testing.T) {
	p := throttle.Default()
	var b throttle.Budget
	now := start
	for range 1500 {
		b = b.Fail(now, p, "", 1)
		now = now.Add(5 * time.Hour)
	}
	require.Equal(t, 1500, charged(b, now, year))
}
