package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/strictjson"
)

// What an account keeps. The bounds in bytes hold whatever the texts are.
const (
	MaxChanges = 20 // security changes, one by one; 17 of them where every text is as long as can be
	MaxDays    = 21 // days of counted attempts; with more the fullest account would not fit a record
	MaxPending = 50 // events that the sink has not yet taken

	maxWeight = 18 << 10
)

// ErrActivity is what decoding reports for anything that this package did not
// write.
var ErrActivity = errors.New("event: malformed activity")

// An Activity is what an account remembers of itself: the last security
// changes, attempts counted by day, and the outbox. The zero Activity is empty
// and ready. It is a value: every method returns a new one and leaves the
// receiver as it was.
type Activity struct{ s state }

// state keeps an event once, even where it is both a recent change and not yet
// taken.
type state struct {
	V      int     `json:"v"`
	Last   uint64  `json:"last,omitzero"`  // the number of the newest event
	Taken  uint64  `json:"taken,omitzero"` // the sink has everything up to here
	Events []Event `json:"events,omitempty"`
	Days   []Day   `json:"days,omitempty"` // oldest first
}

const version = 1

// A Day is what was attempted on one day.
type Day struct {
	Date   string       `json:"date"` // of UTC, as 2006-01-02
	Counts map[Kind]int `json:"counts"`
}

// IsZero reports whether nothing ever happened.
func (a Activity) IsZero() bool { return a.s.Last == 0 }

// Last returns the number of the newest event, or 0.
func (a Activity) Last() uint64 { return a.s.Last }

// Append gives e the account's next number, cleans it, and keeps it: a security
// change one by one, an attempt in its day's count, either in the outbox. It
// returns the event as it is to be sent, tenant and user included; these two
// are not kept, since the record that the activity lies in has them.
//
// Where the outbox is full (the sink was away for long), the oldest attempt is
// dropped first and a security change only when there is no attempt left. A gap
// in the numbers tells the host.
func (a Activity) Append(e Event) (Activity, Event) {
	e = e.Clean()
	s := a.s
	s.V = version
	s.Last++
	e.Number = s.Last
	if !e.Kind.SecurityChange() {
		s.Days = count(s.Days, e)
	}
	kept := e
	kept.Tenant, kept.User = "", ""
	s.Events = append(slices.Clone(s.Events), kept)
	s.trim()
	return Activity{s}, e
}

// Acknowledged notes that the sink took every event up to and including number
// upTo.
func (a Activity) Acknowledged(upTo uint64) Activity {
	s := a.s
	s.Taken = max(s.Taken, min(upTo, s.Last))
	s.Events = slices.Clone(s.Events)
	s.trim()
	return Activity{s}
}

// Outbox returns what the sink has not yet taken, oldest first, as events of
// the given account.
func (a Activity) Outbox(tenant, user string) []Event {
	var out []Event
	for _, e := range a.s.Events {
		if e.Number > a.s.Taken {
			e.Tenant, e.User = clean(tenant, maxID), clean(user, maxID)
			out = append(out, e)
		}
	}
	return out
}

// Changes returns the last security changes, newest first. Tenant and User are
// empty.
func (a Activity) Changes() []Event {
	var out []Event
	for _, e := range slices.Backward(a.s.Events) {
		if e.Kind.SecurityChange() && len(out) < MaxChanges {
			out = append(out, e)
		}
	}
	return out
}

// Attempts returns what was attempted by day, newest first.
func (a Activity) Attempts() []Day {
	out := slices.Clone(a.s.Days)
	slices.Reverse(out)
	for i := range out {
		out[i].Counts = maps.Clone(out[i].Counts)
	}
	return out
}

// trim drops what nobody waits for, then what does not fit. It changes s.Events
// in place: the caller owns it.
func (s *state) trim() {
	changes, pending, weight := 0, 0, 0
	for i := len(s.Events) - 1; i >= 0; i-- {
		e := s.Events[i]
		recent := e.Kind.SecurityChange() && changes < MaxChanges
		if !recent && e.Number <= s.Taken {
			s.Events = slices.Delete(s.Events, i, i+1)
			continue
		}
		if e.Kind.SecurityChange() {
			changes++
		}
		if e.Number > s.Taken {
			pending++
		}
		weight += e.weight()
	}
	for pending > MaxPending || weight > maxWeight {
		// Attempts first: whoever knows the password makes as many as he likes,
		// and would else wash out of the outbox the change that gives him away.
		i := max(0, slices.IndexFunc(s.Events, func(e Event) bool { return !e.Kind.SecurityChange() }))
		if s.Events[i].Number > s.Taken {
			pending--
		}
		weight -= s.Events[i].weight()
		s.Events = slices.Delete(s.Events, i, i+1)
	}
}

// count returns days with e counted. Dates sort as text; a clock that stepped
// back finds its own day again.
func count(days []Day, e Event) []Day {
	date := e.At.Format(time.DateOnly)
	oldest := e.At.AddDate(0, 0, 1-MaxDays).Format(time.DateOnly)
	days = slices.DeleteFunc(slices.Clone(days), func(d Day) bool { return d.Date < oldest })
	i, found := slices.BinarySearchFunc(days, date, func(d Day, date string) int { return bytes.Compare([]byte(d.Date), []byte(date)) })
	if !found {
		days = slices.Insert(days, i, Day{Date: date})
	}
	counts := make(map[Kind]int, len(days[i].Counts)+1)
	maps.Copy(counts, days[i].Counts)
	counts[e.Kind]++
	days[i].Counts = counts
	return days[max(0, len(days)-MaxDays):]
}

// MarshalJSON writes the activity with its version. The zero Activity is
// written too; use omitzero to leave it out.
func (a Activity) MarshalJSON() ([]byte, error) {
	s := a.s
	s.V = version
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote. Another version, an unknown field
// or numbers out of order are [ErrActivity]: a record that a newer release
// wrote must not be cut down by an older one.
func (a *Activity) UnmarshalJSON(data []byte) error {
	var s state
	if err := strictjson.Decode(data, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrActivity, err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrActivity, err)
	}
	if s.Last == 0 {
		s.V = 0 // the zero Activity comes back as itself
	}
	a.s = s
	return nil
}

func (s *state) check() error {
	switch {
	case s.V != version:
		return fmt.Errorf("version %d", s.V)
	case s.Taken > s.Last:
		return errors.New("more taken than happened")
	case len(s.Events) > MaxChanges+MaxPending || len(s.Days) > MaxDays:
		return errors.New("too long")
	}
	number := uint64(0)
	for _, e := range s.Events {
		if e.Number <= number || e.Number > s.Last {
			return fmt.Errorf("event %d after %d", e.Number, number)
		}
		number = e.Number
	}
	if !slices.IsSortedFunc(s.Days, func(a, b Day) int { return bytes.Compare([]byte(a.Date), []byte(b.Date)) }) {
		return errors.New("days out of order")
	}
	return nil
}
