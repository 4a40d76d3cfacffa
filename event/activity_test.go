package event_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
)

var start = time.Date(2026, time.March, 28, 13, 17, 11, 250_456_789, time.FixedZone("elsewhere", 3600))

func encode(t testing.TB, a event.Activity) string { return string(wiretest.Write(t, &a)) }

// reread sends an activity through its stored form.
func reread(t testing.TB, a event.Activity) event.Activity {
	t.Helper()
	return wiretest.Read[event.Activity](t, wiretest.Write(t, &a))
}

func numbers(events []event.Event) (n []uint64) {
	for _, e := range events {
		n = append(n, e.Number)
	}
	return n
}

// waiting returns the events that the notifier has not received.
func waiting(a event.Activity, tenant, user string) (events []event.Event) {
	for _, n := range a.Notifications(tenant, user) {
		events = append(events, n.Events...)
	}
	return events
}

// acknowledged returns a after the notifier has received everything up to this number.
func acknowledged(a event.Activity, upTo uint64) event.Activity {
	for _, n := range a.Notifications("", "") {
		if n.Number() <= upTo {
			a = a.Acknowledged(n)
		}
	}
	return a
}

func TestAppendNumbersAndKeeps(t *testing.T) {
	var a event.Activity
	require.True(t, a.IsZero())
	a, first := a.Append(event.Event{At: start, Tenant: "acme", User: "u1", Kind: event.CodeRejected, Method: "totp"})
	a, second := a.Append(event.Event{At: start, Tenant: "acme", User: "u1", Kind: event.BrowserTrusted, Number: 99})
	require.EqualValues(t, 1, first.Number)
	require.EqualValues(t, 2, second.Number, "the account counts, not the caller")
	require.Equal(t, "u1", first.User)
	require.Equal(t, time.Date(2026, time.March, 28, 12, 17, 11, 250_000_000, time.UTC), first.At)
	require.EqualValues(t, 2, a.Last())
	require.False(t, a.IsZero())

	require.Equal(t, []event.Event{second}, waiting(a, "acme", "u1"), "an attempt is for observers")
	require.NotContains(t, encode(t, a), "acme", "the record knows whose it is")
	changes := a.Changes()
	require.Equal(t, []uint64{2}, numbers(changes))
	require.Equal(t, []event.Day{{Date: "2026-03-28", Counts: map[event.Kind]int{event.CodeRejected: 1}}}, a.Attempts())

	a = acknowledged(a, 1)
	require.Equal(t, []event.Event{second}, waiting(a, "acme", "u1"))
	a = acknowledged(a, 2)
	require.Empty(t, waiting(a, "acme", "u1"))
	require.Equal(t, []uint64{2}, numbers(a.Changes()), "told, and still among the last changes")
	a, third := a.Append(event.Event{At: start, Kind: event.Reset})
	require.Equal(t, []uint64{third.Number}, numbers(waiting(acknowledged(a, 2), "", "")), "what was told stays told")
	require.Empty(t, waiting(acknowledged(a, 3), "", ""))
	require.Equal(t, reread(t, a), a)
}

func TestRingAndDays(t *testing.T) {
	var a event.Activity
	for i := range 100 {
		at := start.AddDate(0, 0, i)
		a, _ = a.Append(event.Event{At: at, Kind: event.AuthenticatorRemoved})
		a, _ = a.Append(event.Event{At: at, Kind: event.SignedIn})
		a, _ = a.Append(event.Event{At: at, Kind: event.SignedIn})
		a = reread(t, a.AllAcknowledged())
	}
	changes := a.Changes()
	require.Len(t, changes, event.MaxChanges)
	require.EqualValues(t, 298, changes[0].Number)
	require.EqualValues(t, 241, changes[19].Number)
	days := a.Attempts()
	require.Len(t, days, event.MaxDays)
	require.Equal(t, event.Day{Date: "2026-07-05", Counts: map[event.Kind]int{event.SignedIn: 2}}, days[0])
	require.Equal(t, "2026-06-15", days[20].Date)

	a, _ = a.Append(event.Event{At: start.AddDate(0, 0, 98), Kind: event.SignedIn}) // the clock stepped back
	require.Equal(t, 3, a.Attempts()[1].Counts[event.SignedIn])
	a, _ = a.Append(event.Event{At: start.AddDate(0, 0, 113), Kind: event.SignedIn})
	require.Len(t, a.Attempts(), 8, "days without attempts count too")
	for i := range 60 { // like a clock that is corrected and runs ahead again
		a, _ = a.Append(event.Event{At: start.AddDate(0, 0, 40+i), Kind: event.SignedIn})
		require.LessOrEqual(t, len(a.Attempts()), event.MaxDays)
	}
}

// A server without a battery starts in 1970, and in its time zone that may be earlier.
// Its days are days too: each from midnight to midnight.
func TestDaysBefore1970(t *testing.T) {
	var a event.Activity
	for _, at := range []int64{-86_401, -86_400, -1, 0, 86_399} {
		a, _ = a.Append(event.Event{At: time.Unix(at, 0), Kind: event.SignedIn})
	}
	require.Equal(t, []event.Day{
		{Date: "1970-01-01", Counts: map[event.Kind]int{event.SignedIn: 2}},
		{Date: "1969-12-31", Counts: map[event.Kind]int{event.SignedIn: 2}},
		{Date: "1969-12-30", Counts: map[event.Kind]int{event.SignedIn: 1}},
	}, a.Attempts())
}

// While the notifier is down, a person who knows the password makes as many attempts
// as they like.
func TestFloodDoesNotWashOutChanges(t *testing.T) {
	var a event.Activity
	for i := range 10 {
		a, _ = a.Append(event.Event{At: start, Kind: event.BrowserTrusted, Browser: fmt.Sprint(i)})
	}
	for range 500 {
		a, _ = a.Append(event.Event{At: start, Kind: event.RejectedRepeatedly, Source: event.Source{UserAgent: strings.Repeat("<", 500)}})
	}
	out := waiting(a, "", "u")
	require.LessOrEqual(t, len(out), event.MaxPending)
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, numbers(out[:10]))
	require.EqualValues(t, 510, out[len(out)-1].Number, "the newest is there too")
	require.Len(t, a.Changes(), 10)
	require.Equal(t, 500, a.Attempts()[0].Counts[event.RejectedRepeatedly], "counted, though dropped")

	for range 60 {
		a, _ = a.Append(event.Event{At: start, Kind: event.Reset})
	}
	out = waiting(a, "", "u")
	require.LessOrEqual(t, len(out), event.MaxPending)
	require.EqualValues(t, 570, out[len(out)-1].Number)
	for _, e := range out {
		require.True(t, e.Kind.SecurityChange())
	}
}

// worst returns an event whose texts are as long as possible.
func worst(kind event.Kind, fill string) event.Event {
	s := strings.Repeat(fill, 1200)
	return event.Event{At: start, Until: start, Tenant: s, User: s, Kind: kind, Reason: s, Method: s, Authenticator: s, Browser: s,
		Actor: s, Action: s, Remaining: math.MinInt, Source: event.Source{Address: s, UserAgent: s}}
}

func TestBoundedSize(t *testing.T) {
	for _, fill := range []string{"<", `"`, "a", "\x00", "\u2028", "é", "世", "🔑", "\xff", "&\x1b"} {
		var a event.Activity
		longest := 0
		for i := range event.MaxDays {
			for _, k := range append(event.Kinds(), event.Kind(strings.Repeat(fill, 100))) {
				if k.SecurityChange() && i < event.MaxDays-1 {
					continue // the events of the last day fill it
				}
				e := worst(k, fill)
				e.At = start.AddDate(0, 0, i)
				a, _ = a.Append(e)
			}
			longest = max(longest, len(encode(t, a)))
		}
		longest = max(longest, len(encode(t, reread(t, a))))
		require.Less(t, longest, 20<<10, "%q", fill)
		require.GreaterOrEqual(t, len(a.Changes()), 17, "%q: the bytes must be enough for the last changes", fill)
	}
}

// The text that a thief of the session can choose freely is the name of their browser:
// with it they cannot push the change that gives them away out of the record by making
// fewer changes than promised.
func TestLongTextsOfOnePersonLeaveRoomForAllChanges(t *testing.T) {
	for _, fill := range []string{"<", "a", "世"} {
		agent := strings.Repeat(fill, 1200)
		var a event.Activity
		for range event.MaxChanges {
			a, _ = a.Append(event.Event{At: start, Kind: event.AuthenticatorsReplaced, Method: "recovery", Authenticator: strings.Repeat("x", 32),
				Browser: strings.Repeat("x", 32), Until: start, Source: event.Source{Address: agent, UserAgent: agent}})
		}
		require.Len(t, a.Changes(), event.MaxChanges)
	}
}

// Pending ordinary events are bounded by their number, not by their bytes.
func TestPendingFits(t *testing.T) {
	var a event.Activity
	for range event.MaxPending {
		a, _ = a.Append(event.Event{At: start, Kind: event.Suspended, Method: "totp", Source: event.Source{
			Address: "2001:db8:85a3::8a2e:370:7334", UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:149.0) Gecko/20100101 Firefox/149.0"}})
	}
	require.Len(t, waiting(a, "", ""), event.MaxPending)
	require.EqualValues(t, 1, waiting(a, "", "")[0].Number)
}

// kept returns the number of events in the stored activity.
func kept(t *testing.T, a event.Activity) int {
	t.Helper()
	var stored struct{ Events []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(wiretest.View(t, &a)), &stored))
	return len(stored.Events)
}

// Once the notifier has received them, only the last changes are kept, as many as
// promised. Attempts that lead to no notification are counted and not kept.
func TestTakenEventsAreDropped(t *testing.T) {
	var a event.Activity
	for range 10 {
		a, _ = a.Append(event.Event{At: start, Kind: event.CodeRejected})
	}
	require.Zero(t, kept(t, a))
	for range 10 {
		a, _ = a.Append(event.Event{At: start, Kind: event.Suspended})
	}
	require.Equal(t, 10, kept(t, a))
	a = a.AllAcknowledged()
	require.Zero(t, kept(t, a))
	for range event.MaxChanges + 5 {
		a, _ = a.Append(event.Event{At: start, Kind: event.Reset})
	}
	require.Equal(t, event.MaxChanges+5, kept(t, a), "the notifier has not been told")
	a = a.AllAcknowledged()
	require.Equal(t, event.MaxChanges, kept(t, a))
	for range event.MaxPending {
		a, _ = a.Append(event.Event{At: start, Kind: event.Suspended})
	}
	require.Len(t, waiting(a, "", ""), event.MaxPending, "changes that were told use up no place")
	require.Len(t, a.Changes(), event.MaxChanges, "and attempts use up none of the changes'")
	a, _ = a.Append(event.Event{At: start, Kind: event.RecoveryCodesSaved})
	require.Equal(t, event.RecoveryCodesSaved, a.Changes()[0].Kind, "nobody is notified of it, and it is shown")
	require.Len(t, waiting(a, "", ""), event.MaxPending, "nor does it use up a place")
}

// A change that is dropped for another one makes room for it.
func TestDroppedEventsWeighNothing(t *testing.T) {
	long := strings.Repeat("x", 1200)
	var a event.Activity
	for range 3 * event.MaxChanges {
		a, _ = a.Append(event.Event{At: start, Until: start, Kind: event.Reset, Reason: long, Method: long, Authenticator: long, Actor: long,
			Remaining: 1, Source: event.Source{Address: long, UserAgent: long}})
		a = a.AllAcknowledged()
	}
	require.Len(t, a.Changes(), event.MaxChanges)
}

// A time that JSON cannot write must not make the record unwritable.
func TestMomentsBeyondTheCalendar(t *testing.T) {
	for at, want := range map[time.Time]time.Time{
		time.Unix(1<<50, 0): time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC),
		time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)): time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC),
		time.Unix(-1<<50, 0):    {},
		time.Unix(0, 1_999_999): time.Unix(0, 1_000_000).UTC(),
	} {
		e := event.Event{At: at, Until: at}.Clean()
		require.Equal(t, want, e.Until)
		require.Equal(t, want, e.At)
		_, err := json.Marshal(e)
		require.NoError(t, err)
	}
}

func TestActivityIsAValue(t *testing.T) {
	var a event.Activity
	for i := range 40 {
		a, _ = a.Append(event.Event{At: start, Kind: event.Kinds()[i%len(event.Kinds())]})
	}
	before := encode(t, a)
	left, _ := a.Append(event.Event{At: start, Kind: event.SignedIn, Reason: "left"})
	leftBefore := encode(t, left)
	a.Append(event.Event{At: start, Kind: event.SignedIn, Reason: "right"})
	a.Append(event.Event{At: start.AddDate(0, 2, 0), Kind: event.Reset})
	acknowledged(a, 30)
	a.AllAcknowledged()
	waiting(a, "x", "y")[0].Kind = "spoilt"
	a.Changes()[0].Kind = "spoilt"
	a.Attempts()[0].Counts[event.SignedIn] = 1000
	a.Attempts()[0].Date = "spoilt"
	require.Equal(t, before, encode(t, a))
	require.Equal(t, leftBefore, encode(t, left))
}

// A script with one byte per event; after each, the invariants must be true.
func FuzzActivity(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), "Mozilla/5.0")
	f.Add([]byte{0, 255, 1, 254, 2, 128, 3, 129}, "\x1b[31m\r\nlevel=INFO <b>")
	f.Fuzz(func(t *testing.T, script []byte, text string) {
		var a event.Activity
		kinds := event.Kinds()
		now := start
		want := uint64(0)
		for _, c := range script[:min(len(script), 200)] {
			if c >= 240 {
				a = acknowledged(a, a.Last()-min(a.Last(), uint64(c-240)))
			} else {
				now = now.Add(time.Duration(int(c)-60) * time.Hour)
				var e event.Event
				a, e = a.Append(event.Event{At: now, User: text, Kind: kinds[int(c)%len(kinds)], Reason: text, Source: event.Source{Address: text, UserAgent: text}})
				want++
				require.Equal(t, want, e.Number)
				require.Equal(t, e, e.Clean(), "cleaning twice changes nothing")
				out := waiting(a, "", e.User)
				changes := 0
				for _, o := range out {
					if o.Kind.SecurityChange() {
						changes++
					}
				}
				if e.Kind.Notable() && (e.Kind.SecurityChange() || changes < len(out)) {
					require.Equal(t, e, out[len(out)-1], "the newest waits, unless it is an attempt and changes take every place")
				}
			}
			require.LessOrEqual(t, len(waiting(a, "", "")), event.MaxPending)
			require.LessOrEqual(t, len(a.Attempts()), event.MaxDays)
		}
		a = reread(t, a)
		require.Less(t, len(encode(t, a)), 20<<10)
	})
}
