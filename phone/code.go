package phone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"

	"github.com/totpflow/totpflow/internal/typed"
)

const codeDigits = 6

// ErrMalformed means that the input cannot be a code: not six digits, in any
// spelling that a code of an app may have (totp.Key.Verify), or longer than 128
// bytes. Its text says why, and quotes nothing. Nothing was guessed, so it need
// not be counted.
var ErrMalformed = errors.New("phone: not a code")

// A Code is six digits to be sent to a person. It shows nothing when printed, logged or
// encoded, at any depth; only [Code.Digits] returns them. The zero Code is empty.
type Code struct {
	reveal func() string // a closure, which fmt and encoders do not look into
}

// newCode draws one of the million codes, each as likely as the others.
func newCode() Code {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000)) // draws again rather than taking a remainder
	if err != nil {
		panic(err) // unreachable: crypto/rand never fails, by its contract
	}
	digits := fmt.Sprintf("%0*d", codeDigits, n)
	return Code{func() string { return digits }}
}

// IsZero reports whether c is not a code at all.
func (c Code) IsZero() bool { return c.reveal == nil }

// Digits returns the six digits; "" for the zero Code.
func (c Code) Digits() string {
	if c.IsZero() {
		return ""
	}
	return c.reveal()
}

const redactedCode = "phone.Code(redacted)"

// Format writes a placeholder for every verb.
func (c Code) Format(f fmt.State, _ rune) { io.WriteString(f, redactedCode) }

// LogValue returns a placeholder.
func (c Code) LogValue() slog.Value { return slog.StringValue(redactedCode) }

// normalize returns the digits of a typed code.
func normalize(input string) (string, error) {
	var room [typed.Max]byte
	digits, err := typed.Digits(room[:0], input, codeDigits)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return string(digits), nil
}
