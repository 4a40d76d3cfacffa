package throttle

import (
	"errors"
	"time"
)

// ErrThrottled matches every [*Error].
var ErrThrottled = errors.New("throttle: too many attempts")

// An Error is a refusal before the code was checked.
type Error struct {
	// Until is the first moment at which the same attempt is allowed, if
	// nothing is charged meanwhile. It is in UTC. The zero time means that
	// waiting does not help.
	Until time.Time
	// Wait is the time from the attempt to Until, by the same clock. It is
	// zero when waiting does not help.
	Wait time.Duration
	// Pair reports whether two consecutive codes are accepted now.
	Pair bool
}

// until returns the refusal of an attempt made at the time at, until the second
// free.
func until(at time.Time, free int64) *Error {
	u := time.Unix(free, 0).UTC()
	return &Error{Until: u, Wait: u.Sub(at)}
}

// Error returns a text that says until when, and nothing about the account.
func (e *Error) Error() string {
	if e.Until.IsZero() {
		return ErrThrottled.Error() + "; waiting does not help"
	}
	return ErrThrottled.Error() + " until " + e.Until.Format(time.RFC3339)
}

// Is reports whether target is [ErrThrottled].
func (e *Error) Is(target error) bool { return target == ErrThrottled }
