package importfile

import (
	"encoding/base32"
	"regexp"
	"strings"
	"unicode"
)

// The forms in which a secret is found, in the words of an error.
const (
	formExport = "a Google export"
	formURI    = "an otpauth URI"
	formSteam  = "a Steam secret"
	formHex    = "hex"
	formBase32 = "base32"
	formBase64 = "base64"
	formRandom = "random text"
	formText   = "text, with what may be an id for its secret"
)

// How many symbols make a text a secret of 80 bits.
const (
	leastHex    = 20
	leastBase32 = 16
	leastRandom = 16
	leastText   = 16 // bytes, each of them a letter
)

var (
	uuid    = regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$`)
	address = regexp.MustCompile(`^([\pL\pN._%+'-]+)@(?:[\pL\pN-]+\.)+\pL[\pL\pN-]+$`)
	hexText = regexp.MustCompile(`(?i)^(0x)?[0-9a-f]+$`)
	text32  = regexp.MustCompile(`(?i)^[a-z2-7]+=*$`)
	text64  = regexp.MustCompile(`^[A-Za-z0-9+/_-]+={0,2}$`)
	words   = regexp.MustCompile(`^\pL+(?:[._ '-]\pL+)*\pN{0,4}$`)
	between = regexp.MustCompile(`[\s:-]+`)
)

// formOf returns the form of secret that a text looks like, and "" for a text that looks
// like a name, a number, an address or a UUID. It errs towards secrets: a list has the
// kinds of ids that look like one and are not.
func formOf(s string) string {
	s = strings.TrimSpace(s)
	lower := strings.ToLower(s)
	switch {
	case strings.Contains(lower, "otpauth-migration:"):
		return formExport
	case strings.Contains(lower, "otpauth:"), strings.Contains(lower, "secret="):
		return formURI
	case strings.Contains(lower, "steam:"):
		return formSteam
	case uuid.MatchString(s):
		return ""
	}
	if m := address.FindStringSubmatch(s); m != nil {
		if f := formOf(m[1]); f == formHex || f == formBase32 && hasDigit(m[1]) {
			return f
		}
		return ""
	}
	plain := compact(s)
	switch digits := hexDigits(plain); {
	case digits >= leastHex:
		return formHex
	case text32.MatchString(plain) && len(strings.TrimRight(plain, "=")) >= leastBase32 && (oneCase(plain) || hasDigit(plain)):
		return formBase32
	case len(plain) >= leastRandom && text64.MatchString(plain) && (strings.HasSuffix(plain, "=") || changes(plain) > 3):
		return formBase64
	case random(s):
		return formRandom
	}
	return ""
}

// formOfName is formOf for the name of an authenticator, which may be a long word. It is
// not printed here.
func formOfName(s string) string {
	form := formOf(s)
	if form == formBase32 && !hasDigit(s) && strings.ToUpper(s) != s {
		return ""
	}
	return form
}

// oneCase reports whether all letters are capitals, or none, as in base32. Words that
// are joined to a name begin with capitals.
func oneCase(s string) bool { return strings.ToUpper(s) == s || strings.ToLower(s) == s }

// hasDigit reports whether a text of base32 has one of its digits, as nearly all do: 96
// in 100 of those with 16 symbols.
func hasDigit(s string) bool { return strings.ContainsAny(s, "234567") }

// compact drops the separators between groups of the same length: secrets are grouped
// like this, and names are not.
func compact(s string) string {
	groups := between.Split(s, -1)
	for i, g := range groups {
		if len(g) > 8 || len(g) > len(groups[0]) || len(g) < len(groups[0]) && i < len(groups)-1 {
			return s
		}
	}
	return strings.Join(groups, "")
}

// hexDigits returns how many digits a text of hexadecimal has, and 0 for others.
func hexDigits(s string) int {
	if !hexText.MatchString(s) {
		return 0
	}
	return len(strings.TrimPrefix(strings.ToLower(s), "0x"))
}

// random reports whether a text has something that neither names nor ids of words and
// numbers have: signs of passwords, or a long run that changes between letters and
// digits.
func random(s string) bool {
	if len(s) >= leastRandom && strings.ContainsAny(s, "!$%^*{}[]<>?;~`\"") {
		return true
	}
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(run) >= leastRandom && (changes(run) > 3 || hexDigits(run) >= leastHex || text32.MatchString(run) && hasDigit(run)) {
			return true
		}
	}
	return false
}

// changes counts how often a text changes between small letters, capitals and
// digits. A capital before a small letter begins a word.
func changes(s string) (n int) {
	var last, before rune
	for _, r := range s {
		class := 'a'
		switch {
		case unicode.IsDigit(r):
			class = '0'
		case unicode.IsUpper(r):
			class = 'A'
		}
		switch {
		case last == 0, class == last, last == 'A' && class == 'a' && before != 'A':
		case last == 'A' && class == 'a':
			n += 2 // several capitals before a small letter begin no word
		default:
			n++
		}
		last, before = class, last
	}
	return n
}

// ambiguous returns the two encodings that a secret may be in, which give two keys.
func ambiguous(s string) string {
	plain := compact(strings.TrimSpace(s))
	if n := hexDigits(plain); n >= leastHex && n%2 == 0 && text32.MatchString(plain) {
		return "hex or base32?"
	}
	if text32.MatchString(plain) && !oneCase(plain) {
		return "base32 or base64?"
	}
	return ""
}

// likeAnID reports whether a secret looks like the ids that crypto/rand.Text makes: 26
// symbols.
func likeAnID(s string) bool {
	s = strings.TrimSpace(s)
	_, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(s))
	return len(s) == 26 && err == nil
}

// isName reports whether a text is an id of the usual kinds: an address, a UUID, or
// the names of a person.
func isName(s string) bool {
	return address.MatchString(s) || uuid.MatchString(s) || words.MatchString(s)
}
