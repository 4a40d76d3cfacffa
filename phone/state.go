package phone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
)

const (
	// MaxPhones is how many verified phones an account may have. Each is one
	// more number that can be stolen.
	MaxPhones = 3
	// CodeLifetime is how long a code is valid (NIST SP 800-63B-4 §3.1.3.2: ten
	// minutes at most).
	CodeLifetime = 5 * time.Minute
	// MaxTries is how many wrong codes in a row are checked, over all codes that are sent
	// meanwhile.
	MaxTries = 5
	// Forget is how long after the last wrong code the count is forgotten. It is longer
	// than the life of a code, so that no code is tried more than MaxTries times.
	Forget = 10 * time.Minute
	// PendingLifetime is how long a number that was added may be verified.
	PendingLifetime = 15 * time.Minute
)

// Errors of the methods of [State], in addition to [ErrLimit] and [ErrMalformed].
var (
	// ErrRejected means that the code is wrong. Charge the guess.
	ErrRejected = errors.New("phone: code rejected")
	// ErrExpired means that the code, or the pending number, is too old. Nothing was
	// compared.
	ErrExpired = errors.New("phone: code expired")
	// ErrNoCode means that no code is live for this challenge or number: none was sent,
	// it was used, or a code for another purpose has replaced it. Nothing was compared.
	ErrNoCode = errors.New("phone: no code was sent for this")
	// ErrTooMany means that [MaxTries] codes in a row were wrong. It is wrapped in a
	// [WaitError]. Nothing was compared, and nothing is sent.
	ErrTooMany = errors.New("phone: too many wrong codes")

	ErrUnknown       = errors.New("phone: no such phone")
	ErrKnown         = errors.New("phone: the account has this number already")
	ErrTooManyPhones = errors.New("phone: the account has the maximum number of phones")
	ErrChallenge     = errors.New("phone: a code needs the challenge that it is for")
)

// A Phone is a number that has shown a code. It prints masked, in the form that the
// person recognises.
type Phone struct {
	ID     string // random; the ID that the pending number had
	Number Number
	// Via is the way that its first code took, which the person chose: a number that
	// was verified by a call may be a landline, which gets no SMS.
	Via Via
	// Added is when it was verified, Used when it last showed a code. UTC, whole
	// seconds.
	Added, Used time.Time
}

// String returns the masked number.
func (p Phone) String() string { return p.Number.String() }

// A Pending is a number that was added and has not shown a code. It signs nobody
// in.
type Pending struct {
	ID     string // random; the argument of [State.SendPending] and [State.VerifyPending]
	Number Number
	Began  time.Time // UTC, whole seconds
}

// String returns the masked number.
func (p Pending) String() string { return p.Number.String() }

func (p Pending) isZero() bool { return p.ID == "" }

// A number that began in the future shows that a clock was put back.
func (p Pending) expired(at time.Time) bool { return gone(p.Began, PendingLifetime, at) }

// gone reports whether something that began has reached its age, or lies further in the
// future than two clocks may differ.
func gone(began time.Time, age time.Duration, at time.Time) bool {
	is := at.Sub(began)
	return is >= age || is < -skew.Tolerance
}

// State is the state of an account's phones: the verified ones, a pending one, the live
// code, the wrong codes in a row, the sends. The zero State is empty.
//
// It is a value. A method that changes something returns a new State and leaves
// the old one as it was. Store what it returned before answering, with a
// compare-and-swap: two requests that start from the same State both accept the
// same code, and only the store knows which was first. Values may be read by
// several goroutines at once.
//
// It prints without numbers; [State.Encode] reveals them.
type State struct {
	phones  []Phone
	pending Pending // zero: none
	live    live    // zero: none
	wrong   int     // wrong codes in a row
	last    time.Time
	sends   Sends
}

// A live code. Of the code itself only a MAC under the host's keys is kept.
type live struct {
	to        string // the ID of a phone, or of the pending number
	challenge string // its tag; empty for the pending number
	via       Via
	sent      time.Time
	mac       string // raw bytes
}

func (l live) isZero() bool { return l.to == "" }

// String returns how many phones there are and what is pending.
func (s State) String() string {
	text := fmt.Sprintf("phone.State(%d verified", len(s.phones))
	if !s.pending.isZero() {
		text += ", one pending"
	}
	if !s.live.isZero() {
		text += ", a code sent"
	}
	return text + ")"
}

// IsZero reports whether there is nothing to store.
func (s State) IsZero() bool {
	return len(s.phones) == 0 && s.pending.isZero() && s.live.isZero() && s.wrong == 0 && s.sends.IsZero()
}

// Phones returns the verified phones, oldest first. The slice is the caller's.
func (s State) Phones() []Phone { return slices.Clone(s.phones) }

// Pending returns the number that can be verified at that time, if there is one.
func (s State) Pending(at time.Time) (Pending, bool) {
	p := s.Expire(at).pending
	return p, !p.isZero()
}

// Sent describes the live code for a page.
type Sent struct {
	To      Number
	Via     Via
	At      time.Time // UTC, whole seconds
	Expires time.Time
	NextAt  time.Time // when another message can be sent; zero if one can be sent now; State.Sent does not set it
}

// Sent returns the code sent for a challenge, if it can be typed at that time. For the
// pending number pass its ID.
func (s State) Sent(at time.Time, challenge string) (Sent, bool) {
	l := s.Expire(at).live
	if l.isZero() || !l.isFor(challenge) && (l.challenge != "" || l.to != challenge) {
		return Sent{}, false
	}
	number, _ := s.number(l.to)
	return Sent{To: number, Via: l.via, At: l.sent, Expires: l.sent.Add(CodeLifetime)}, true
}

// Add makes number the pending one, under a fresh ID, in place of any other. The caller
// must have checked a proof for it, since a thief who adds a phone has a factor of their
// own. To change a number, add the new one and remove the old (NIST SP 800-63B-4
// §3.1.3.3: it binds a new authenticator).
//
// Errors: [ErrNumber] for the zero Number, [ErrKnown], [ErrTooManyPhones]. Call
// [Destinations.Allow] first.
func (s State) Add(at time.Time, number Number) (State, Pending, error) {
	switch {
	case number.IsZero():
		return s, Pending{}, ErrNumber
	case slices.ContainsFunc(s.phones, func(p Phone) bool { return p.Number.Same(number) }):
		return s, Pending{}, ErrKnown
	case len(s.phones) >= MaxPhones:
		return s, Pending{}, ErrTooManyPhones
	}
	next := s.withoutPending()
	next.pending = Pending{ID: rand.Text(), Number: number, Began: stamp(at)}
	return next, next.pending, nil
}

// Remove removes a phone, or the pending number, and the code that was sent to it. The
// error for an unknown ID is [ErrUnknown].
func (s State) Remove(id string) (State, error) {
	if !s.pending.isZero() && s.pending.ID == id {
		return s.withoutPending(), nil
	}
	i := s.index(id)
	if i < 0 {
		return s, ErrUnknown
	}
	next := s
	next.phones = slices.Delete(slices.Clone(s.phones), i, i+1)
	if s.live.to == id {
		next.live = live{}
	}
	return next, nil
}

// Cancel ends the live code and withdraws the pending number, as after a new
// password. The phones stay.
func (s State) Cancel() State {
	s.pending, s.live = Pending{}, live{}
	return s
}

// Clear removes all phones, as when the second factor is disabled or reset. The wrong
// codes and the sends stay counted; otherwise disabling and enrolling again would refill
// both.
func (s State) Clear() State {
	s = s.Cancel()
	s.phones = nil
	return s
}

// Unlock forgets the wrong codes in a row and the messages that were sent, by permission
// of an administrator: a clock that was ahead may have counted them for a year.
func (s State) Unlock() State {
	s.wrong, s.last, s.sends = 0, time.Time{}, Sends{}
	return s
}

// Ahead reports whether a clock that was ahead, and has been corrected since, has left a
// number or a code that would become valid again when its time arrives. If so, write the
// result of [State.Expire]. Wrong codes and messages stay counted until [State.Unlock].
func (s State) Ahead(at time.Time) bool {
	limit := at.Add(skew.Tolerance)
	return s.pending.Began.After(limit) || s.live.sent.After(limit)
}

// Expire drops expired parts: a number that was not verified, a code that was not typed,
// wrong codes that are forgotten. The other methods do so themselves; a caller needs it
// only to write the shorter value.
func (s State) Expire(at time.Time) State {
	if !s.pending.isZero() && s.pending.expired(at) {
		s = s.withoutPending()
	}
	if !s.live.isZero() && gone(s.live.sent, CodeLifetime, at) {
		s.live = live{}
	}
	if at.Sub(s.last) >= Forget {
		s.wrong, s.last = 0, time.Time{}
	}
	return s
}

func (s State) withoutPending() State {
	if !s.pending.isZero() && s.live.to == s.pending.ID {
		s.live = live{}
	}
	s.pending = Pending{}
	return s
}

func (s State) index(id string) int {
	return slices.IndexFunc(s.phones, func(p Phone) bool { return p.ID == id })
}

// number returns the number of an ID.
func (s State) number(id string) (Number, bool) {
	if !s.pending.isZero() && s.pending.ID == id {
		return s.pending.Number, true
	}
	if i := s.index(id); i >= 0 {
		return s.phones[i].Number, true
	}
	return Number{}, false
}

// stamp returns a time as it is stored, so that a value and its decoded copy are the
// same.
func stamp(at time.Time) time.Time { return time.Unix(floor(at), 0).UTC() }
