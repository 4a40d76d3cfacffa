package event

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Bounds of the events that an account keeps. Those in bytes hold whatever the texts are.
const (
	MaxChanges = 20 // security changes, one by one; 17 of them where every text is as long as can be
	MaxDays    = 21 // days of counted attempts; with more the fullest account would not fit a record
	MaxPending = 50 // events that the notifier has not yet received

	maxWeight = 18 << 10
)

// An Activity is the history that an account keeps: the last security changes, attempts
// counted by day, and events that the notifier has not yet received. The zero Activity is
// empty and ready. It is a value: every method returns a new one and leaves the
// receiver as it was.
type Activity struct{ s state }

// state keeps an event once, even if it is both a recent change and still to be notified.
type state struct {
	Last   uint64 // the number of the newest event
	Events []kept
	Days   []day // oldest first
}

// A kept event records whether its notification is pending. With one position for all
// events, a refused message would block the later ones.
type kept struct {
	Event
	pending bool
}

// A day counts attempts of one day, in the order of [attempts].
type day struct {
	date   int64 // days since 1970, of UTC
	counts [len(attempts)]uint32
}

// A Day counts the attempts of one day.
type Day struct {
	Date   string       `json:"date"` // a day of UTC, as 2006-01-02
	Counts map[Kind]int `json:"counts"`
}

// IsZero reports whether nothing ever happened.
func (a Activity) IsZero() bool { return a.s.Last == 0 }

// Last returns the number of the newest event, or 0.
func (a Activity) Last() uint64 { return a.s.Last }

// Append gives e the account's next number, cleans it, and keeps it: a security
// change one by one, an attempt in its day's count, and a [Kind.Notable] event until
// the notifier has received it. It returns the event as observers receive it, with tenant
// and user; these two are not kept, since the account's record has them.
//
// If too many are pending (the notifier was away for long), the oldest attempt is dropped
// first, and a security change only when there is no attempt left.
func (a Activity) Append(e Event) (Activity, Event) {
	e = e.Clean()
	s := a.s
	s.Last++
	e.Number = s.Last
	if !e.Kind.SecurityChange() {
		s.Days = count(s.Days, e)
	}
	if e.Kind.SecurityChange() || e.Kind.Notable() {
		k := kept{e, e.Kind.Notable()}
		k.Tenant, k.User = "", ""
		s.Events = append(slices.Clip(s.Events), k)
	}
	s.trim()
	return Activity{s}, e
}

// Acknowledged notes that the notifier has received n, one of [Activity.Notifications].
// Others stay pending.
func (a Activity) Acknowledged(n Notification) Activity {
	return a.received(func(e Event) bool {
		return slices.ContainsFunc(n.Events, func(got Event) bool { return got.Number == e.Number })
	})
}

// AllAcknowledged notes that the notifier has received every event, or that there is no
// notifier.
func (a Activity) AllAcknowledged() Activity {
	return a.received(func(Event) bool { return true })
}

func (a Activity) received(is func(Event) bool) Activity {
	s := a.s
	s.Events = slices.Clone(s.Events)
	for i, e := range s.Events {
		s.Events[i].pending = e.pending && !is(e.Event)
	}
	s.trim()
	return Activity{s}
}

// Changes returns the last security changes, newest first. Tenant and User are
// empty.
func (a Activity) Changes() []Event {
	var out []Event
	for _, e := range slices.Backward(a.s.Events) {
		if e.Kind.SecurityChange() && len(out) < MaxChanges {
			out = append(out, e.Event)
		}
	}
	return out
}

// Attempts returns the counts of attempts by day, newest first.
func (a Activity) Attempts() []Day {
	var out []Day
	for _, d := range slices.Backward(a.s.Days) {
		day := Day{time.Unix(d.date*secondsPerDay, 0).UTC().Format(time.DateOnly), map[Kind]int{}}
		for i, n := range d.counts {
			if n > 0 {
				day.Counts[attempts[i]] = int(min(uint64(n), math.MaxInt)) // an int has 32 bits on some systems
			}
		}
		out = append(out, day)
	}
	return out
}

// Waiting returns the number of events that the notifier has not yet received.
func (a Activity) Waiting() (n int) {
	for _, e := range a.s.Events {
		if e.pending {
			n++
		}
	}
	return n
}

// trim drops events that are no longer needed, then those that do not fit.
func (s *state) trim() {
	before, changes := s.Events, 0
	drop := func(i int) {
		if len(s.Events) == len(before) { // until now the events are shared with another Activity
			s.Events = slices.Clone(s.Events)
		}
		s.Events = slices.Delete(s.Events, i, i+1)
	}
	for i := len(s.Events) - 1; i >= 0; i-- {
		e := s.Events[i]
		recent := e.Kind.SecurityChange() && changes < MaxChanges
		switch {
		case recent:
			changes++
		case !e.pending:
			drop(i)
		}
	}
	for (Activity{*s}).Waiting() > MaxPending || s.weight() > maxWeight {
		// Attempts first: an attacker who knows the password can make any number of them,
		// and would otherwise push out the change that reveals the attack.
		i := max(0, slices.IndexFunc(s.Events, func(e kept) bool { return !e.Kind.SecurityChange() }))
		drop(i)
	}
}

func (s *state) weight() (sum int) {
	for _, e := range s.Events {
		sum += e.weight()
	}
	return sum
}

const secondsPerDay = 24 * 60 * 60

// count returns days with e, an attempt, counted. A clock that stepped back finds
// its own day again.
func count(days []day, e Event) []day {
	date := e.At.Truncate(24*time.Hour).Unix() / secondsPerDay
	days = slices.DeleteFunc(slices.Clone(days), func(d day) bool { return d.date <= date-MaxDays })
	i, found := slices.BinarySearchFunc(days, date, func(d day, date int64) int { return cmp.Compare(d.date, date) })
	if !found {
		days = slices.Insert(days, i, day{date: date})
	}
	if n := &days[i].counts[slices.Index(attempts[:], e.Kind)]; *n < math.MaxUint32 {
		*n++
	}
	return days[max(0, len(days)-MaxDays):]
}
