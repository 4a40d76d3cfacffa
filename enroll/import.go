package enroll

import (
	"fmt"
	"slices"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// Import makes a key of another system live at once, for an account that has no
// second factor yet: the person's device has it already, and shows a code at the
// next sign-in. A person who has several there gets all of them: Import may be repeated
// as long as all live authenticators were imported and none has shown a code here. A
// candidate is dropped. Last is 0, except for a secret that was here until recently,
// whose used codes stay used. The name is cleaned, cut and numbered as by
// [Enrollment.Begin]. The people who exported the key know it: use only a channel on
// which you would show the key.
//
// A weak key (totp.Key.Weak) ends at weakUntil, which must be after at, by [MaxWeak] at
// most; its account is then as after a reset ([Enrollment.Lapsed]). For other
// keys weakUntil does not matter.
//
// Errors: [ErrWeak] for a weak key without such a time, totp.ErrSample for an example
// from documentation, [ErrTooManyAuthenticators], [ErrSameSecret] when a live
// authenticator has the secret, or one removed minutes ago had it with other parameters,
// totp.ErrNoKey, totp.ErrTime, and [ErrTransition] in any state but [Disabled], [Pending]
// and [Active] as described above: it never replaces an authenticator.
func (e Enrollment) Import(at time.Time, key totp.Key, name string, weakUntil time.Time) (Enrollment, Authenticator, error) {
	until, err := importable(at, key, weakUntil)
	if err != nil {
		return e, Authenticator{}, err
	}
	next, err := e.take(at, Import)
	if err != nil {
		return e, Authenticator{}, err
	}
	switch {
	case !next.untouched():
		return e, Authenticator{}, &TransitionError{From: next.state, Action: Import}
	case len(next.live) >= MaxAuthenticators:
		return e, Authenticator{}, ErrTooManyAuthenticators
	case next.holds(key):
		return e, Authenticator{}, ErrSameSecret
	}
	a := Authenticator{ID: newID(), Key: key, Last: next.lastOf(key), Added: stamp(at), Until: until}
	a.Name = uniqueName(name, a.ID, next.live)
	next.live = append(slices.Clone(next.live), a)
	next.candidate = Candidate{}
	return next, a, nil
}

// importable returns when the key ends, or why it cannot be imported.
func importable(at time.Time, key totp.Key, weakUntil time.Time) (until time.Time, err error) {
	switch {
	case key.IsZero():
		return until, fmt.Errorf("enroll: %w", totp.ErrNoKey)
	case key.Sample():
		return until, fmt.Errorf("enroll: %w", totp.ErrSample)
	case !key.Weak():
		return until, nil
	}
	until = stamp(weakUntil)
	if !until.After(at) || until.Sub(at) > MaxWeak {
		return until, ErrWeak
	}
	return until, nil
}

// untouched reports whether all live authenticators came from another system and have not
// been used here. A confirmed authenticator has shown a code.
func (e Enrollment) untouched() bool {
	return !slices.ContainsFunc(e.live, func(a Authenticator) bool { return !a.Used.IsZero() })
}
