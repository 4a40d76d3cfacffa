package totpflow

import (
	"fmt"
	"log/slog"
)

// A logger that writes JSON calls LogValue on the value that it is given, but not on the
// values inside it. Types that carry tickets or secrets therefore have a LogValue of
// their own, which returns the text that fmt prints of them. A ConfirmedEnrollment logs
// only its Decision.

// LogValue implements [slog.LogValuer]. It shows no challenge and no proof.
func (d Decision) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", d)) }

// LogValue implements [slog.LogValuer]. It shows no token and no secret.
func (p PendingEnrollment) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", p)) }

// LogValue implements [slog.LogValuer]. It shows no token, and the number masked.
func (p PendingPhone) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", p)) }
