package phone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"
)

const (
	// Digits of an international number, the country code among them. ITU-T
	// E.164 §6.2.1 sets the most. The least is ours: whatever is shorter is a
	// service or emergency number, which is no one's phone.
	minDigits = 8
	maxDigits = 15

	maxNumberInput = 40 // bytes; looked at before any work
)

// ErrNumber is what every error of [ParseNumber] is. Its text says what to write
// instead, and never quotes the input.
var ErrNumber = errors.New("phone: not an international telephone number")

// A Number is a telephone number in the international form of ITU-T E.164,
// "+" and 8 to 15 digits. It prints masked, as "+43 ••• ••12", wherever it is
// printed; [Number.E164] is the way to the digits. Numbers compare with == and
// can be keys of maps. The zero Number is no one's.
type Number struct {
	// A handle, because fmt walks into the unexported fields of anybody's
	// struct without asking String, and finds an address here.
	e164 unique.Handle[string]
}

// ParseNumber reads a number as people write it: "+43 660 123-4567",
// "0043 660 1234567", "+1 (212) 555-0123". It takes ASCII digits, spaces,
// hyphens and pairs of parentheses, after "+" or the international prefix "00".
//
// It guesses nothing, because a wrong guess sends a code to a stranger: a number
// without its country is refused, and so is a zero in parentheses, as in
// "+44 (0)20", which is dialled in some countries and not in others. Refused as
// well is what networks may take for another number than it says: a zero after the
// country code, but for the few countries whose numbers begin with one, and other
// than ten digits after +1 and +7. Errors are [ErrNumber].
func ParseNumber(s string) (Number, error) {
	n, err := parse(s)
	if err == nil {
		err = n.planned()
	}
	if err != nil {
		return Number{}, err
	}
	return n, nil
}

// parse reads what any version has accepted: an account must stay readable, also
// when its number would be refused today.
func parse(s string) (Number, error) {
	if len(s) > maxNumberInput {
		return Number{}, notNumber("it is too long")
	}
	s = strings.Trim(s, " ")
	rest, international := strings.CutPrefix(s, "+")
	if !international {
		rest, international = strings.CutPrefix(s, "00")
	}
	if !international {
		return Number{}, notNumber("write it with + and the country code, as in +43 660 1234567")
	}
	digits, err := digitsOf(rest)
	switch {
	case err != nil:
		return Number{}, err
	case strings.HasPrefix(digits, "0"):
		return Number{}, notNumber("no country code begins with 0")
	case len(digits) < minDigits || len(digits) > maxDigits:
		return Number{}, notNumber(fmt.Sprintf("it has %d digits, not %d to %d", len(digits), minDigits, maxDigits))
	}
	return Number{unique.Make("+" + digits)}, nil
}

// planned refuses a second spelling. Gateways mend "+44 070…" and exchanges stop
// listening after the tenth digit of +1: such a number is under none of the
// limits of the one that it reaches, and no destination that is refused.
func (n Number) planned() error {
	country := n.Country()
	national := n.E164()[len(country):]
	switch {
	case national[0] == '0' && !strings.Contains(zeroCountries, country+" "):
		return notNumber("leave out the 0 after the country code")
	case (country == "+1" || country == "+7") && len(national) != 10:
		return notNumber("after " + country + " come ten digits")
	case country == "+1" && national[0] == '1':
		return notNumber("no area code begins with 1")
	}
	return nil
}

// The countries in which the number of a phone may begin with 0, and which dial no
// 0 before it: Italy, Ivory Coast, Burkina Faso, Benin, Congo, San Marino,
// satellites and Tajikistan, after the plans that libphonenumber 9 has. In all
// others a 0 is dialled before the number within the country, or there is none.
const zeroCountries = "+39 +225 +226 +229 +242 +378 +881 +992 "

// digitsOf drops what people put between the digits.
func digitsOf(s string) (string, error) {
	digits := make([]byte, 0, maxNumberInput)
	group := -1 // where the open parenthesis began, in digits
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
		case c == ' ' || c == '-':
		case c == '(' && group < 0:
			group = len(digits)
		case c == ')' && group >= 0 && group < len(digits):
			if digits[group] == '0' {
				return "", notNumber("leave out the part in parentheses that begins with 0")
			}
			group = -1
		case c == '(' || c == ')':
			return "", notNumber("its parentheses are not in pairs around digits")
		default:
			return "", notNumber("it may have digits, spaces, hyphens and parentheses")
		}
	}
	if group >= 0 {
		return "", notNumber("its parentheses are not in pairs around digits")
	}
	return string(digits), nil
}

func notNumber(why string) error { return fmt.Errorf("%w: %s", ErrNumber, why) }

// IsZero reports whether n is no number at all.
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns the number itself, "+" and digits; "" for the zero Number. It is
// personal data, and whoever shows it to a thief with the password has told
// whose phone to take over.
func (n Number) E164() string {
	if n.IsZero() {
		return ""
	}
	return n.e164.Value()
}

// Country returns the country code with its "+", as ITU-T E.164 assigns it:
// "+43". It is "" for the zero Number. Some codes are shared: "+1" is 25
// countries.
func (n Number) Country() string {
	digits := strings.TrimPrefix(n.E164(), "+")
	switch {
	case digits == "":
		return ""
	case digits[0] == '1' || digits[0] == '7':
		return "+" + digits[:1]
	case strings.Contains(twoDigitCodes, " "+digits[:2]+" "):
		return "+" + digits[:2]
	}
	return "+" + digits[:3]
}

// The country codes of two digits. All others have three but 1 and 7.
const twoDigitCodes = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58" +
	" 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// Prefix returns what numbers of one place and price have in common, for
// limits: the country code, and under "+1" the area code too ("+1876" is
// Jamaica). It is "" for the zero Number. Who pumps messages to numbers that
// pay him buys those in blocks.
func (n Number) Prefix() string {
	const areaCode = 3
	country := n.Country()
	if country == "+1" {
		return n.E164()[:len(country)+areaCode]
	}
	return country
}

// String returns the number masked: its country code and its last two digits,
// always with as many dots, so that the length is not told.
func (n Number) String() string {
	if n.IsZero() {
		return "no number"
	}
	e164 := n.E164()
	return n.Country() + " ••• ••" + e164[len(e164)-2:]
}

// Format prints [Number.String] for every verb and flag.
func (n Number) Format(f fmt.State, _ rune) { io.WriteString(f, n.String()) }

// LogValue returns [Number.String].
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText returns [Number.String], for pages and logs. A Number cannot be
// read back from it: store n.E164().
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
