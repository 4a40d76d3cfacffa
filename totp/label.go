package totp

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest names, in bytes of UTF-8. An e-mail address has at most 254; longer issuers make QR codes that phones
// have trouble with.
const (
	maxIssuer  = 128
	maxAccount = 256
)

// Label is the text that an authenticator app shows next to the code. Codes do not depend
// on it.
type Label struct {
	Issuer  string // the service or organisation; at most 128 bytes. May be empty, but apps then cannot tell services apart
	Account string // the user's name there, such as an e-mail address; 1 to 256 bytes
}

// check refuses texts that could not be distinguished after a round trip through a URI,
// and texts that deceive a reader.
func (l Label) check() error {
	if l.Account == "" {
		return fmt.Errorf("%w: no account", ErrLabel)
	}
	if err := checkName("issuer", l.Issuer, maxIssuer); err != nil {
		return err
	}
	return checkName("account", l.Account, maxAccount)
}

// Clean returns the closest label that is accepted: a colon becomes a space, deceptive
// characters and white space around are removed, and a text that is too long is cut. The
// name is empty if nothing is left of it.
func (l Label) Clean() Label {
	return Label{Issuer: cleanName(l.Issuer, maxIssuer), Account: cleanName(l.Account, maxAccount)}
}

// cleanName removes everything that [checkName] refuses, and leaves a good name as it is.
func cleanName(name string, limit int) string {
	if len(name) <= limit && plainName(name) {
		return name
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == ':':
			return ' '
		case deceptive(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.TrimSpace(name)
	if len(name) > limit {
		for !utf8.RuneStart(name[limit]) {
			limit--
		}
		name = strings.TrimSpace(name[:limit])
	}
	return name
}

func checkName(what, name string, limit int) error {
	if len(name) <= limit && plainName(name) {
		return nil
	}
	switch {
	case len(name) > limit:
		return fmt.Errorf("%w: %s longer than %d bytes", ErrLabel, what, limit)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %s is not UTF-8", ErrLabel, what)
	case strings.Contains(name, ":"): // the separator, escaped or not: "Acme:Bank" would be Bank's account at Acme
		return fmt.Errorf("%w: %s contains a colon", ErrLabel, what)
	case strings.TrimSpace(name) != name: // the format lets readers drop spaces after the colon
		return fmt.Errorf("%w: %s begins or ends with white space", ErrLabel, what)
	case strings.ContainsFunc(name, deceptive):
		return fmt.Errorf("%w: %s contains control characters", ErrLabel, what)
	}
	return nil
}

// plainName reports whether a name is printable ASCII without a colon and without spaces around it, as most are.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == ':' {
			return false
		}
	}
	return name == "" || name[0] != ' ' && name[len(name)-1] != ' '
}

// deceptive reports whether r is a character that moves or reorders the text around it:
// line breaks and escapes forge log lines and terminal output, and bidirectional controls
// turn the name of one service into that of another on the user's screen.
func deceptive(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
