package totpflow

import (
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
)

// Grace is how long who has nothing set up goes on without, where policy
// requires it. The moment is written into the account the first time that it
// matters and begins once: whoever knows the password could else prolong it by
// signing in again, or have it begun anew by a reset or a change of role.

// beginGrace reports whether the account may go on without, and sets until when
// if that was not yet set.
func beginGrace(r *account.Round, p policy.Policy) bool {
	if r.Grace.Until.IsZero() {
		until := p.GraceUntil(r.Now).UTC().Truncate(time.Millisecond)
		if !until.After(r.Now) {
			return false // none, or its end had come before the person did
		}
		r.Grace.Until = until
		r.Log(event.Event{Kind: event.GraceBegan, Until: until})
		r.Save()
	}
	return graceUntil(r, p).After(r.Now)
}

// graceUntil is until when the account may go on without; zero when it may not.
// A policy that has become stricter since holds at once, unless an administrator
// has given this account more time.
func graceUntil(r *account.Round, p policy.Policy) time.Time {
	set, allowed := r.Grace.Until, p.GraceUntil(r.Now)
	switch {
	case set.IsZero(), r.Grace.Extended:
		return set
	case allowed.IsZero():
		return time.Time{}
	case !p.Deadline.IsZero() && p.Deadline.Before(set):
		return p.Deadline
	}
	return set
}

// resetAge is for how long after an administrator's reset the password alone
// leads to the set-up.
const resetAge = 24 * time.Hour

// passwordSuffices reports whether the password alone leads to a set-up after a
// reset. It does so for a day: whoever comes by the password next year shall not
// find the door of somebody who never came back.
func (s *Service) passwordSuffices(r *account.Round, p policy.Policy) bool {
	age := r.Now.Sub(r.Enrollment.ResetAt())
	return r.Enrollment.State(r.Now) == enroll.ResetPending && !p.IssuedCode && !r.CodeOnly &&
		-clockTolerance <= age && age < resetAge
}
