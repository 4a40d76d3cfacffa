package recovery

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Codes is how many codes a set has when it is made.
const Codes = 10

// Errors of [Set.Redeem].
var (
	// ErrRejected means that the code is not, or no longer, in the set.
	ErrRejected = errors.New("recovery: code rejected")
	// ErrUsed means that the code was used before. It is also [ErrRejected],
	// and only for the log: anyone who tries codes must not learn which ones were
	// real.
	ErrUsed = fmt.Errorf("%w: already used", ErrRejected)
	// ErrStale means that the digest was derived for another set: derive it
	// again for this one.
	ErrStale = errors.New("recovery: digest of another set")
)

// A Set is the stored form of a person's codes. The zero Set has none. It is a
// value: every method returns a new one and leaves the receiver as it was.
type Set struct{ s state }

type state struct {
	Salt        salt
	Made, Saved time.Time
	Codes       []entry
}

type entry struct {
	Hash sum
	Used time.Time
}

// New makes [Codes] codes of 80 random bits each and the set to store. The codes are
// returned only this once; show them, and forget them. It takes ten times the work of a
// [Set.Derive].
func New(at time.Time) (codes []string, s Set) { return draw(at, Codes) }

// Issue makes a single code and the set to store, for a person who has lost both the
// authenticator and the saved codes: an issued recovery code (NIST SP 800-63B-4
// §4.2.1.2). Send it to an address of the person that was validated before, never to the
// person who asked for it, and keep its set apart from that of [New]. The caller must
// enforce how long it is valid, from [Set.Made]: at most 24 hours by e-mail. Otherwise it
// is like the codes of New, and takes the work of one [Set.Derive].
func Issue(at time.Time) (code string, s Set) {
	codes, s := draw(at, 1)
	return codes[0], s
}

func draw(at time.Time, n int) (codes []string, s Set) {
	slots <- struct{}{}
	defer func() { <-slots }()
	st := state{Made: instant(at), Codes: make([]entry, n)}
	rand.Read(st.Salt[:]) // never fails, by its contract
	codes = make([]string, n)
	for i := range codes {
		codes[i] = newCode()
		st.Codes[i].Hash = derive(codes[i], st.Salt)
	}
	return codes, Set{st}
}

// Redeem returns the set with d's code used, which must be written before anybody is let
// in. Otherwise it returns the set unchanged and [ErrRejected], [ErrUsed] (which is
// ErrRejected too), or [ErrStale] for a digest of another set and for the zero Digest. It
// compares with every code in constant time.
func (s Set) Redeem(at time.Time, d Digest) (Set, error) {
	if d.reveal == nil {
		return s, ErrStale
	}
	of, got := d.reveal()
	if of != s.s.Salt {
		return s, ErrStale
	}
	match := -1
	for i := range s.s.Codes {
		equal := subtle.ConstantTimeCompare(got[:], s.s.Codes[i].Hash[:])
		match = subtle.ConstantTimeSelect(equal, i, match)
	}
	switch {
	case match < 0:
		return s, ErrRejected
	case !s.s.Codes[match].Used.IsZero():
		return s, ErrUsed
	}
	next := s.s
	next.Codes = slices.Clone(s.s.Codes)
	next.Codes[match].Used = instant(at)
	return Set{next}, nil
}

// MarkSaved notes that the person said "I have saved them", the first time.
func (s Set) MarkSaved(at time.Time) Set {
	if s.s.Saved.IsZero() && !s.IsZero() {
		s.s.Saved = instant(at)
	}
	return s
}

// IsZero reports whether no codes were ever made. A set whose codes were all used is not
// zero.
func (s Set) IsZero() bool { return len(s.s.Codes) == 0 }

// Total returns how many codes were made.
func (s Set) Total() int { return len(s.s.Codes) }

// Remaining returns how many codes are not yet used. When few are left, lead the person
// to new ones.
func (s Set) Remaining() int { return s.Total() - len(s.Used()) }

// Used returns when codes were used, oldest first.
func (s Set) Used() []time.Time {
	var used []time.Time
	for _, e := range s.s.Codes {
		if !e.Used.IsZero() {
			used = append(used, e.Used)
		}
	}
	slices.SortFunc(used, time.Time.Compare)
	return used
}

// Made returns when the codes were made; zero for the zero Set.
func (s Set) Made() time.Time { return s.s.Made }

// Saved returns when the person said that the codes are saved; zero: not yet.
func (s Set) Saved() time.Time { return s.s.Saved }

// A Summary describes a set for a page.
type Summary struct {
	Left, Total int
	Made        time.Time
	Saved       time.Time // when the person said that the codes are saved; zero before
}

// Summary describes s for a page. It is zero for the zero Set.
func (s Set) Summary() Summary {
	return Summary{Left: s.Remaining(), Total: s.Total(), Made: s.Made(), Saved: s.Saved()}
}

// String returns how many codes are left, and nothing about them.
func (s Set) String() string {
	return fmt.Sprintf("recovery.Set(%d of %d left)", s.Remaining(), s.Total())
}

// instant returns a time as it is stored. The zero time would read as "never", so a time from
// a clock that is that wrong is moved by a second.
func instant(at time.Time) time.Time {
	at = at.UTC().Truncate(time.Second)
	if at.IsZero() {
		at = at.Add(time.Second)
	}
	return at
}
