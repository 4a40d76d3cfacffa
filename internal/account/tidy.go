package account

import (
	"bytes"
	"errors"
	"time"
)

// Tidy drops expired parts and the counts of messages that a limit of this length has
// stopped needing. It reports whether there were any, and whether nothing is left.
// Readers see no change: each read ignores the same parts.
func (a *Account) Tidy(at time.Time, longest time.Duration) (changed, empty bool, err error) {
	before, unwritten := encode(a)
	a.Prune(at)
	if !a.Sends.Needed(at, longest) {
		a.Sends = Account{}.Sends
	}
	after, err := encode(a)
	nothing, none := encode(&Account{format: a.format})
	return !bytes.Equal(before, after), bytes.Equal(after, nothing), errors.Join(unwritten, err, none)
}
