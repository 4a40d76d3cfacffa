package throttle

import (
	"errors"
	"time"
)

// ErrThrottled is what every [*Error] is, for errors.Is.
var ErrThrottled = errors.New("throttle: too many attempts")

// An Error is a refusal before the code was looked at.
type Error struct {
	// Until is the first moment at which the same attempt is allowed, if nothing is charged meanwhile. It is in
	// UTC. The zero time means that waiting does not help.
	Until time.Time
	// Pair says that two consecutive codes are accepted now.
	Pair bool
}

// Error says until when, and nothing of the account.
func (e *Error) Error() string {
	if e.Until.IsZero() {
		return ErrThrottled.Error() + "; waiting does not help"
	}
	return ErrThrottled.Error() + " until " + e.Until.Format(time.RFC3339)
}

// Is reports whether target is [ErrThrottled].
func (e *Error) Is(target error) bool { return target == ErrThrottled }
