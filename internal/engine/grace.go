package engine

import (
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/policy"
)

// A grace period is how long an account without a factor may sign in where policy
// requires one. Its beginning is written into the account once, the first time that it
// matters: otherwise a person who knows the password could prolong it by signing in
// again, or restart it by a reset or a change of role. Its length is read from the policy
// each time, so that a stricter one applies at once.

// BeginGrace reports whether the account may sign in without a factor, and notes the
// beginning if it was not noted before.
func (tx *Tx) BeginGrace(p policy.Policy) bool {
	until, begins := tx.GraceUntil(p)
	if !until.After(tx.Now) {
		return false // none, or it ended before the first sign-in
	}
	if begins {
		tx.Grace.Begun = tx.Now.Truncate(time.Millisecond)
		tx.Log(event.Event{Kind: event.GraceBegan, Until: until})
		tx.Save()
	}
	return true
}

// GraceUntil returns until when the account may sign in without a factor. If the grace
// period has not begun, it is counted from now. It is zero if there is none, and may be
// in the past.
func (tx *Tx) GraceUntil(p policy.Policy) (until time.Time, begins bool) {
	if p.Mode != policy.Required || !tx.MayHaveGrace() {
		return time.Time{}, false
	}
	// A beginning in the future comes from a clock that has been put back since.
	begun := tx.Grace.Begun
	begins = begun.IsZero() || begun.After(tx.Now.Add(skew.Tolerance))
	if begins || begun.After(tx.Now) {
		begun = tx.Now
	}
	until = p.GraceUntil(begun).Truncate(time.Millisecond)
	if !until.After(tx.Grace.Until) { // an administrator's extension never shortens it
		until = tx.Grace.Until
	}
	return until, begins
}

// MayHaveGrace reports whether the account has nothing set up and was not reset.
func (tx *Tx) MayHaveGrace() bool {
	st := tx.Enrollment.State(tx.Now)
	return !tx.HasFactor() && (st == enroll.Disabled || st == enroll.Pending)
}

// GraceBegins reports whether until, from GraceUntil, is counted from now because the
// grace period has not begun.
func (tx *Tx) GraceBegins(p policy.Policy) bool {
	until, begins := tx.GraceUntil(p)
	return begins && !until.Equal(p.Deadline.Truncate(time.Millisecond)) && !until.Equal(tx.Grace.Until)
}

// NeedsCode reports whether the enrollment after a reset requires a code after the password.
func (tx *Tx) NeedsCode(p policy.Policy) bool {
	return tx.Enrollment.State(tx.Now) == enroll.ResetPending && !tx.PasswordSuffices(p)
}

// resetAge is how long after an administrator's reset the password alone leads to the
// enrollment.
const resetAge = 24 * time.Hour

// PasswordSuffices reports whether the password alone leads to an enrollment after a
// reset. It does so for a day: if the owner never comes back, a person who obtains the
// password next year must not find the account open.
func (tx *Tx) PasswordSuffices(p policy.Policy) bool {
	age := tx.Now.Sub(tx.Enrollment.ResetAt())
	return tx.Enrollment.State(tx.Now) == enroll.ResetPending && !p.IssuedCode && !tx.CodeDemanded(tx.Now) && !tx.Enrollment.Lapsed() &&
		-skew.Tolerance <= age && age < resetAge
}
