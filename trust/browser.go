package trust

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxBrowsers is the number of trusted browsers of one account. [Remember] drops the
// oldest beyond it.
const MaxBrowsers = 20

// maxLabel is the length of a label in bytes.
const maxLabel = 80

// defaultLabel replaces a label of which cleaning leaves nothing.
const defaultLabel = "Browser"

// Browser is the account's record of a trusted browser. It may be shown to its owner or
// end up in a dump: the token cannot be made from it. Store a list of them with [Encode],
// or each field in a column of its own.
type Browser struct {
	ID     string    // 16 random bytes, lower-case hex; names it for [Revoke]
	Label  string    // the name by which the owner recognises it, cleaned by [Issue]
	Hash   string    // SHA-256 of the token's 256-bit secret, lower-case hex
	Issued time.Time // whole seconds, UTC; the age counts from here
	Seen   time.Time // last use, as far as the caller keeps it, in whole seconds; zero: never
}

// Remember returns known with b in it, which replaces a browser of the same id
// at its place and otherwise is added last. If there would be more than [MaxBrowsers],
// the ones issued first are dropped, but never b, whose token is on its way to the
// browser. The slice known is not changed.
func Remember(known []Browser, b Browser) []Browser {
	if i := slices.IndexFunc(known, func(k Browser) bool { return k.ID == b.ID }); i >= 0 {
		next := slices.Clone(known)
		next[i] = b
		return next
	}
	next := make([]Browser, len(known), len(known)+1)
	copy(next, known)
	for len(next) >= MaxBrowsers {
		oldest := 0
		for i := range next {
			if next[i].Issued.Before(next[oldest].Issued) {
				oldest = i
			}
		}
		next = slices.Delete(next, oldest, oldest+1)
	}
	return append(next, b)
}

// Revoke returns known without the browser with this id, and whether it was there. Its
// token is refused as soon as the result is stored. To revoke all, store nil. The slice
// known is not changed.
func Revoke(known []Browser, id string) ([]Browser, bool) {
	next := make([]Browser, 0, len(known))
	for _, b := range known {
		if b.ID != id {
			next = append(next, b)
		}
	}
	return next, len(next) < len(known)
}

// cleanLabel makes a label safe to print in a page, a mail or a terminal. It
// often comes from a User-Agent header, and so from anyone who is signing in.
// Dropped are control characters (a line break would forge a log line, an escape
// sequence drive a terminal), invalid UTF-8, and the invisible characters that
// turn the reading direction around; white space becomes single spaces.
func cleanLabel(s string) string {
	// Bytes far beyond the limit are not even looked at.
	s = s[:min(len(s), 16*maxLabel)]
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case !unicode.IsPrint(r):
			continue
		}
		n := utf8.RuneLen(r)
		if space {
			n++
		}
		if b.Len()+n > maxLabel {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return defaultLabel
	}
	return b.String()
}
