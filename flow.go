package totpflow

import (
	"errors"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// outcome names an answer of the library in one word. Faults of the installation are
// handled before it is called.
func outcome(err error) event.Outcome {
	switch {
	case errors.As(err, new(*throttle.Error)), errors.As(err, new(*phone.WaitError)), errors.Is(err, ErrPhoneLimit):
		return event.OutcomeThrottled
	case errors.Is(err, totp.ErrMalformedCode), errors.Is(err, recovery.ErrMalformed), errors.Is(err, phone.ErrMalformed):
		return event.OutcomeMalformed
	case errors.Is(err, ErrRejected), errors.Is(err, ErrAlreadyUsed):
		return event.OutcomeRejected
	}
	return event.OutcomeRefused
}
