package recovery

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
)

const (
	symbols    = 16 // of 5 bits each
	maxInput   = 64 // bytes; looked at before any work
	codeLength = symbols + symbols/4 - 1
)

// ErrMalformed means that the input cannot be a code. Nothing was guessed, so
// it need not be counted.
var ErrMalformed = errors.New("recovery: not a recovery code")

// crockford has no I, L, O, which are read as 1 and 0, and no U, which makes
// words (https://www.crockford.com/base32.html). Five bits fill a symbol
// exactly: no symbol is likelier than another.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func newCode() string {
	var raw [symbols * 5 / 8]byte
	rand.Read(raw[:]) // never fails, by its contract
	return group(crockford.EncodeToString(raw[:]))
}

func group(s string) string {
	out := make([]byte, 0, codeLength)
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			out = append(out, '-')
		}
		out = append(out, s[i])
	}
	return string(out)
}

// Normalize returns the one spelling of a code, "XXXX-XXXX-XXXX-XXXX" in upper
// case. It drops ASCII spaces and hyphens, reads the letter O as 0 and I and L
// as 1, and knows no case. It returns [ErrMalformed] for anything else and for
// more than 64 bytes. Two codes that [New] made never have the same spelling.
func Normalize(code string) (string, error) {
	if len(code) > maxInput {
		return "", ErrMalformed
	}
	plain := make([]byte, 0, maxInput)
	for i := range len(code) {
		if code[i] == ' ' || code[i] == '-' {
			continue
		}
		c, ok := symbol(code[i])
		if !ok {
			return "", ErrMalformed
		}
		plain = append(plain, c)
	}
	if len(plain) != symbols {
		return "", ErrMalformed
	}
	return group(string(plain)), nil
}

func symbol(c byte) (byte, bool) {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch {
	case c == 'O':
		return '0', true
	case c == 'I' || c == 'L':
		return '1', true
	case c == 'U':
		return 0, false
	}
	return c, '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}
