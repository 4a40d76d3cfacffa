package applock

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/totpflow/totpflow/keyring"
)

// A value's text is a ring of package keyring with its own prefix: the server's own keys,
// sent to a machine by mistake, are not values.
const (
	valuePrefix = "totpflow-unlock-1:"
	ringPrefix  = "totpflow-keys-1:"
)

// ErrValue means that a text is not a value, or that a value does not open this vault: it
// belongs to another device, or the server has made a new one.
var ErrValue = errors.New("applock: not the value of this vault")

// A Value opens one vault. The server makes one for each device, keeps it as it
// keeps other secrets, and hands it out over TLS after password and code. It shows
// nothing when printed, logged or encoded; only [Value.Text] returns it. The zero Value
// opens nothing.
type Value struct {
	reveal func() (text string, ring *keyring.Ring) // a closure, which fmt and encoders do not look into
}

// NewValue makes a value of 256 random bits. The server calls it.
func NewValue() Value {
	v, err := ParseValue(valuePrefix + strings.TrimPrefix(keyring.Generate(), ringPrefix))
	if err != nil {
		panic(err) // unreachable: Generate writes what Parse reads
	}
	return v
}

// ParseValue reads what [Value.Text] wrote, or returns [ErrValue], which never quotes the
// text. One line end after it is accepted.
func ParseValue(s string) (Value, error) {
	rest, ok := strings.CutPrefix(s, valuePrefix)
	if !ok {
		return Value{}, fmt.Errorf("%w: it does not begin with %s", ErrValue, valuePrefix)
	}
	ring, err := keyring.Parse(ringPrefix + rest)
	if err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrValue, err)
	}
	text := strings.TrimRight(s, "\r\n")
	return Value{func() (string, *keyring.Ring) { return text, ring }}, nil
}

// IsZero reports whether v is not a value at all.
func (v Value) IsZero() bool { return v.reveal == nil }

// Text returns the value as one line of some 90 characters. It REVEALS it: for
// the server's sealed record and for the answer over TLS, not for a file on the
// machine that it locks.
func (v Value) Text() string {
	if v.IsZero() {
		return ""
	}
	text, _ := v.reveal()
	return text
}

// ring returns nil for the zero Value; keyring treats a nil ring as one without keys.
func (v Value) ring() *keyring.Ring {
	if v.IsZero() {
		return nil
	}
	_, ring := v.reveal()
	return ring
}

const redactedValue = "applock.Value(redacted)"

// Format writes a placeholder for every verb.
func (v Value) Format(f fmt.State, _ rune) { io.WriteString(f, redactedValue) }

// LogValue returns a placeholder.
func (v Value) LogValue() slog.Value { return slog.StringValue(redactedValue) }

// MarshalText always returns an error: a redacted text would be stored in good
// faith, and the value itself would end up in a log that is written as JSON.
func (v Value) MarshalText() ([]byte, error) {
	return nil, errors.New("applock: a Value is not marshalled; use its Text")
}
