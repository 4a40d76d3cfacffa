// Package typed reads the spellings in which people type and paste codes, secrets and
// telephone numbers. It is the one table that every parser of this module shares, so that
// a code is read in the same way wherever it is asked for. It is pure, and it reads each
// input as one text: accepting a spelling never means a second guess.
//
// The characters that it leaves out are between or around the symbols and have no
// meaning:
//
//   - white space of any kind, line ends among it: pasted lines, no-break and
//     thin spaces of a formatted page;
//   - dashes of any kind, soft hyphens and Japanese long marks, which keyboards
//     put where a hyphen is meant;
//   - quotation marks, and the marks of a list;
//   - invisible characters: zero-width characters, byte order marks, marks of the
//     reading direction, variation selectors;
//   - one full stop or comma at the end, of a sentence that was copied with the
//     code.
//
// It reads full-width letters and signs as ASCII, and the decimal digits of any script of
// Unicode, as long as a text has digits of one script only. Nothing else is guessed: a
// letter of another script that looks like an ASCII letter, a superscript and a control
// character are refused.
package typed

import (
	"errors"
	"unicode"
	"unicode/utf8"
)

// Max is the largest length in bytes of a code or a number that is read. A recovery code
// in full-width letters, numbered and with dashes between, has some 80.
const Max = 128

// Errors with which [Append] refuses. Both are returned unwrapped, so that a refusal
// allocates nothing.
var (
	// ErrCharacter means that the text has a character that no code, secret or
	// number has.
	ErrCharacter = errors.New("a character that does not belong there")
	// ErrScripts means that the text has digits of two scripts.
	ErrScripts = errors.New("digits of two scripts")
)

// Append appends the content of s to dst: letters as they are, digits and signs, all of
// them printable ASCII without spaces, hyphens and quotation marks. With an error it
// returns the part before the unreadable character. It does not allocate if dst has room
// for len(s) bytes.
func Append(dst []byte, s string) ([]byte, error) {
	start := len(dst)
	zero := rune(-1) // the zero of the script whose digits were seen
	for _, r := range s {
		if z, ok := zeroOf(r); ok {
			if zero >= 0 && z != zero {
				return dst, ErrScripts
			}
			zero = z
			dst = append(dst, byte('0'+r-z))
			continue
		}
		if '！' <= r && r <= '～' { // the full-width forms have the order of ASCII
			r -= '！' - '!'
		}
		if meaningless(r) {
			continue
		}
		if r <= ' ' || r >= utf8.RuneSelf-1 {
			return dst, ErrCharacter
		}
		dst = append(dst, byte(r))
	}
	if n := len(dst); n > start && (dst[n-1] == '.' || dst[n-1] == ',') {
		dst = dst[:n-1]
	}
	return dst, nil
}

// meaningless reports whether r is left out.
func meaningless(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r == ' ' || '\t' <= r && r <= '\r' || r == '-' || r == '\'' || r == '"' || r == '`'
	case r == 'ー' || r == 'ｰ': // Japanese keyboards have these in the place of the hyphen
		return true
	case r == '´' || r == '′' || r == '″': // typed in place of quotation marks
		return true
	case r == '·' || r == '•' || r == '‣' || r == '⁃' || r == '●' || r == '○' || r == '◦' || r == '▪':
		return true
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // of the category Cf, but visible
		return false
	}
	return unicode.In(r, unicode.White_Space, unicode.Dash, unicode.Quotation_Mark,
		unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// zeroOf returns the zero of the script of a decimal digit. Unicode gives the ten digits
// of a script consecutive code points, in their order, and ranges of the category Nd
// consist of whole scripts.
func zeroOf(r rune) (rune, bool) {
	if r < utf8.RuneSelf {
		return '0', '0' <= r && r <= '9'
	}
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return r - (r-rune(in.Lo))%10, true
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return r - (r-rune(in.Lo))%10, true
		}
	}
	return 0, false
}
