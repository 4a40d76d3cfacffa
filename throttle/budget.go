package throttle

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"
)

const (
	hour = 60 * 60

	// giveBack is the lifetime of a challenge, in seconds: its charges can be given back
	// for that long.
	giveBack = 10 * 60
	// keep is a year longer than the longest window: after a clock ran ahead and was
	// corrected, the charges are still there.
	keep = 2 * 365 * 24 * hour

	// The bounds of the encoded size. A year's budget of 900 chances fills at
	// most 900 hours.
	maxHours  = 1024
	maxRecent = 64

	maxChances = 1_000_000 // certainty; no count needs to go higher, since no limit does
	maxTime    = 1 << 40   // seconds; keeps the arithmetic from overflowing, some 35,000 years away
)

// A Budget holds the guesses charged to an account. The zero Budget is fresh; to reset an
// account, write the zero Budget. It is a value: every method returns a new one and
// leaves the receiver as it was.
type Budget struct{ s state }

type state struct {
	Run  int   // wrong codes in a row, forgotten with time
	Row  int   // the same, not forgotten with time
	Last int64 // the latest time of a wrong code

	// Charges of the long windows, oldest first. A recent one can still be
	// given back to its challenge. After that only its hour is kept, and it counts as if
	// it had happened at the end of that hour: later than it did, never earlier.
	Hours  []bucket
	Recent []charge

	// The pair counter: how many tries are taken and not yet refilled, and since when it
	// refills.
	Pairs int
	Since int64
}

// A bucket is the sum of the charges in one hour, counted from 1970.
type bucket struct{ hour, chances int64 }

// end returns the bucket's time: no charge in it is later.
func (b bucket) end() int64 { return (b.hour + 1) * hour }

type charge struct {
	At        int64
	Chances   int64
	Challenge challengeTag
}

// A challengeTag identifies a challenge, in a fixed length whatever the id is. It is zero
// for none.
type challengeTag [12]byte

// IsZero reports whether b is fresh.
func (b Budget) IsZero() bool {
	s := b.s
	return s.Run == 0 && s.Row == 0 && s.Last == 0 && len(s.Hours) == 0 && len(s.Recent) == 0 && s.Pairs == 0 && s.Since == 0
}

// ConsecutiveFailures returns how many wrong codes there were in a row up to the last one. A
// success sets it to 0; a wrong code after Profile.Forget starts it at 1.
func (b Budget) ConsecutiveFailures() int { return b.s.Run }

// Allow reports whether a guess of so many chances may be checked: it returns nil, or an
// [*Error] with the time when it may. Chances are counted as for [Budget.Fail];
// less than 1 counts as 1. Allow changes nothing.
//
// Allow and the Fail or Succeed that follows must be in one conditional write, so that of
// two simultaneous guesses the second sees the first one's charge.
func (b Budget) Allow(at time.Time, p Profile, chances int) error {
	now, free := floor(at), int64(-maxTime)
	closed := p.InRow > 0 && b.s.Row >= p.InRow
	if w := p.wait(b.s.Run); w > 0 {
		free = b.s.Last + w
	}
	for _, w := range p.windows() {
		t, ok := b.s.frees(now, w.length, w.limit-atLeastOne(chances))
		if !ok {
			closed = true
		}
		free = max(free, t)
	}
	switch {
	case closed:
		return &Error{Pair: b.pairs(now, p) > 0}
	case now < free:
		refused := until(at, free)
		refused.Pair = b.pairs(now, p) > 0
		return refused
	}
	return nil
}

// Fail charges one wrong submission to its challenge, and lengthens the run.
//
// Chances are how many in 10^6 the submission had of being right, rounded up:
// for six digits, the number of authenticators times the steps of the window.
// Less than 1 counts as 1. A charge without a challenge ("") cannot be given
// back.
func (b Budget) Fail(at time.Time, p Profile, challenge string, chances int) Budget {
	s := b.s.clone()
	t := ceil(at)
	if t-s.Last >= seconds(p.Forget) {
		s.Run = 0
	}
	s.Run, s.Row = min(s.Run+1, maxChances), min(s.Row+1, maxChances)
	if s.Run == 1 || t > s.Last {
		s.Last = t
	}
	s.Recent = append(s.Recent, charge{At: t, Chances: atLeastOne(chances), Challenge: tag(challenge)})
	s.settle(t)
	return Budget{s}
}

// Succeed ends the run, and gives back what was charged to this challenge in the
// last ten minutes, which is as long as a challenge lives. The other charges of the long
// windows stay, and so does the pair counter, which only time refills: an attacker would
// otherwise have a burst of pairs after each of the owner's sign-ins.
func (b Budget) Succeed(at time.Time, challenge string) Budget {
	s := b.s.clone()
	now, of := floor(at), tag(challenge)
	s.Run, s.Row, s.Last = 0, 0, 0
	s.Recent = slices.DeleteFunc(s.Recent, func(c charge) bool {
		return of != challengeTag{} && c.Challenge == of && now-c.At <= giveBack
	})
	s.settle(now)
	return Budget{s}
}

// settle moves charges that can no longer be given back to their hours, and
// keeps both lists bounded.
func (s *state) settle(now int64) {
	for i := len(s.Recent) - maxRecent; i > 0; i-- {
		s.merge(s.Recent[0])
		s.Recent = slices.Delete(s.Recent, 0, 1)
	}
	s.Recent = slices.DeleteFunc(s.Recent, func(c charge) bool {
		over := c.Challenge == challengeTag{} || now-c.At > giveBack
		if over {
			s.merge(c)
		}
		return over
	})
	s.Hours = slices.DeleteFunc(s.Hours, func(b bucket) bool { return now-b.end() > keep })
	for len(s.Hours) > maxHours {
		// Into the younger of the two: it counts longer than it should, never
		// shorter.
		s.Hours[1].chances = min(s.Hours[0].chances+s.Hours[1].chances, maxChances)
		s.Hours = slices.Delete(s.Hours, 0, 1)
	}
}

func (s *state) merge(c charge) {
	h := floorDiv(c.At, hour)
	i, found := slices.BinarySearchFunc(s.Hours, h, func(b bucket, h int64) int { return cmp.Compare(b.hour, h) })
	if !found {
		s.Hours = slices.Insert(s.Hours, i, bucket{h, 0})
	}
	s.Hours[i].chances = min(s.Hours[i].chances+c.Chances, maxChances)
}

// frees returns the first time, not before now, at which the charges within the
// window are down to room. It is not ok when they never are.
func (s state) frees(now, length, room int64) (at int64, ok bool) {
	if room < 0 {
		return 0, false
	}
	var live []charge // what counts now; the future counts too, so that a clock stepping back frees nothing
	var sum int64
	count := func(c charge) {
		if now-c.At < length {
			live, sum = append(live, c), sum+c.Chances
		}
	}
	for _, b := range s.Hours {
		count(charge{At: b.end(), Chances: b.chances})
	}
	for _, c := range s.Recent {
		count(c)
	}
	if sum <= room {
		return now, true
	}
	slices.SortFunc(live, func(a, b charge) int { return cmp.Compare(a.At, b.At) })
	for _, c := range live {
		if sum -= c.Chances; sum <= room {
			return c.At + length, true
		}
	}
	return 0, false // unreachable: nothing is left, and room is not negative
}

func (s state) clone() state {
	s.Hours, s.Recent = slices.Clone(s.Hours), slices.Clone(s.Recent)
	return s
}

func tag(challenge string) (t challengeTag) {
	if challenge != "" {
		sum := sha256.Sum256([]byte(challenge))
		copy(t[:], sum[:])
	}
	return t
}

func atLeastOne(chances int) int64 { return int64(min(max(chances, 1), maxChances)) }

func floor(at time.Time) int64 { return min(max(at.Unix(), -maxTime), maxTime) }

func ceil(at time.Time) int64 {
	if at.Nanosecond() > 0 {
		return floor(at) + 1
	}
	return floor(at)
}

func floorDiv(a, b int64) int64 {
	if a%b < 0 {
		return a/b - 1
	}
	return a / b
}
