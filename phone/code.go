package phone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
)

const (
	codeDigits   = 6
	maxCodeInput = 32 // bytes; looked at before any work
)

// ErrMalformed means that the input cannot be a code: not six ASCII digits after
// removing ASCII spaces and hyphens, or longer than 32 bytes. Nothing was
// guessed, so it need not be counted.
var ErrMalformed = errors.New("phone: not a code")

// A Code is six digits on their way to a person. It shows nothing when printed,
// logged or encoded, at whatever depth; [Code.Digits] is the way to them. The
// zero Code is none.
type Code struct {
	reveal func() string // a closure, which fmt and encoders do not look into
}

// newCode draws one of the million codes, each as likely as the others.
func newCode() Code {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000)) // draws again rather than take a remainder
	if err != nil {
		panic(err) // unreachable: crypto/rand never fails, by its contract
	}
	digits := fmt.Sprintf("%0*d", codeDigits, n)
	return Code{func() string { return digits }}
}

// IsZero reports whether c is no code at all.
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

// normalize returns the digits of what somebody typed.
func normalize(typed string) (string, error) {
	if len(typed) > maxCodeInput {
		return "", ErrMalformed
	}
	digits := make([]byte, 0, maxCodeInput)
	for i := range len(typed) {
		switch c := typed[i]; {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
		case c != ' ' && c != '-':
			return "", ErrMalformed
		}
	}
	if len(digits) != codeDigits {
		return "", ErrMalformed
	}
	return string(digits), nil
}
