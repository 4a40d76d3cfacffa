package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrDestination means that messages are not sent to numbers with this prefix.
var ErrDestination = errors.New("phone: no messages to this destination")

// Destinations lists where messages may go. The zero Destinations allows all prefixes
// except those that belong neither to a country nor to an everyday phone: satellites,
// shared cost and premium rates ([ExpensivePrefixes]). National premium numbers differ by
// country and are not known here. A host that serves few countries should name them in
// Only: that is the best defence against attackers who request messages to numbers that
// pay them.
type Destinations struct {
	// Only, when not empty, lists the prefixes that may be sent to, such as "+43" or
	// "+1876". An expensive prefix that is listed here, whole or in part, is allowed.
	Only []string
	// Except lists prefixes that may not be sent to, even if Only names them.
	Except []string
}

// ExpensivePrefixes returns the prefixes that messages do not go to unless
// [Destinations.Only] names them: the shared codes of ITU-T E.164 without a
// country (+800 freephone, +808 shared cost, +870 Inmarsat, +878 and +888
// personal numbers, +881 to +883 satellites and networks, +979 premium rate),
// and premium and personal numbers under two great codes (+1900, +449, +4470).
func ExpensivePrefixes() []string {
	return []string{"+800", "+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979", "+1900", "+449", "+4470"}
}

// Validate returns an error for an entry that is not "+" and 1 to 15 digits: it
// would match nothing, and a mistyped exception would not be one.
func (d Destinations) Validate() error {
	for _, p := range slices.Concat(d.Only, d.Except) {
		digits, ok := strings.CutPrefix(p, "+")
		if !ok || digits == "" || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
			return fmt.Errorf("phone: %q is not the prefix of a number, such as +43", p)
		}
	}
	return nil
}

// Allow returns nil when messages may go to n, [ErrNumber] for the zero Number, and
// [ErrDestination] otherwise, even when d is not valid.
func (d Destinations) Allow(n Number) error {
	if n.IsZero() {
		return ErrNumber
	}
	if err := d.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrDestination, err)
	}
	only := longest(d.Only, n)
	switch {
	case longest(d.Except, n) != "",
		len(d.Only) > 0 && only == "",
		len(longest(ExpensivePrefixes(), n)) > len(only):
		return fmt.Errorf("%w: %s", ErrDestination, n.Prefix())
	}
	return nil
}

// longest returns the longest of the prefixes that n has, or "".
func longest(prefixes []string, n Number) (found string) {
	for _, p := range prefixes {
		if len(p) > len(found) && strings.HasPrefix(n.E164(), p) {
			found = p
		}
	}
	return found
}
