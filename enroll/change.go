package enroll

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// take follows the edge of an action. It, Expire and Rename are the only places that
// change the state, all by the table. Parts that have expired (a candidate, a kept
// authenticator, a retired secret) are dropped on the way.
func (e Enrollment) take(at time.Time, action Action) (Enrollment, error) {
	// Beyond these years a time has no step or no encoding.
	if at.UnixMilli() <= 0 || at.UTC().Year() >= 9999 {
		return e, fmt.Errorf("enroll: %w", totp.ErrTime)
	}
	next := e.Expire(at)
	state, err := Next(next.stored(), action)
	if err != nil {
		return e, err
	}
	next.state = state
	next.retired = slices.DeleteFunc(slices.Clone(next.retired), func(r retired) bool {
		return !at.Before(r.until)
	})
	return next, nil
}

// claim is take for an action on the candidate, which must be the one that the caller
// means: the page that offered it may be an hour old.
func (e Enrollment) claim(at time.Time, candidateID string, action Action) (Enrollment, error) {
	c := e.candidate
	if !c.IsZero() && c.ID == candidateID && c.expired(at) {
		return e, ErrExpired
	}
	next, err := e.take(at, action)
	if errors.Is(err, ErrTransition) {
		return e, fmt.Errorf("%w: %w", ErrStale, err)
	}
	if err != nil {
		return e, err
	}
	if next.candidate.IsZero() || next.candidate.ID != candidateID {
		return e, ErrStale
	}
	return next, nil
}

// clear retires all authenticators and drops the candidate and the time of a reset. It
// does not touch the kept ones: see shelve.
func (e Enrollment) clear(at time.Time) Enrollment {
	for _, a := range e.live {
		e = e.retire(at, a)
	}
	e.live = nil
	e.candidate = Candidate{}
	e.reset, e.lapsed = time.Time{}, false
	return e
}

// lapse ends the weak authenticators that have expired. If none is left, the account
// needs an enrollment as after a reset: otherwise anybody with the password could enroll
// in the owner's place.
func (e Enrollment) lapse(at time.Time) Enrollment {
	if !slices.ContainsFunc(e.live, func(a Authenticator) bool { return a.over(at) }) {
		return e
	}
	var left []Authenticator
	last := time.Time{}
	for _, a := range e.live {
		if !a.over(at) {
			left = append(left, a)
			continue
		}
		e = e.retire(at, a)
		if a.Until.After(last) {
			last = a.Until
		}
	}
	if last.IsZero() {
		return e
	}
	if e.live = left; len(left) > 0 {
		return e
	}
	state, err := Next(e.stored(), Lapse)
	if err != nil {
		return e // unreachable: every state with an authenticator has the edge
	}
	e.state, e.candidate, e.kept = state, Candidate{}, nil
	e.reset, e.lapsed = last, true
	return e
}

// retire remembers the last step of an authenticator that is removed.
func (e Enrollment) retire(at time.Time, a Authenticator) Enrollment {
	kept := slices.DeleteFunc(slices.Clone(e.retired), func(r retired) bool {
		return r.key.SameSecret(a.Key) // superseded: a later Last of the same secret
	})
	from := at
	if a.Last > a.Key.Step(at)+maxAhead { // the last step is of a clock that was ahead: its codes are in the future
		from = a.Key.Start(a.Last)
	}
	kept = append(kept, retired{key: a.Key, last: a.Last, until: stamp(from.Add(retiredAge(a.Key)))})
	e.retired = kept[max(0, len(kept)-maxRetired):]
	return e
}

// lastOf returns the last step accepted for a removed secret, or zero. Steps of another
// period are different numbers, and never the same code.
func (e Enrollment) lastOf(key totp.Key) (last totp.Step) {
	same := func(k totp.Key) bool {
		return k.SameSecret(key) && k.Params().Period == key.Params().Period
	}
	for _, r := range e.retired {
		if same(r.key) {
			last = max(last, r.last)
		}
	}
	for _, k := range e.kept {
		if same(k.Key) {
			last = max(last, k.Last)
		}
	}
	return last
}
