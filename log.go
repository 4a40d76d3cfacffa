package totpflow

import (
	"fmt"
	"log/slog"
)

// A logger that writes JSON asks the value that it is given what may be logged of
// it, and none of the values within. Types that carry tickets or secrets therefore
// answer themselves, with the text that fmt prints of them. A ConfirmedEnrollment
// answers as its Decision does, and shows nothing else.

// LogValue implements [slog.LogValuer]. It shows no challenge and no proof.
func (d Decision) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", d)) }

// LogValue implements [slog.LogValuer]. It shows no token and no secret.
func (p PendingEnrollment) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", p)) }

// LogValue implements [slog.LogValuer]. It shows no token, and the number masked.
func (p PendingPhone) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", p)) }
