package event

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest text of each field, in bytes. A longer one could push the account's
// record over the store's limit, which locks its owner out.
const (
	maxID      = 3 * 190 // tenant and user: as long as a store takes, and U+FFFD for each byte
	maxActor   = 190
	maxWord    = 64 // reason, method, action, names, ids
	maxKind    = 32
	maxAddress = 64
	maxAgent   = 192
)

// clean returns at most limit bytes of s, with every unprintable character replaced by
// U+FFFD. It replaces rather than drops: "ad<U+202E>min" must not become "admin" in a log
// (UTR 36 §3.5).
func clean(s string, limit int) string {
	if isClean(s, limit) {
		return s
	}
	var b strings.Builder
	for _, r := range s { // invalid bytes arrive as U+FFFD
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		limit -= utf8.RuneLen(r)
		if limit < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isClean(s string, limit int) bool {
	for _, r := range s {
		limit -= utf8.RuneLen(r)
		if limit < 0 || !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}
