package event_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// guess returns the event of a wrong code after the right password.
func guess(at time.Time, user string) event.Event {
	return event.Event{At: at, Tenant: "acme", User: user, Kind: event.CodeRejected}
}

// watched is a fleet, and the alarms that it raised.
type watched struct {
	event.SprayDetector
	alarms [][]event.Event
}

func watch(refusals, accounts int) *watched {
	w := &watched{}
	w.Refusals, w.Accounts = refusals, accounts
	w.Alarm = func(_ context.Context, guesses []event.Event) { w.alarms = append(w.alarms, guesses) }
	return w
}

func (w *watched) tell(t testing.TB, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		w.Observe(context.Background(), e)
	}
}

// spray returns n guesses, one a second, on that many accounts in turn.
func spray(at time.Time, n, accounts int) (out []event.Event) {
	for i := range n {
		out = append(out, guess(at.Add(time.Duration(i)*time.Second), fmt.Sprint("user", i%accounts)))
	}
	return out
}

func TestFleetCounts(t *testing.T) {
	every := func(d time.Duration, n, accounts int) (out []event.Event) {
		for i := range n {
			out = append(out, guess(start.Add(time.Duration(i)*d), fmt.Sprint("user", i%accounts)))
		}
		return out
	}
	of := func(kind event.Kind) []event.Event {
		out := spray(start, 30, 30)
		for i := range out {
			out[i].Kind = kind
		}
		return out
	}
	for name, c := range map[string]struct {
		events []event.Event
		alarms int
	}{
		"as many as are ordinary":         {spray(start, 10, 10), 0},
		"one more":                        {spray(start, 11, 11), 1},
		"on too few accounts":             {spray(start, 50, 4), 0},
		"on just enough accounts":         {spray(start, 50, 5), 1},
		"slower, a minute has ten":        {every(6*time.Second, 100, 100), 0},
		"faster by a millisecond":         {every(6*time.Second-time.Millisecond, 100, 100), 1},
		"of one account only":             {spray(start, 500, 1), 0},
		"one account, and others' typos":  {append(spray(start, 30, 1), guess(start.Add(31*time.Second), "b"), guess(start.Add(32*time.Second), "c")), 0},
		"wrong recovery codes":            {of(event.RecoveryRejected), 1},
		"refused unseen":                  {of(event.Throttled), 1},
		"accompanying a wrong code":       {append(of(event.RejectedRepeatedly), of(event.Suspended)...), 0},
		"no code at all":                  {of(event.CodeMalformed), 0},
		"the person's own code, twice":    {of(event.CodeReplayed), 0},
		"this server's clock":             {of(event.ClockBehind), 0},
		"a morning of enrollments":        {enrolling(spray(start, 50, 50)), 0},
		"signing in":                      {of(event.SignedIn), 0},
		"changes":                         {of(event.Reset), 0},
		"same names, different customers": {customers(spray(start, 11, 1)), 1},
	} {
		w := watch(10, 5)
		w.tell(t, c.events...)
		require.Len(t, w.alarms, c.alarms, name)
	}
}

// customers gives every guess a tenant of its own.
func customers(events []event.Event) []event.Event {
	for i := range events {
		events[i].Tenant = fmt.Sprint("customer", i)
	}
	return events
}

// enrolling makes every guess the wrong code of an enrollment.
func enrolling(events []event.Event) []event.Event {
	for i := range events {
		events[i].Method = "confirmation"
	}
	return events
}

// A guess that comes a minute late is not remembered either.
func TestFleetForgetsLateGuesses(t *testing.T) {
	w := watch(10, 5)
	w.tell(t, spray(start, 4, 4)...)
	w.tell(t, guess(start.Add(3*time.Second-time.Minute), "late"))
	guesses, accounts := w.Held()
	require.Equal(t, []int{4, 4}, []int{guesses, accounts})
	w.tell(t, guess(start.Add(4*time.Second-time.Minute), "just in time"))
	guesses, accounts = w.Held()
	require.Equal(t, []int{5, 5}, []int{guesses, accounts})
}

func TestFleetAlarmsOncePerBurst(t *testing.T) {
	w := watch(10, 5)
	attack := spray(start, 3600, 100) // an hour of it
	w.tell(t, attack...)
	require.Len(t, w.alarms, 1)
	first := w.alarms[0]
	require.Len(t, first, 11, "what made it a burst")
	for i, e := range first {
		require.Equal(t, attack[i].Clean(), e)
	}

	w.tell(t, spray(start.Add(2*time.Hour), 11, 11)...)
	require.Len(t, w.alarms, 2, "the next one")
	w.tell(t, spray(start.Add(2*time.Hour+50*time.Second), 11, 11)...)
	require.Len(t, w.alarms, 2, "no quiet minute lay between")
	w.alarms[1][0].User = "spoilt"
	require.Equal(t, "user0", w.alarms[0][0].User)
}

// The attacker's own account, on which they guess far more often, must not push the
// others out of sight.
func TestFleetSeesThroughAFlood(t *testing.T) {
	w := watch(50, 20)
	for i, e := range spray(start, 19, 19) {
		w.tell(t, e)
		for range 200 {
			w.tell(t, guess(e.At, "mallory"))
		}
		require.Equal(t, i == 18, len(w.alarms) == 1)
	}
}

// An event that is reported again, such as from a log that is read again, counts once.
func TestFleetCountsWhatIsToldAgainOnce(t *testing.T) {
	w := watch(10, 5)
	events := spray(start, 10, 10)
	for i := range events {
		events[i].Number = 7
	}
	for range 5 {
		w.tell(t, events...)
	}
	require.Empty(t, w.alarms)
	other := events[9]
	other.Tenant = "another customer" // in the same millisecond, on an account with as many events
	w.tell(t, other)
	require.Len(t, w.alarms, 1)
}

func TestFleetAndClocks(t *testing.T) {
	w := watch(10, 5)
	w.tell(t, spray(start, 5, 5)...)
	w.tell(t, spray(start.Add(-time.Hour), 10, 10)...) // of an hour ago
	require.Empty(t, w.alarms)
	w.tell(t, spray(start.Add(5*time.Second), 6, 6)...)
	require.Len(t, w.alarms, 1, "what came late has not pushed out what is now")

	w = watch(10, 5)
	w.tell(t, guess(start.AddDate(1, 0, 0), "from a clock a year ahead"))
	w.tell(t, spray(start, 22, 22)...)
	require.Len(t, w.alarms, 1, "it does not blind the fleet for a year")
	w.tell(t, spray(start.Add(-time.Hour), 22, 22)...)
	require.Len(t, w.alarms, 2, "nor does a burst that was alarmed of, when the clock was set back")

	w = watch(10, 5)
	reversed := spray(start, 11, 11)
	slices.Reverse(reversed)
	w.tell(t, reversed...)
	require.Len(t, w.alarms, 1, "of several processes, events come in any order")
	require.Equal(t, "user0", w.alarms[0][0].User, "oldest first")
}

func TestFleetIsBounded(t *testing.T) {
	w := watch(50, 20)
	for i := range 10_000 {
		w.tell(t, guess(start.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i)))
	}
	guesses, accounts := w.Held()
	require.Equal(t, 51, guesses)
	require.Equal(t, 20, accounts)
	for i := range 1000 { // at the end of the calendar
		w.tell(t, guess(time.Unix(1<<50, 0), fmt.Sprint(i)))
	}
	guesses, accounts = w.Held()
	require.LessOrEqual(t, guesses, 51)
	require.LessOrEqual(t, accounts, 20)
}

func TestFleetZeroValue(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	var f event.SprayDetector
	for i, e := range spray(start, 51, 20) {
		require.Empty(t, out.String(), i)
		f.Observe(context.Background(), e)
	}
	require.Contains(t, out.String(), "level=ERROR")
	require.Contains(t, out.String(), "guesses=51 accounts=20")
	require.Zero(t, new(event.SprayDetector).Refusals)
}

func TestFleetConcurrently(t *testing.T) {
	var alarms atomic.Int32
	f := event.SprayDetector{Refusals: 99, Accounts: 100, Alarm: func(context.Context, []event.Event) { alarms.Add(1) }}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			for range 20 {
				f.Observe(context.Background(), guess(start, fmt.Sprint(i)))
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, alarms.Load())
}

// model is a fleet that forgets nothing.
type model struct {
	refusals, accounts int
	newest, crowded    time.Time
	late               int
	all                []event.Event
}

func (m *model) record(e event.Event) (alarm bool) {
	e = e.Clean()
	if m.newest.Sub(e.At) >= time.Minute {
		if m.late++; m.late <= m.refusals {
			return false
		}
		*m = model{refusals: m.refusals, accounts: m.accounts, newest: e.At}
	}
	m.late = 0
	if e.At.After(m.newest) {
		m.newest = e.At
	}
	if !slices.ContainsFunc(m.all, func(o event.Event) bool {
		return o.Number != 0 && o.Number == e.Number && o.User == e.User && o.At.Equal(e.At)
	}) {
		m.all = append(m.all, e)
	}
	guesses, users := 0, map[string]bool{}
	for _, e := range m.all {
		if m.newest.Sub(e.At) < time.Minute {
			guesses++
			users[e.User] = true
		}
	}
	if guesses <= m.refusals || len(users) < m.accounts {
		return false
	}
	again := !m.crowded.IsZero() && m.newest.Sub(m.crowded) < time.Minute
	m.crowded = m.newest
	return !again
}

// requireModel plays a script in which each pair of bytes is a guess: how long after the
// one before, and on which account.
func requireModel(t *testing.T, refusals, accounts int, script []byte) (alarms int) {
	t.Helper()
	w := watch(refusals, accounts)
	m := model{refusals: refusals, accounts: accounts}
	now := start
	for i := 0; i+1 < len(script) && i < 400; i += 2 {
		now = now.Add(time.Duration(int8(script[i])) * time.Second)
		e := guess(now, fmt.Sprint(script[i+1]%16))
		e.Number = uint64(script[i+1] >> 4)
		before := len(w.alarms)
		w.tell(t, e)
		require.Equal(t, m.record(e), len(w.alarms) > before, "guess %d", i/2)
		guesses, names := w.Held()
		require.LessOrEqual(t, guesses, refusals+1)
		require.LessOrEqual(t, names, accounts)
	}
	return len(w.alarms)
}

func TestFleetAgreesWithModel(t *testing.T) {
	seed := rand.New(rand.NewPCG(2026, 4))
	alarms := 0
	for range 100 {
		script := make([]byte, 400)
		forward, back := 1+seed.IntN(20), seed.IntN(20)
		for i := range script {
			script[i] = byte(seed.IntN(256))
			if i%2 == 0 && seed.IntN(30) > 0 { // otherwise a jump in time
				script[i] = byte(seed.IntN(forward+back) - back)
			}
		}
		alarms += requireModel(t, 1+seed.IntN(15), 1+seed.IntN(8), script)
	}
	require.Greater(t, alarms, 100)
}

func FuzzFleet(f *testing.F) {
	f.Add(uint8(3), uint8(2), []byte("\x10a\x10b\x10c\x10d\x10e\xf0a\x10b\x10c\x10a\xffz\xff\xff\x10a\x10b\x10c\x10d\x10e"))
	f.Add(uint8(0), uint8(5), []byte("aabbccddeeffaabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz"))
	f.Add(uint8(10), uint8(1), bytes.Repeat([]byte{0x08, 'a', 0xf8, 'b', 0x7f, 'c'}, 40))
	f.Fuzz(func(t *testing.T, refusals, accounts uint8, script []byte) {
		requireModel(t, 1+int(refusals%16), 1+int(accounts%8), script)
	})
}
