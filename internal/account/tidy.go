package account

import (
	"bytes"
	"time"
)

// Tidy drops what has expired and the counts of messages that no limit of this length
// needs any more. It reports whether there was any, and whether nothing at all is left.
// What a reader sees does not change: each read leaves the same things out.
func (a *Account) Tidy(at time.Time, longest time.Duration) (changed, empty bool, err error) {
	before, err := encode(a)
	if err != nil {
		return false, false, err
	}
	a.Prune(at)
	if !a.Sends.Needed(at, longest) {
		a.Sends = Account{}.Sends
	}
	after, err := encode(a)
	if err != nil {
		return false, false, err
	}
	nothing, err := encode(&Account{})
	return !bytes.Equal(before, after), bytes.Equal(after, nothing), err
}
