package enroll

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// Errors with which the methods of [Enrollment] refuse, in addition to [ErrTransition]
// and the errors of package totp.
var (
	ErrNone                  = errors.New("enroll: no live authenticator")
	ErrStale                 = errors.New("enroll: another enrollment has begun, or this one has ended")
	ErrExpired               = errors.New("enroll: the enrollment has taken too long; begin again")
	ErrTooManyAuthenticators = errors.New("enroll: the account has the maximum number of authenticators")
	ErrSameSecret            = errors.New("enroll: the account has this secret already")
	ErrUnknown               = errors.New("enroll: no such authenticator")
	ErrLast                  = errors.New("enroll: the last authenticator cannot be removed, only disabled or replaced")
	// ErrWeak is for a weak key (totp.Key.Weak): it cannot be offered, only imported for
	// a limited time.
	ErrWeak = errors.New("enroll: the secret is too short; it can only be imported, for at most 90 days")
	// ErrClock is for the operator, not the user: an authenticator was used later
	// than now, so the clock has gone back and would accept used codes again.
	ErrClock = errors.New("enroll: the clock is behind the last code accepted")
)

// Enrollment is the state of an account's authenticators: the live ones, the candidate
// that is offered, and the state word. The zero value is disabled.
//
// It is a value. A method that changes something returns a new Enrollment and
// leaves the old one as it was; with an error it returns the old one. Store what
// it returned before answering the user: two sign-ins that start from the same
// Enrollment both accept the same code, and only a conditional write decides between
// them. Values may be read by several goroutines at once.
//
// Printing it or encoding it with a general encoder shows no secret;
// [Enrollment.Encode] does.
type Enrollment struct {
	state     State // "" is Disabled, for the zero value
	live      []Authenticator
	candidate Candidate // zero: none
	kept      []shelved // oldest first
	retired   []retired
	reset     time.Time // when ResetPending began
	lapsed    bool      // ResetPending began by time and not by an administrator, or at an unknown time
}

// String returns the state and how many authenticators are live.
func (e Enrollment) String() string {
	return fmt.Sprintf("enroll.Enrollment(%s, %d live)", e.stored(), len(e.live))
}

// State returns the state at a time: an expired candidate no longer counts.
func (e Enrollment) State(at time.Time) State { return e.Expire(at).stored() }

func (e Enrollment) stored() State {
	if e.state == "" {
		return Disabled
	}
	return e.state
}

// Authenticators returns the live authenticators, oldest first. The slice is the
// caller's.
func (e Enrollment) Authenticators() []Authenticator { return slices.Clone(e.live) }

// Candidate returns the candidate that can be confirmed at that time, if there
// is one. Its key is the secret itself: show it only to the person who began the
// enrollment.
func (e Enrollment) Candidate(at time.Time) (Candidate, bool) {
	c := e.Expire(at).candidate
	return c, !c.IsZero()
}

// ResetAt returns when an administrator reset the account, or when the last authenticator
// lapsed, if the person has not enrolled since. It is zero in any state but
// [ResetPending].
func (e Enrollment) ResetAt() time.Time { return e.reset }

// Lapsed reports whether the account needs an enrollment because its last authenticator,
// a weak one, has expired, or because of a reset by a clock that was ahead. Ask for more
// than the password then, such as an issued code: only the person knows that there
// was an authenticator, and that it has ended. Call it on the result of
// [Enrollment.Expire].
func (e Enrollment) Lapsed() bool { return e.lapsed }

// WeakUntil returns when the last of the live authenticators ends, if all of them
// are weak; otherwise the zero time. After a code of a weak one, lead the person only to
// a new authenticator.
func (e Enrollment) WeakUntil() (last time.Time) {
	for _, a := range e.live {
		if a.Until.IsZero() {
			return time.Time{}
		}
		if a.Until.After(last) {
			last = a.Until
		}
	}
	return last
}

// Begin makes key the candidate, under a fresh ID. With adds it will be added to the live
// authenticators, otherwise it will replace them; until it is confirmed they stay as they
// are. An older candidate is dropped, so its holder's Confirm gets [ErrStale]. The name
// is cleaned, cut to [MaxName] and numbered if another authenticator has it; "" becomes
// "Authenticator".
//
// A candidate that adds may replace some of the live authenticators: pass their IDs in
// goes, here, where they make room, and again to [Enrollment.Confirm].
//
// Errors: [ErrTooManyAuthenticators] when adding to [MaxAuthenticators] live
// authenticators, [ErrSameSecret] when a live one has the secret (or one removed minutes
// ago had it with other parameters), [ErrWeak] for a weak key, [ErrUnknown] for an
// unknown ID in goes, totp.ErrNoKey, totp.ErrTime.
func (e Enrollment) Begin(at time.Time, key totp.Key, name string, adds bool, goes ...string) (Enrollment, Candidate, error) {
	if key.IsZero() {
		return e, Candidate{}, fmt.Errorf("enroll: %w", totp.ErrNoKey)
	}
	if key.Weak() {
		return e, Candidate{}, ErrWeak
	}
	next, err := e.take(at, Begin)
	if err != nil {
		return e, Candidate{}, err
	}
	if !next.has(goes) {
		return e, Candidate{}, ErrUnknown
	}
	c := Candidate{ID: newID(), Key: key, Began: stamp(at), Adds: adds && len(next.live) > 0}
	if c.Adds && len(next.live)-len(goes) >= MaxAuthenticators {
		return e, Candidate{}, ErrTooManyAuthenticators
	}
	if next.holds(key) {
		return e, Candidate{}, ErrSameSecret
	}
	c.Name = cleanName(name)
	if c.Adds {
		c.Name = uniqueName(name, c.ID, next.live)
	}
	next.candidate = c
	return next, c, nil
}

// holds reports whether the secret is live, or was until recently with other
// parameters, so that old and new steps cannot be compared.
func (e Enrollment) holds(key totp.Key) bool {
	for _, a := range e.live {
		if a.Key.SameSecret(key) {
			return true
		}
	}
	for _, r := range e.retired {
		if r.key.SameSecret(key) && r.key.Params() != key.Params() {
			return true
		}
	}
	return false
}

// Confirmation lists the changes by a confirmed candidate.
type Confirmation struct {
	Authenticator Authenticator   // the new one
	Cleared       []Authenticator // those it replaced
	First         bool            // there was none before: the second factor is on from now on
}

// Confirm makes the candidate with this ID live, if code is its code now. The code is
// used: it signs nobody in. Unless the candidate adds, the same change clears the others,
// so that their codes stop working; they are kept for an [Enrollment.Restore]. If it
// adds, only those in goes are cleared this way.
//
// Errors: [ErrStale] when there is no such candidate (another Begin came in
// between, or a second Confirm was first), [ErrExpired], [*DriftError] when the
// device's clock is wrong, [ErrClock] when the server's is and the code was not right or
// the candidate adds, and those of totp.Key.Verify. If there is no candidate at all,
// ErrStale is an [ErrTransition] too.
func (e Enrollment) Confirm(at time.Time, candidateID, code string, w totp.Window, goes ...string) (Enrollment, Confirmation, error) {
	next, err := e.claim(at, candidateID, Confirm)
	if err != nil {
		return e, Confirmation{}, err
	}
	c := next.candidate
	if c.Adds && (!next.has(goes) || len(next.live)-len(goes) >= MaxAuthenticators) { // they were removed meanwhile
		return e, Confirmation{}, ErrStale
	}
	step, err := c.Key.Verify(code, at, next.lastOf(c.Key), w)
	// A candidate that replaces the others is the way out after a clock that was ahead:
	// it clears those that were used then. Do not blame the device for the server's
	// clock.
	if behind := next.checkClock(at, w); behind != nil && (c.Adds || err != nil) {
		return e, Confirmation{}, behind
	}
	if err != nil {
		return e, Confirmation{}, explainDrift(err, c.Key, code, at)
	}
	done := Confirmation{
		Authenticator: Authenticator{
			ID: c.ID, Name: c.Name, Key: c.Key, Last: step, Added: stamp(at), Used: stamp(at),
		},
		First: len(next.live) == 0,
	}
	if c.Adds { // others stay, so nothing was reset
		for _, id := range goes {
			gone := next.live[next.index(id)]
			done.Cleared = append(done.Cleared, gone)
			next = next.shelve(at, gone).retire(at, gone)
			next.live = slices.DeleteFunc(slices.Clone(next.live), func(a Authenticator) bool { return a.ID == id })
		}
		// One of the others may have been given this name in the meantime.
		done.Authenticator.Name = uniqueName(c.Name, c.ID, next.live)
	} else {
		done.Cleared = next.Authenticators()
		next = next.shelve(at, next.live...).clear(at)
	}
	next.live = append(slices.Clone(next.live), done.Authenticator)
	next.candidate = Candidate{}
	return next, done, nil
}

// Cancel withdraws the candidate with this ID; the live authenticators stay.
// Errors for the ID are those of [Enrollment.Confirm].
func (e Enrollment) Cancel(at time.Time, candidateID string) (Enrollment, error) {
	next, err := e.claim(at, candidateID, Cancel)
	if err != nil {
		return e, err
	}
	next.candidate = Candidate{}
	return next, nil
}

// Expire drops the candidate, the kept and the weak authenticators that have expired.
// Methods with a time argument do so themselves; a caller needs it to write the shorter
// value, and before methods without one. If a clock that was ahead has granted too much
// time, the longest allowed time counts ([Enrollment.Ahead]).
func (e Enrollment) Expire(at time.Time) Enrollment {
	if e.Ahead(at) {
		e = e.putRight(at)
	}
	e = e.sweepShelf(at)
	if !e.candidate.IsZero() && e.candidate.expired(at) {
		e = e.withdraw()
	}
	return e.lapse(at)
}

// withdraw drops the candidate along the Expire edge.
func (e Enrollment) withdraw() Enrollment {
	next, err := Next(e.stored(), Expire)
	if err != nil {
		return e // no candidate: a state that has one has the edge
	}
	e.state = next
	e.candidate = Candidate{}
	return e
}

// Disable clears all authenticators and the candidate. It checks nothing: the caller must
// have let the person show a code for it. Live authenticators are kept for an
// [Enrollment.Restore].
func (e Enrollment) Disable(at time.Time) (Enrollment, error) {
	next, err := e.take(at, Disable)
	if err != nil {
		return e, err
	}
	return next.shelve(at, next.live...).clear(at), nil
}

// Reset clears all authenticators, the kept ones and the candidate, by permission of an
// administrator; the person must then enroll again. Every state allows it.
func (e Enrollment) Reset(at time.Time) (Enrollment, error) {
	next, err := e.take(at, Reset)
	if err != nil {
		return e, err
	}
	next = next.clear(at)
	next.kept = nil
	next.reset = stamp(at)
	return next, nil
}

// Exempt makes the account a machine account, by permission of an administrator: it
// clears the same as [Enrollment.Reset], and from then on nothing can be set up and
// nothing is verified. Reset makes it a regular account again. Exempting twice is
// an [ErrTransition].
func (e Enrollment) Exempt(at time.Time) (Enrollment, error) {
	next, err := e.take(at, Exempt)
	if err != nil {
		return e, err
	}
	next = next.clear(at)
	next.kept = nil
	return next, nil
}

// Remove takes one authenticator away while others stay: [ErrLast] for the only
// one, [ErrUnknown] for an unknown ID. The authenticator is kept for an [Enrollment.Restore].
func (e Enrollment) Remove(at time.Time, id string) (Enrollment, error) {
	next, err := e.take(at, Remove)
	if err != nil {
		return e, err
	}
	i := next.index(id)
	switch {
	case i < 0:
		return e, ErrUnknown
	case len(next.live) == 1:
		return e, ErrLast
	}
	gone := next.live[i]
	next = next.shelve(at, gone).retire(at, gone)
	next.live = slices.Delete(slices.Clone(next.live), i, i+1)
	return next, nil
}

// Rename gives an authenticator another name, cleaned and numbered as
// [Enrollment.Begin] does. The error for an unknown ID is [ErrUnknown].
func (e Enrollment) Rename(id, name string) (Enrollment, error) {
	state, err := Next(e.stored(), Rename)
	if err != nil {
		return e, err
	}
	i := e.index(id)
	if i < 0 {
		return e, ErrUnknown
	}
	next := e
	next.state = state
	next.live = slices.Clone(e.live)
	next.live[i].Name = uniqueName(name, id, e.live)
	return next, nil
}

// has reports whether all of these are live, each named once.
func (e Enrollment) has(ids []string) bool {
	for i, id := range ids {
		if e.index(id) < 0 || slices.Contains(ids[:i], id) {
			return false
		}
	}
	return true
}

func (e Enrollment) index(id string) int {
	return slices.IndexFunc(e.live, func(a Authenticator) bool { return a.ID == id })
}
