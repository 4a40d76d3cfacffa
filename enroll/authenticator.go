package enroll

import (
	"crypto/rand"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/totp"
)

// Limits of one account.
const (
	// MaxAuthenticators is the largest number of live authenticators. Each one multiplies
	// the chance of a guess, so guesses are charged by their number.
	MaxAuthenticators = 5
	// CandidateLifetime is how long a candidate may be confirmed after [Enrollment.Begin].
	CandidateLifetime = 15 * time.Minute
	// MaxName is the longest name of an authenticator, in characters (runes).
	MaxName = 40
	// MaxWeak is the longest time that a weak key of an [Enrollment.Import] may be used.
	MaxWeak = 90 * 24 * time.Hour
)

// Authenticator is a live authenticator of an account. Printing or encoding it
// does not show the secret. The zero value belongs to nobody.
type Authenticator struct {
	ID   string    // random, unique; the ID that the candidate had
	Name string    // given by the person, cleaned, unique in the account
	Key  totp.Key  // the shared secret and its parameters
	Last totp.Step // the newest accepted time step; no step up to it is accepted again
	// Added is when it was confirmed or imported. Used is when it last showed a code; it
	// is zero for an imported one that has not shown a code here. UTC, whole
	// milliseconds.
	Added, Used time.Time
	// Until is when a key that is weak (totp.Key.Weak) ends; see [Enrollment.Import].
	// It is zero for all others. UTC, whole milliseconds.
	Until time.Time
}

// over reports whether a weak key has expired.
func (a Authenticator) over(at time.Time) bool { return !a.Until.IsZero() && !at.Before(a.Until) }

// Candidate is an authenticator that was offered and has not shown a code. It
// verifies nothing. Printing or encoding it does not show the secret.
type Candidate struct {
	ID    string    // random, unique; [Enrollment.Confirm] asks for it
	Name  string    // as in [Authenticator]
	Key   totp.Key  // for [NewOffer]
	Began time.Time // UTC, whole milliseconds
	Adds  bool      // when confirmed, adds to the live authenticators; otherwise it replaces them
}

// IsZero reports whether c is not a candidate at all.
func (c Candidate) IsZero() bool { return c.ID == "" }

// expired is also true for a candidate that began in the future: if the clock was
// wrong then, waiting for it to pass the 15 minutes could take a year.
func (c Candidate) expired(at time.Time) bool {
	age := at.Sub(c.Began)
	return age >= CandidateLifetime || age < -skew.Tolerance
}

// retired is an authenticator that was removed, kept for its last step: if the same
// secret is enrolled again, a person who saw a code must not use it a second time.
type retired struct {
	key   totp.Key
	last  totp.Step
	until time.Time
}

// maxAhead is how many steps ahead of the clock a window can reach.
const maxAhead = 4

// retiredAge returns how long a secret's last step is remembered: until no window can
// reach it. A window is at most five steps wide, so a step accepted at most four ahead of
// the clock is in reach for at most nine periods. A pair reaches one step further back,
// but its later code was not used yet.
func retiredAge(k totp.Key) time.Duration {
	return max(5*time.Minute, 9*k.Params().Period)
}

// maxRetired bounds what is remembered; the oldest goes first.
const maxRetired = 20

// newID draws an identifier of at least 128 random bits.
func newID() string { return rand.Text() }

const defaultName = "Authenticator"

// cleanName makes a name fit to be shown in a list and a log line. Bidirectional controls
// are removed too: with them a name could pose as another.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, name)
	name = cut(strings.Join(strings.Fields(name), " "), MaxName)
	if name == "" {
		return defaultName
	}
	return name
}

// uniqueName returns the cleaned name, with a number after it if an authenticator with
// another ID has that name.
func uniqueName(name, id string, others []Authenticator) string {
	name = cleanName(name)
	taken := func(s string) bool {
		for _, a := range others {
			if a.ID != id && strings.EqualFold(a.Name, s) {
				return true
			}
		}
		return false
	}
	unique := name
	for n := 2; taken(unique); n++ {
		number := " " + strconv.Itoa(n)
		unique = cut(name, MaxName-len(number)) + number
	}
	return unique
}

// cut returns the first n characters, without a space at the end.
func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		s = string(runes[:n])
	}
	return strings.TrimRight(s, " ")
}

// stamp returns a time as it is stored, so that a value and its decoded copy are the same.
func stamp(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }
