package totpflow

import (
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/policy"
)

// Grace is how long who has nothing set up goes on without, where policy
// requires it. Its beginning is written into the account the first time that it
// matters, and once: whoever knows the password could else prolong it by
// signing in again, or have it begun anew by a reset or a change of role. How
// long it is the policy says at each moment, so that a stricter one holds at once.

// beginGrace reports whether the account may go on without, and notes the
// beginning if that was not yet noted.
func beginGrace(r *account.Round, p policy.Policy) bool {
	until, begins := graceUntil(r, p)
	if !until.After(r.Now) {
		return false // none, or its end had come before the person did
	}
	if begins {
		r.Grace.Begun = r.Now.Truncate(time.Millisecond)
		r.Log(event.Event{Kind: event.GraceBegan, Until: until})
		r.Save()
	}
	return true
}

// graceUntil is until when the account may go on without, or might if it was
// asked now for the first time: then it begins. It is zero where there is no grace,
// and may be over.
func graceUntil(r *account.Round, p policy.Policy) (until time.Time, begins bool) {
	if p.Mode != policy.Required || !mayHaveGrace(r) {
		return time.Time{}, false
	}
	// A beginning in the future is of a clock that has been put back since.
	begun := r.Grace.Begun
	begins = begun.IsZero() || begun.After(r.Now.Add(clockTolerance))
	if begins || begun.After(r.Now) {
		begun = r.Now
	}
	until = p.GraceUntil(begun).Truncate(time.Millisecond)
	if !until.After(r.Grace.Until) { // which an administrator has given, and is never less
		until = r.Grace.Until
	}
	return until, begins
}

// mayHaveGrace reports whether the account has nothing set up and was not reset.
func mayHaveGrace(r *account.Round) bool {
	st := r.Enrollment.State(r.Now)
	return !hasFactor(r) && (st == enroll.Disabled || st == enroll.Pending)
}

// resetAge is for how long after an administrator's reset the password alone
// leads to the enrollment.
const resetAge = 24 * time.Hour

// passwordSuffices reports whether the password alone leads to an enrollment after a
// reset. It does so for a day: whoever comes by the password next year shall not
// find the door of somebody who never came back.
func (s *Service) passwordSuffices(r *account.Round, p policy.Policy) bool {
	age := r.Now.Sub(r.Enrollment.ResetAt())
	return r.Enrollment.State(r.Now) == enroll.ResetPending && !p.IssuedCode && !r.CodeOnly && !r.Enrollment.Lapsed() &&
		-clockTolerance <= age && age < resetAge
}
