package totp

import (
	"encoding/base32"
	"fmt"
	"strings"
)

// maxSecret bounds the text of a secret. The longest that has a use, 64 bytes for SHA-512, is 103 symbols.
const maxSecret = 1024 // bytes of base32

var encoding32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseSecret reads a secret as other programs show it: base32 (RFC 4648, section 6) in upper or lower case, with or
// without padding, grouped by ASCII spaces or hyphens, with ASCII white space around it. At least 128 bits
// (RFC 4226, R6), at most 1024 bytes of text, and only in the one canonical encoding of its bytes. The error is
// [ErrSecret], or [ErrParams] for p.
func ParseSecret(secret string, p Params) (Key, error) {
	p, err := p.complete()
	if err != nil {
		return Key{}, err
	}
	raw, err := decodeSecret(secret)
	if err != nil {
		return Key{}, err
	}
	return build(raw, p)
}

// Secret REVEALS the secret, as base32 in upper case without padding, for a user who has to type it. Whoever sees it can
// make codes for ever: show it once, to its owner, and never log it. It is "" for the zero Key.
func (k Key) Secret() string {
	if k.IsZero() {
		return ""
	}
	return encoding32.EncodeToString(k.reveal().secret)
}

// decodeSecret refuses what encoding/base32 lets pass: lengths that no bytes have ("A" decodes to nothing), line breaks
// in the middle, and bits after the last byte ("MZ" and "MY" are one byte). Two texts for one secret would
// defeat a search for the same secret, and a lost last symbol would go unnoticed.
func decodeSecret(secret string) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("%w: longer than 1024 bytes", ErrSecret)
	}
	text := normalizeSecret(secret)
	raw, err := encoding32.DecodeString(text)
	if err != nil || encoding32.EncodeToString(raw) != text {
		// The decoder's own error is left out: it says where in the secret it stopped.
		return nil, fmt.Errorf("%w: not canonical base32", ErrSecret)
	}
	return raw, nil
}

// normalizeSecret works on bytes: strings.ToUpper would turn U+017F and U+0131 into letters of the alphabet.
func normalizeSecret(secret string) string {
	secret = strings.Trim(secret, " \t\r\n")
	text := make([]byte, 0, len(secret))
	for i := range len(secret) {
		switch c := secret[i]; {
		case c == ' ' || c == '-':
		case 'a' <= c && c <= 'z':
			text = append(text, c-'a'+'A')
		default:
			text = append(text, c)
		}
	}
	return strings.TrimRight(string(text), "=")
}
