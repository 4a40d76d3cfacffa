package phone

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/keyring"
)

// The uses of a code. The word is under the MAC, so that a code that verifies a
// number signs nobody in, and the other way round.
const (
	purpose   = "phone code"
	forSignIn = "sign in"
	forAdding = "add"
)

// Send makes a new code for a verified phone, which replaces the live one, and
// the message to send. Write the State, then give the message to the [Sender]:
// nobody must get a code that is not stored, and a message must be counted before the
// provider is asked.
//
// The code is for the challenge, the id of one sign-in, and for the number as it
// is now. Wrong codes in a row stay counted (NIST SP 800-63B-4 §3.1.3.2: a new
// secret does not reset the failures).
//
// The limits are the account's; of each N, 64 count at most. Errors:
// [*WaitError] with [ErrLimit] or [ErrTooMany]; [ErrUnknown]; [ErrVia];
// [ErrChallenge] for an empty one.
func (s State) Send(at time.Time, keys *keyring.Ring, id string, via Via, challenge string, limits ...Limit) (State, Message, error) {
	switch {
	case challenge == "":
		return s, Message{}, ErrChallenge
	case s.index(id) < 0:
		return s, Message{}, ErrUnknown
	}
	return s.send(at, keys, live{to: id, challenge: tag(challenge), via: via}, limits)
}

// SendPending is [State.Send] for the pending number with this ID, to verify it.
// It returns [ErrUnknown] for another one, and [ErrExpired] when it is too old.
func (s State) SendPending(at time.Time, keys *keyring.Ring, id string, via Via, limits ...Limit) (State, Message, error) {
	switch {
	case s.pending.isZero() || s.pending.ID != id:
		return s, Message{}, ErrUnknown
	case s.pending.expired(at):
		return s, Message{}, ErrExpired
	}
	return s.send(at, keys, live{to: id, via: via}, limits)
}

func (s State) send(at time.Time, keys *keyring.Ring, l live, limits []Limit) (State, Message, error) {
	if !l.via.known() {
		return s, Message{}, ErrVia
	}
	// A code that nobody may type is not worth a message.
	next, err := s.counted(at, limits)
	if err != nil {
		return s, Message{}, err
	}
	number, _ := s.number(l.to)
	code := newCode()
	l.sent = stamp(at)
	l.mac = string(keys.MAC(purpose, l.fields(keys, number, code.Digits())...))
	next.live = l
	return next, Message{To: number, Via: l.via, Code: code}, nil
}

// MaySend returns the error that [State.Send] would have for these limits and
// for the wrong codes, or nil: for a page that counts down to the next message.
func (s State) MaySend(at time.Time, limits ...Limit) error {
	_, err := s.counted(at, limits)
	return err
}

// counted takes one message from the limits.
func (s State) counted(at time.Time, limits []Limit) (State, error) {
	if err := s.tooMany(at); err != nil {
		return s, err
	}
	sends, err := s.sends.Take(at, small(limits)...)
	if err != nil {
		return s, err
	}
	next := s.Expire(at)
	next.sends = sends
	return next, nil
}

// small returns limits under which the account's record stays small.
func small(limits []Limit) []Limit {
	limits = slices.Clone(limits)
	for i := range limits {
		limits[i].N = min(limits[i].N, exact)
	}
	return limits
}

// Verify returns the phone whose code this is, and the State in which the code is
// used and the phone's Used is at. Write it before anybody is let in.
//
// Errors: [ErrRejected] for a wrong code, with a State in which it is counted,
// which must be written before the answer; with all other errors the State is as
// it was. They are [ErrMalformed], [ErrTooMany] (in a [*WaitError]), [ErrNoCode],
// [ErrExpired], and keyring.ErrUnknownKey, wrapped, when the keys have lost the
// one that the code was made with. Do not tell the person more than wrong, too late or
// too many.
func (s State) Verify(at time.Time, keys *keyring.Ring, challenge, code string) (State, Phone, error) {
	i := s.index(s.live.to)
	next, err := s.spend(at, keys, i >= 0 && s.live.isFor(challenge), code)
	if err != nil {
		return next, Phone{}, err
	}
	next.phones = slices.Clone(next.phones)
	next.phones[i].Used = stamp(at)
	return next, next.phones[i], nil
}

// VerifyPending makes the pending number with this ID a phone, if code is the
// one that was sent to it. Errors are those of [State.Verify].
func (s State) VerifyPending(at time.Time, keys *keyring.Ring, id, code string) (State, Phone, error) {
	p := s.pending
	next, err := s.spend(at, keys, !p.isZero() && p.ID == id && s.live.to == id, code)
	if err != nil {
		return next, Phone{}, err
	}
	added := Phone{ID: p.ID, Number: p.Number, Via: s.live.via, Added: stamp(at), Used: stamp(at)}
	next.phones = append(slices.Clone(next.phones), added)
	next.pending = Pending{}
	return next, added, nil
}

// spend compares the typed code with the live one, if that has the purpose that the
// caller asks for, and uses it up.
func (s State) spend(at time.Time, keys *keyring.Ring, asked bool, typed string) (State, error) {
	digits, err := normalize(typed)
	if err != nil {
		return s, err
	}
	if err := s.tooMany(at); err != nil {
		return s, err
	}
	l := s.live
	switch {
	case !asked:
		return s, ErrNoCode
	case gone(l.sent, CodeLifetime, at), l.to == s.pending.ID && s.pending.expired(at):
		return s, ErrExpired
	}
	number, _ := s.number(l.to)
	next := s.Expire(at)
	switch err := keys.VerifyMAC(purpose, []byte(l.mac), l.fields(keys, number, digits)...); {
	case err == nil:
		next.live, next.wrong, next.last = live{}, 0, time.Time{}
		return next, nil
	case errors.Is(err, keyring.ErrUnknownKey):
		return s, fmt.Errorf("phone: code: %w", err)
	}
	next.wrong++
	next.last = time.Unix(ceil(at), 0).UTC()
	if next.wrong >= MaxTries {
		next.live = live{}
	}
	return next, ErrRejected
}

// tooMany returns a [*WaitError] while the wrong codes in a row are too many. A
// clock that stepped back forgets nothing.
func (s State) tooMany(at time.Time) error {
	if s.wrong < MaxTries || at.Sub(s.last) >= Forget {
		return nil
	}
	return waitUntil(ErrTooMany, at, s.last.Add(Forget).Unix())
}

// isFor reports whether the code was sent for this challenge.
func (l live) isFor(challenge string) bool {
	return subtle.ConstantTimeCompare([]byte(l.challenge), []byte(tag(challenge))) == 1
}

// fields returns the fields under the MAC: the purpose of the code and its destination. A
// code that was sent to one number is not valid for another, and one from a restored
// database is not valid after the ring's epoch was raised.
func (l live) fields(keys *keyring.Ring, n Number, digits string) []string {
	use := forSignIn
	if l.challenge == "" {
		use = forAdding
	}
	return []string{use, l.challenge, l.to, n.E164(), fmt.Sprint(keys.Epoch()), digits}
}

// tag identifies a challenge, in a fixed length whatever the id is.
func tag(challenge string) string {
	sum := sha256.Sum256([]byte(challenge))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
