package phone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unique"

	"github.com/totpflow/totpflow/internal/typed"
)

const (
	// Digits of an international number, including the country code. ITU-T E.164 §6.2.1
	// sets the maximum. The minimum is ours: a shorter number is a service or emergency
	// number and not a person's phone.
	minDigits = 8
	maxDigits = 15
)

// ErrNumber is wrapped by every error of [ParseNumber]. The text says what to write
// instead, and never quotes the input.
var ErrNumber = errors.New("phone: not an international telephone number")

// A Number is a telephone number in the international form of ITU-T E.164,
// "+" and 8 to 15 digits. It prints masked, as "+43 ••• ••12", wherever it is
// printed; only [Number.E164] returns the digits. Numbers can be keys of maps and be
// compared with ==; [Number.Same] reports whether two of them are one phone. The zero
// Number belongs to nobody.
type Number struct {
	// A handle, because fmt walks into the unexported fields of a caller's struct without
	// calling String. Here it finds only an address.
	e164 unique.Handle[string]
}

// ParseNumber reads a number as people write and paste it: "+43 660 123-4567",
// "0043 660 1234567", "+1 (212) 555-0123", "(+43) 660/1234567",
// "tel:+43.660.1234567". It accepts digits of any one script after "+" or the
// international prefix "00", and leaves out white space, dashes and quotation marks
// of any kind, invisible characters, and pairs of parentheses, a slash and full
// stops between digits.
//
// It guesses nothing, because a wrong guess sends a code to a stranger: a number
// without its country is refused, and so is a zero in parentheses, as in
// "+44 (0)20", which is dialled in some countries and not in others. It also refuses a
// number that networks may treat as another number: a zero after the country code, but
// for the few countries whose numbers begin with one, and, after +1, +7, +52, +54 and
// +229, a wrong count of digits. Two numbers after one slash are refused.
//
// Two countries have changed their numbers and still accept the old ones. Old numbers are
// read as the new ones, so that a phone has only one number here: "+52 1 55…" is "+52
// 55…", and "+229 97…" is "+229 01 97…". See [Number.Canonical] for Argentina.
// Errors are [ErrNumber].
func ParseNumber(s string) (Number, error) {
	n, err := parse(s)
	if err != nil {
		return Number{}, err
	}
	return n.planned()
}

// parse reads what any version has accepted: an account must stay readable, also
// when its number would be refused today.
func parse(s string) (Number, error) {
	if len(s) > typed.Max {
		return Number{}, notNumber("it is too long")
	}
	var room [typed.Max]byte
	text, err := typed.Append(room[:0], s)
	switch {
	case errors.Is(err, typed.ErrScripts):
		return Number{}, notNumber("it has digits of two scripts")
	case err != nil:
		return Number{}, errSigns
	}
	rest, international := international(string(text))
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

// international cuts off the sign that a country code follows. The sign may stand
// in the parentheses of the country code, as in "(+43)".
func international(s string) (rest string, ok bool) {
	if len(s) > len(telScheme) && strings.EqualFold(s[:len(telScheme)], telScheme) {
		s = s[len(telScheme):]
	}
	if inside, ok := strings.CutPrefix(s, "("); ok && (strings.HasPrefix(inside, "+") || strings.HasPrefix(inside, "00")) {
		country, number, paired := strings.Cut(inside, ")")
		if !paired {
			return s, true // digitsOf refuses it
		}
		s = country + number
	}
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "00")
}

const telScheme = "tel:" // RFC 3966

// planned refuses a second spelling, or reads it as the first. Gateways mend
// "+44 070…" and exchanges stop listening after the tenth digit of +1: such a number
// would escape the limits of the one that it reaches, and the list of refused
// destinations.
func (n Number) planned() (Number, error) {
	country := n.Country()
	national := n.E164()[len(country):]
	if national[0] == '0' && !strings.Contains(zeroCountries, country+" ") {
		return Number{}, notNumber("leave out the 0 after the country code")
	}
	plan, fits := "", true
	switch country {
	case "+1", "+7":
		plan, fits = "ten digits", len(national) == 10
	case "+52": // until 2019 a 1 came before the number of a mobile phone
		if len(national) == 11 && national[0] == '1' {
			national = national[1:]
		}
		plan, fits = "ten digits, the first of them 2 to 9", len(national) == 10 && national[0] >= '2'
	case "+229": // since 2024 a 01 comes before the former eight digits
		if len(national) == 8 {
			national = "01" + national
		}
		plan, fits = "01 and eight digits", len(national) == 10 && strings.HasPrefix(national, "01")
	case "+54": // 9 is for mobile phones called from abroad, 15 for those called from within
		plan = "ten digits, with a 9 before them for a mobile phone, and without 15"
		fits = len(national) == 10 && national[0] != '9' || len(national) == 11 && national[0] == '9' && national[1] != '0'
	}
	switch {
	case !fits:
		return Number{}, notNumber("after " + country + " come " + plan)
	case country == "+1" && national[0] == '1':
		return Number{}, notNumber("no area code begins with 1")
	}
	return Number{unique.Make(country + national)}, nil
}

// Canonical returns the one number, "+" and digits, under which limits and
// comparisons count the phone that n reaches; "" for the zero Number. It is
// [Number.E164] but in Argentina, where a mobile phone is written with a 9 after
// the country code and often reached without it. E164 keeps the number as typed, since
// providers differ in which of the two a message or a call needs.
func (n Number) Canonical() string {
	const mobile = "+549"
	e164 := n.E164()
	if len(e164) == len(mobile)+10 && strings.HasPrefix(e164, mobile) {
		return "+54" + e164[len(mobile):]
	}
	return e164
}

// Same reports whether both numbers reach the same phone. The zero Number does not reach
// any.
func (n Number) Same(other Number) bool {
	return !n.IsZero() && n.Canonical() == other.Canonical()
}

// The countries in which the number of a phone may begin with 0, and which dial no
// 0 before it: Italy, Ivory Coast, Burkina Faso, Benin, Congo, San Marino,
// satellites and Tajikistan, after the plans that libphonenumber 9 has. In all
// others a 0 is dialled before the number within the country, or there is none.
const zeroCountries = "+39 +225 +226 +229 +242 +378 +881 +992 "

// digitsOf drops what people put between the digits.
func digitsOf(s string) (string, error) {
	digits := make([]byte, 0, len(s))
	group := -1 // where the open parenthesis began, in digits
	slash := -1 // where the slash stood, in digits
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
		case c == '(' && group < 0:
			group = len(digits)
		case c == ')' && group >= 0 && group < len(digits):
			if digits[group] == '0' {
				return "", notNumber("leave out the part in parentheses that begins with 0")
			}
			group = -1
		case c == '(' || c == ')':
			return "", errPairs
		case c == '.' && between(s, i):
		case c == '/' && between(s, i) && slash < 0:
			slash = len(digits)
		default:
			return "", errSigns
		}
	}
	switch {
	case group >= 0:
		return "", errPairs
	case slash >= 0 && len(digits)-slash < minAfterSlash:
		return "", notNumber("after a slash comes the rest of the number; write one number, without an extension")
	}
	return string(digits), nil
}

// minAfterSlash tells "+49 30/1234567", where the slash ends the area code, from
// "+49 30 1234567/68", which are two numbers.
const minAfterSlash = 5

// between reports whether the sign at i stands between digits, or groups of them
// in parentheses.
func between(s string, i int) bool {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	return i > 0 && i+1 < len(s) && (digit(s[i-1]) || s[i-1] == ')') && (digit(s[i+1]) || s[i+1] == '(')
}

var (
	errPairs = notNumber("its parentheses are not in pairs around digits")
	errSigns = notNumber("it may have digits, spaces, hyphens, full stops, a slash and parentheses")
)

func notNumber(why string) error { return fmt.Errorf("%w: %s", ErrNumber, why) }

// IsZero reports whether n is not a number at all.
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns the number itself, "+" and digits; "" for the zero Number. It is personal
// data: a thief who has the password and sees the number knows which phone to take over.
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

// Prefix returns the common prefix of numbers of one place and price, for limits: the
// country code, and under "+1" the area code too ("+1876" is Jamaica). It is "" for the
// zero Number. Fraudsters who have messages sent to numbers that pay them buy such
// numbers in blocks.
func (n Number) Prefix() string {
	const areaCode = 3
	country := n.Country()
	if country == "+1" {
		return n.E164()[:len(country)+areaCode]
	}
	return country
}

// String returns the number masked: its country code and its last two digits,
// always with the same number of dots, so that it does not show the length.
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
