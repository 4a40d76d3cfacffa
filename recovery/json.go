package recovery

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/internal/strictjson"
)

// version stands for the whole format: alphabet, Argon2id with its cost, and
// the fields.
const version = 1

// ErrFormat is what decoding reports for anything that this package did not
// write.
var ErrFormat = errors.New("recovery: malformed set")

// MarshalJSON writes the set with its version. The zero Set is written as null;
// use omitzero to leave it out.
func (s Set) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.s)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is [ErrFormat].
func (s *Set) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = Set{}
		return nil
	}
	var st state
	if err := strictjson.Decode(data, &st); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if st.V != version || len(st.Codes) < 1 || len(st.Codes) > Codes || st.Salt == (salt{}) || st.Made.IsZero() {
		return fmt.Errorf("%w: version %d, %d codes", ErrFormat, st.V, len(st.Codes))
	}
	for i, e := range st.Codes {
		if e.Hash == (sum{}) {
			return fmt.Errorf("%w: code %d has no hash", ErrFormat, i+1)
		}
	}
	*s = Set{st}
	return nil
}

func (s salt) MarshalText() ([]byte, error) { return text(s[:]), nil }
func (s sum) MarshalText() ([]byte, error)  { return text(s[:]), nil }

func (s *salt) UnmarshalText(t []byte) error { return bytesOf(t, s[:]) }
func (s *sum) UnmarshalText(t []byte) error  { return bytesOf(t, s[:]) }

func text(b []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, b) }

func bytesOf(t, into []byte) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil || len(b) != len(into) {
		return errors.New("not the bytes of a hash")
	}
	copy(into, b)
	return nil
}
