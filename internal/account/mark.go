package account

import (
	"encoding/base64"
	"errors"
)

// A Mark tells the sessions that stand from those that were ended: random bytes,
// drawn by each cause that ends them, zero until the first. It is compared for
// equality only, so that no clock can revive a session or end a new one. It is
// not a secret.
type Mark [16]byte

// String returns the mark as base64url.
func (m Mark) String() string { return string(encodeBytes(m[:])) }

// MarshalText writes the mark as base64url.
func (m Mark) MarshalText() ([]byte, error) { return encodeBytes(m[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Mark) UnmarshalText(text []byte) error { return decodeBytes(m[:], text) }

func encodeBytes(raw []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, raw) }

// decodeBytes fills raw from its one spelling.
func decodeBytes(raw, text []byte) error {
	got, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(got) != len(raw) || len(text) != base64.RawURLEncoding.EncodedLen(len(raw)) { // the decoder skips line ends
		return errors.New("account: not base64url of the right length")
	}
	copy(raw, got)
	return nil
}
