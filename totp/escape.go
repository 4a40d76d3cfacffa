package totp

import "strings"

// The percent-encoding of RFC 3986, by hand: net/url writes a space as "+", which several apps show as it is, and leaves
// "&" and "=" alone where a path is meant, with which an issuer can bring a secret of its own into the URI.

// appendEscaped leaves only unreserved characters (RFC 3986, section 2.3), so that a
// value cannot break out of its place.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&0x0f])
		}
	}
	return dst
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// Besides unreserved characters, these may be unescaped: in the path those of RFC 3986,
// section 3.3; in a query value those without "&", and without "+" and ";", which half of
// all readers take for a space and a separator.
const (
	inPath  = "!$&'()*+,;=:@/"
	inQuery = "!$'()*,=:@/?"
)

// unescape is strict: a "%" has two hexadecimal digits after it, and any other character is unreserved or in allowed.
func unescape(s, allowed string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, ok1 := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			b.WriteByte(high<<4 | low)
			i += 2
		case unreserved(c) || strings.IndexByte(allowed, c) >= 0:
			b.WriteByte(c)
		default:
			return "", false
		}
	}
	return b.String(), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
