package totp

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow/internal/typed"
)

// maxSecret bounds the text of a secret. The longest useful one, 64 bytes for SHA-512,
// has 103 symbols.
const maxSecret = 1024 // bytes of base32

var encoding32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseSecret reads a secret as other programs show it and as people type and paste it: base32 (RFC 4648, section 6) in
// upper or lower case, with or without padding; white space, dashes and quotation marks of any kind and invisible
// characters are left out. At least 128 bits (RFC 4226, R6), at most 1024 bytes of text.
//
// Bits after the last whole byte are ignored, as in every app: 26 letters drawn at random
// have two of them. A length that no number of bytes gives is refused, since a symbol was
// lost. [Key.Secret] writes the one canonical text.
//
// The error is [ErrSecret], or [ErrParams] for p. It may name the place of the first symbol that base32 does not have
// (0, 1, 8 and 9 among them), and repeats nothing of the secret.
func ParseSecret(secret string, p Params) (Key, error) {
	p, err := p.complete()
	if err != nil {
		return Key{}, err
	}
	return parseSecret(secret, p, minSecret)
}

// ReadSecret is [ParseSecret] for a secret that another system gave out, to take it over:
// it reads keys of 80 bits and more; those under 128 are [Key.Weak]. It refuses a secret
// that is an example from documentation with [ErrSample].
func ReadSecret(secret string, p Params) (Key, error) {
	p, err := p.complete()
	if err != nil {
		return Key{}, err
	}
	key, err := parseSecret(secret, p, minWeak)
	if key.Sample() { // not the zero Key
		return Key{}, ErrSample
	}
	return key, err
}

func parseSecret(secret string, p Params, least int) (Key, error) {
	m := new(material)
	raw, plain := decodePlain(m.room[:0], secret)
	if !plain {
		var err error
		if raw, err = decodeSecret(secret); err != nil {
			return Key{}, err
		}
	}
	return m.build(raw, p, least)
}

// decodePlain decodes a secret that is nothing but its letters and digits, as databases keep it, into dst where that has
// room. [decodeSecret] handles everything that it does not.
func decodePlain(dst []byte, secret string) (raw []byte, ok bool) {
	if n := len(secret) % 8; n == 1 || n == 3 || n == 6 || len(secret) > maxSecret {
		return nil, false
	}
	var bits, have uint
	for i := range len(secret) {
		value := symbols32[secret[i]]
		if value == noSymbol {
			return nil, false
		}
		bits = bits<<5 | uint(value)
		if have += 5; have >= 8 {
			have -= 8
			dst = append(dst, byte(bits>>have))
		}
	}
	return dst, true
}

// symbols32 are the values of base32's symbols, in both cases.
var symbols32 = func() (values [256]byte) {
	for i := range values {
		values[i] = noSymbol
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") {
		values[c] = byte(i)
		if c >= 'A' {
			values[c-'A'+'a'] = byte(i)
		}
	}
	return values
}()

const noSymbol = 0xff

// samples are secrets that documentation of libraries and services shows as an example,
// in their canonical text. People copy them along with the example code. The seeds of RFC
// 6238 are not among them: they are in every test.
var samples = map[string]bool{
	"JBSWY3DPEHPK3PXP":                 true, // the Key URI format, and most tutorials
	"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP": true, // the same, made long enough
	"HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ": true, // the Key URI format
	"BASE32SECRET3232":                 true, // pyotp
	"KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD": true, // otplib
	"OQB6ZZGYHCPSX4AK":                 true, // GoogleAuthenticator for PHP
	"GAXGGYT2OU2DEOJR":                 true, // totp.js
	"6SHYG3UENS2SH5SLHEY3DMH47SKVGQ5Y": true, // otpauth.js
	"MFRGGZDFMZTWQ2LK":                 true, // "abcdefghij", onetimepass
	"GEZDGNBVGY3TQOJQ":                 true, // "1234567890"
}

// Secret REVEALS the secret, as base32 in upper case without padding, for a user who has
// to type it. Anyone who sees it can make codes for ever: show it once, to its owner, and
// never log it. It is "" for the zero Key.
func (k Key) Secret() string {
	if k.IsZero() {
		return ""
	}
	return encoding32.EncodeToString(k.reveal().secret)
}

// decodeSecret refuses lengths that encoding/base32 accepts although no number of bytes
// gives them; a bare "A", for example, decodes to nothing.
func decodeSecret(secret string) ([]byte, error) {
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("%w: longer than 1024 bytes", ErrSecret)
	}
	text, err := typed.Append(make([]byte, 0, len(secret)), secret)
	if errors.Is(err, typed.ErrScripts) {
		return nil, fmt.Errorf("%w: %w", ErrSecret, err)
	}
	symbols := len(strings.TrimRight(string(text), "="))
	for i, c := range text[:symbols] {
		switch {
		case 'a' <= c && c <= 'z':
			text[i] = c - 'a' + 'A'
		case '0' <= c && c <= '9' && (c < '2' || c > '7'):
			return nil, fmt.Errorf("%w: symbol %d is 0, 1, 8 or 9, which base32 does not have", ErrSecret, i+1)
		case ('A' > c || c > 'Z') && ('2' > c || c > '7'):
			return nil, notBase32(i)
		}
	}
	if err != nil {
		return nil, notBase32(len(text))
	}
	switch symbols % 8 {
	case 1, 3, 6:
		return nil, fmt.Errorf("%w: no secret has %d symbols: one is missing, or there is one too many", ErrSecret, symbols)
	}
	raw, err := encoding32.DecodeString(string(text[:symbols]))
	if err != nil {
		return nil, fmt.Errorf("%w: not base32", ErrSecret) // without the decoder's own error, which quotes
	}
	return raw, nil
}

func notBase32(before int) error {
	return fmt.Errorf("%w: symbol %d is neither a letter of A to Z nor a digit of 2 to 7", ErrSecret, before+1)
}

// plainSecret reports whether a secret stands in a URI as one program writes it for another: in its one canonical text, but
// for the case, padding and grouping by ASCII spaces and hyphens. Two readers of a URI must not differ.
func plainSecret(secret string, k Key) bool {
	plain := strings.NewReplacer(" ", "", "-", "").Replace(strings.Trim(secret, " \t\r\n"))
	return upper(strings.TrimRight(plain, "=")) == k.Secret()
}

// upper is for ASCII: strings.ToUpper would turn U+017F and U+0131 into letters of the alphabet.
func upper(s string) string {
	text := []byte(s)
	for i, c := range text {
		if 'a' <= c && c <= 'z' {
			text[i] = c - 'a' + 'A'
		}
	}
	return string(text)
}
