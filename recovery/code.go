package recovery

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/internal/typed"
)

const (
	symbols    = 16 // each has 5 bits
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
// case. It reads what people type and paste: it ignores case, reads the letter O as 0 and
// I and L as 1, and leaves out white space, dashes and quotation marks of any kind,
// invisible characters, a full stop or comma at the end, and the number or mark of a line
// ("12.", "3)", "*"), as [Sheet.Text] writes them before each code. It returns
// [ErrMalformed] for anything else and for more than 128 bytes. The error says why, and
// quotes nothing. Two codes that [New] made never have the same spelling.
func Normalize(code string) (string, error) {
	if len(code) > typed.Max {
		return "", malformed("it is too long")
	}
	var room [typed.Max]byte
	text, err := typed.Append(room[:0], code)
	if errors.Is(err, typed.ErrScripts) {
		return "", malformed("it has digits of two scripts")
	}
	text = unnumbered(text)
	plain := make([]byte, 0, symbols)
	for i, c := range text {
		c, ok := symbol(c)
		if !ok {
			return "", notSymbol(i)
		}
		plain = append(plain, c)
	}
	switch {
	case err != nil:
		return "", notSymbol(len(text))
	case len(plain) == 2*symbols:
		return "", malformed("it looks like two codes, enter one")
	case len(plain) != symbols:
		return "", malformed(fmt.Sprintf("it has %d letters and digits, not %d", len(plain), symbols))
	}
	return group(string(plain)), nil
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

func notSymbol(before int) error {
	return malformed(fmt.Sprintf("character %d does not belong to a code, without the number of the line", before+1))
}

// unnumbered drops the number or the mark of a line: one or two digits with a full
// stop or a closing parenthesis after them, or a star. Codes do not contain these
// characters, so no part of a code is cut.
func unnumbered(text []byte) []byte {
	if len(text) > 0 && text[0] == '*' {
		return text[1:]
	}
	digits := 0
	for digits < len(text) && digits < 2 && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	signs := digits
	for signs < len(text) && signs < digits+2 && (text[signs] == '.' || text[signs] == ')') {
		signs++
	}
	if digits == 0 || signs == digits {
		return text
	}
	return text[signs:]
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
