package policy

import (
	"errors"
	"fmt"
)

// A Mode decides whether people must have a second factor. The zero Mode is
// Required: a row that was read wrongly asks for more, not less.
type Mode uint8

// The modes, strictest first.
const (
	Required Mode = iota // people without a factor set one up before signing in
	Optional             // people may set one up
	Off                  // not offered; an active factor is still asked for
)

// ErrMode means that a word is not a mode.
var ErrMode = errors.New("policy: unknown mode")

var words = [...]string{Required: "required", Optional: "optional", Off: "off"}

// known maps an unknown mode to Required.
func (m Mode) known() Mode {
	if int(m) >= len(words) {
		return Required
	}
	return m
}

// String returns "required", "optional" or "off". A value that is not a mode
// counts as required, here too.
func (m Mode) String() string { return words[m.known()] }

// ParseMode reads what [Mode.String] writes. With an error, which is [ErrMode],
// it returns Required.
func ParseMode(s string) (Mode, error) {
	for m, word := range words {
		if s == word {
			return Mode(m), nil
		}
	}
	return Required, fmt.Errorf("%w %q", ErrMode, s)
}

// MarshalText returns the mode's word.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the mode's word. With an error, which is [ErrMode], the
// mode is Required.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}
