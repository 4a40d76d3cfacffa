package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow/internal/strictjson"
)

// Methods is a set of ways to pass the second step. The zero Methods is the
// default, App | RecoveryCodes | Other. App is part of every set, named or not: a policy
// cannot take away an authenticator that people have set up.
type Methods uint8

// The methods. Phone is not in the default: NIST SP 800-63B-4 §3.1.3.3 calls
// it restricted, since numbers can be taken over.
const (
	App           Methods = 1 << iota // codes of an authenticator app
	RecoveryCodes                     // recovery codes, and the making of new ones
	Phone                             // codes by SMS or voice
	External                          // the host's own factors
)

// ErrMethod means that a word is not a method.
var ErrMethod = errors.New("policy: unknown method")

const (
	defaultMethods = App | RecoveryCodes | External
	allMethods     = defaultMethods | Phone
)

var methodWords = [...]string{"app", "recovery-codes", "phone", "other"} // by bit

// known returns the set that m stands for. Bits of a later release are dropped: an unknown
// method cannot be allowed.
func (m Methods) known() Methods {
	if m == 0 {
		return defaultMethods
	}
	return m&allMethods | App
}

// Has reports whether the set has every method of some. It is false for the empty set and
// for unknown methods.
func (m Methods) Has(some Methods) bool { return some != 0 && m.known()&some == some }

// Words returns "app", "recovery-codes", "phone" and "other", as far as the set
// has them, in this order. The zero Methods has three.
func (m Methods) Words() []string {
	var words []string
	for bit, word := range methodWords {
		if m.known()&(1<<bit) != 0 {
			words = append(words, word)
		}
	}
	return words
}

// String returns the words with commas between them.
func (m Methods) String() string { return strings.Join(m.Words(), ",") }

// ParseMethods reads words as [Methods.Words] returns them, in any order, such as the
// boxes that were ticked in a form. Without words it returns App alone, not the default.
// With an error, which is [ErrMethod], it returns App.
func ParseMethods(words ...string) (Methods, error) {
	set := App
	for _, word := range words {
		m, err := parseMethod(word)
		if err != nil {
			return App, err
		}
		set |= m
	}
	return set, nil
}

func parseMethod(word string) (Methods, error) {
	for bit, known := range methodWords {
		if word == known {
			return 1 << bit, nil
		}
	}
	return 0, fmt.Errorf("%w %q", ErrMethod, word)
}

// MarshalJSON returns the words as a list.
func (m Methods) MarshalJSON() ([]byte, error) { return json.Marshal(m.Words()) }

// UnmarshalJSON reads a list of words. The empty list is App alone. With an
// error, which for an unknown word is [ErrMethod], otherwise [ErrFormat], the set
// is App.
func (m *Methods) UnmarshalJSON(data []byte) error {
	*m = App
	var words []string
	if err := strictjson.Decode(data, &words); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if words == nil {
		return fmt.Errorf("%w: methods are null", ErrFormat)
	}
	set, err := ParseMethods(words...)
	*m = set
	return err
}
