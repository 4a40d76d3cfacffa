package phone

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

const (
	maxCount = 1_000_000 // the largest count of a limit
	// exact is how many sends are remembered to the second. If there are more, old ones
	// are rounded.
	exact = 64
	// maxEntries bounds what is kept, whatever the limits are.
	maxEntries = 192
	maxTime    = 1 << 40 // seconds; keeps the arithmetic from overflowing, some 35,000 years away
)

// MaxPeriod is the longest period of a [Limit]: older sends have no effect.
const MaxPeriod = 366 * 24 * time.Hour

// A Limit is how many messages may be sent in any period of the given length.
type Limit struct {
	N   int           // 1 to 1,000,000
	Per time.Duration // in whole seconds, rounded up; above 0, at most [MaxPeriod]
}

// Validate returns an error for a limit that allows nothing or looks like a mistake.
func (l Limit) Validate() error {
	if l.N < 1 || l.N > maxCount || l.Per <= 0 || l.Per > MaxPeriod {
		return fmt.Errorf("phone: %d messages per %v are not a limit", l.N, l.Per)
	}
	return nil
}

// Limits are the limits of a service, with a list for each kind of record: the sends of
// an account are in its [State]; those of a number, a prefix and a tenant are a [Sends]
// each, best kept under a keyed hash of [Number.Canonical]. All limits of a list apply at
// once.
//
// Anybody with an account can have a code sent to anybody's number, which is not verified
// for it. Keep a second Sends for such sends next to each of those, and take them from
// [Limits.ForUnverified] too: the other half is left for people who sign in.
type Limits struct {
	Account []Limit // the limits of one account
	Number  []Limit // the limits of one number, whichever accounts it is in
	Prefix  []Limit // the limits of one [Number.Prefix]
	Tenant  []Limit // the limits of one tenant: they bound the bill
}

// ForUnverified returns the limits for sends to unverified numbers: half of each, rounded
// down, and those of an account unchanged.
func (l Limits) ForUnverified() Limits {
	half := func(list []Limit) []Limit {
		list = slices.Clone(list)
		for i := range list {
			list[i].N /= 2
		}
		return list
	}
	return Limits{Account: l.Account, Number: half(l.Number), Prefix: half(l.Prefix), Tenant: half(l.Tenant)}
}

// DefaultLimits returns a starting point for products with some thousand users. For an
// account 1 in 30 s, 3 in 10 minutes and 10 a day; for a number 6 an hour and 10 a day;
// for a prefix 200 an hour and 1,000 a day; for a tenant 500 an hour and 2,000 a day.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{
		Account: []Limit{{1, 30 * time.Second}, {3, 10 * time.Minute}, {10, day}},
		Number:  []Limit{{6, time.Hour}, {10, day}},
		Prefix:  []Limit{{200, time.Hour}, {1000, day}},
		Tenant:  []Limit{{500, time.Hour}, {2000, day}},
	}
}

// Validate returns an error when a list is empty, which allows nothing, or has
// an invalid limit. A limit of one message for a number, a prefix or a tenant is
// invalid, since it has no half.
func (l Limits) Validate() error {
	for name, list := range map[string][]Limit{"account": l.Account, "number": l.Number, "prefix": l.Prefix, "tenant": l.Tenant} {
		if len(list) == 0 {
			return fmt.Errorf("phone: no limit for the %s", name)
		}
		for _, limit := range list {
			if err := limit.Validate(); err != nil {
				return fmt.Errorf("%w, for the %s", err, name)
			}
			if limit.N < 2 && name != "account" {
				return fmt.Errorf("phone: one message per %v for the %s leaves no share to verified numbers", limit.Per, name)
			}
		}
	}
	return nil
}

// ErrLimit means that too many messages were sent. See [WaitError].
var ErrLimit = errors.New("phone: too many messages")

// A WaitError is a refusal for a time.
type WaitError struct {
	// Err is the reason: [ErrLimit] or [ErrTooMany].
	Err error
	// Until is the first moment at which the same is allowed, if nothing else
	// happens meanwhile. It is in UTC. The zero time means that waiting does not
	// help.
	Until time.Time
	// Wait is the time from the refusal to Until, by the same clock.
	Wait time.Duration
}

// Error returns a text that says until when, and nothing about the account.
func (e *WaitError) Error() string {
	if e.Until.IsZero() {
		return e.Err.Error() + "; waiting does not help"
	}
	return e.Err.Error() + " until " + e.Until.Format(time.RFC3339)
}

// Unwrap returns e.Err.
func (e *WaitError) Unwrap() error { return e.Err }

func waitUntil(err error, at time.Time, free int64) *WaitError {
	u := time.Unix(free, 0).UTC()
	return &WaitError{Err: err, Until: u, Wait: u.Sub(at)}
}

// Sends remember when messages were sent. The zero Sends is empty. It is a value: Take
// returns a new one and leaves the receiver as it was. It encodes to at most 1 KiB.
//
// Up to 64 sends in the longest period are exact. If there are more, the older ones count
// for up to an eighth of their age longer than they should, and never shorter.
type Sends struct{ log []entry }

// An entry is n sends, all at the time or a little before it.
type entry struct{ at, n int64 }

// IsZero reports whether nothing is remembered.
func (s Sends) IsZero() bool { return len(s.log) == 0 }

// Needed reports whether a limit of this period, or of a longer one, would still count
// any of the sends. Those in the future are needed: a clock was put back.
func (s Sends) Needed(at time.Time, per time.Duration) bool {
	now := floor(at)
	return slices.ContainsFunc(s.log, func(e entry) bool { return now-e.at < seconds(per) })
}

// Longest returns the longest period of all limits.
func (l Limits) Longest() (per time.Duration) {
	for _, limit := range slices.Concat(l.Account, l.Number, l.Prefix, l.Tenant) {
		per = max(per, limit.Per)
	}
	return per
}

// Allow reports whether one more message may be sent: nil, or a [*WaitError]
// that is [ErrLimit]. Without a limit, or with an invalid one, it allows nothing. A clock
// that stepped back frees nothing.
func (s Sends) Allow(at time.Time, limits ...Limit) error {
	if len(limits) == 0 {
		return &WaitError{Err: ErrLimit}
	}
	now := floor(at)
	free := now
	for _, l := range limits {
		if l.Validate() != nil {
			return &WaitError{Err: ErrLimit}
		}
		free = max(free, s.frees(now, l))
	}
	if now < free {
		return waitUntil(ErrLimit, at, free)
	}
	return nil
}

// Take takes one message from all of the limits, or from none and returns what
// [Sends.Allow] does. Write the result before the provider is called: of two simultaneous
// requests only one is written, and a crash after the call must not make the message
// free. A message that the provider then refuses stays counted; otherwise anybody could
// go on requesting messages that are refused.
//
// Sends that are too old for all limits of this call are forgotten.
func (s Sends) Take(at time.Time, limits ...Limit) (Sends, error) {
	if err := s.Allow(at, limits...); err != nil {
		return s, err
	}
	now, longest := floor(at), int64(0)
	for _, l := range limits {
		longest = max(longest, seconds(l.Per))
	}
	next := make([]entry, 0, len(s.log)+1)
	for _, e := range s.log {
		if now-e.at < longest {
			next = append(next, e)
		}
	}
	next = merge(append(next, entry{ceil(at), 1}))
	if len(next) > exact {
		next = merge(thin(next, now))
	}
	for len(next) > maxEntries {
		next[1].n = min(next[0].n+next[1].n, maxCount)
		next = next[1:]
	}
	return Sends{next}, nil
}

// frees returns the first time, not before now, at which the limit has room.
func (s Sends) frees(now int64, l Limit) int64 {
	per, room := seconds(l.Per), int64(l.N)-1
	var sum int64
	for _, e := range s.log {
		if now-e.at < per { // the future counts too, so that a clock stepping back frees nothing
			sum += e.n
		}
	}
	for _, e := range s.log {
		switch {
		case sum <= room:
			return now
		case now-e.at < per:
			if sum -= e.n; sum <= room {
				return e.at + per
			}
		}
	}
	return now // nothing is left, and a valid limit has room then
}

// thin moves old entries to the next mark of a grid that is as wide as an eighth of their
// age or less. Grids of growing age are nested, so that an entry that moves again stays
// within the wider one.
func thin(log []entry, now int64) []entry {
	for i, e := range log {
		if eighth := (now - e.at) / 8; eighth > 0 {
			width := int64(1) << (bits.Len64(uint64(eighth)) - 1)
			if over := e.at % width; over > 0 {
				log[i].at += width - over
			}
		}
	}
	return log
}

// merge sorts the log and joins entries of the same time.
func merge(log []entry) []entry {
	slices.SortStableFunc(log, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	merged := log[:0]
	for _, e := range log {
		if last := len(merged) - 1; last >= 0 && merged[last].at == e.at {
			merged[last].n = min(merged[last].n+e.n, maxCount)
			continue
		}
		merged = append(merged, e)
	}
	return merged
}

// floor and ceil are a time in seconds. A clock before 1970 is broken, and 0 is
// kept for "never".
func floor(at time.Time) int64 { return min(max(at.Unix(), 1), maxTime) }

func ceil(at time.Time) int64 {
	if at.Nanosecond() > 0 {
		return min(floor(at)+1, maxTime)
	}
	return floor(at)
}

// seconds rounds up: a limit may last longer by less than a second, never
// shorter.
func seconds(d time.Duration) int64 { return int64((d-1)/time.Second) + 1 }
