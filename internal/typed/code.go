package typed

import "errors"

// The reasons why a text is not a code of a given number of digits. None of these errors
// quotes the text.
var (
	ErrLong      = errors.New("too long")
	ErrFew       = errors.New("too few digits")
	ErrMany      = errors.New("too many digits")
	ErrNotDigits = errors.New("a character that is not a digit")
)

// Reasons returns every error of this package, for callers that wrap them
// beforehand.
func Reasons() []error {
	return []error{ErrCharacter, ErrScripts, ErrLong, ErrFew, ErrMany, ErrNotDigits}
}

// Digits appends to dst the digits of a code that has exactly n of them. The error is one
// of this package's, and says why s is not such a code; with an error dst is returned as
// it was given. If a text is wrong in several ways, the error names the first that is
// found.
func Digits(dst []byte, s string, n int) ([]byte, error) {
	if len(s) > Max {
		return dst, ErrLong
	}
	start := len(dst)
	text, err := Append(dst, s)
	if err != nil {
		return dst, err
	}
	for _, c := range text[start:] {
		if c < '0' || c > '9' {
			return dst, ErrNotDigits
		}
	}
	switch got := len(text) - start; {
	case got < n:
		return dst, ErrFew
	case got > n:
		return dst, ErrMany
	}
	return text, nil
}
