package recovery

import (
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/internal/wire"
)

// ErrFormat is the decoding error for bytes that this package did not write.
var ErrFormat = errors.New("recovery: malformed set")

// Encode returns the set in a binary form of about 400 bytes, with its version
// inside. The version stands for alphabet and hash as well.
func (s Set) Encode() []byte {
	data, _ := wire.Encode(&s) // what this package makes is within all bounds
	return data
}

// Decode reads what [Set.Encode] wrote. Anything else is [ErrFormat].
func Decode(data []byte) (Set, error) {
	var s Set
	if err := wire.Decode(data, &s); err != nil {
		return Set{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return s, nil
}

// MarshalText always returns an error: a general encoder would write none of the set, and
// the value that is read back would have no codes. Store [Set.Encode].
func (s Set) MarshalText() ([]byte, error) {
	return nil, errors.New("recovery: a set is stored by its Encode")
}

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (s *Set) Fields(c *wire.Coder) {
	wire.List(c, "codes", &s.s.Codes, Codes, (*entry).fields)
	if len(s.s.Codes) == 0 {
		return // the zero Set
	}
	c.Fixed("salt", s.s.Salt[:])
	c.Seconds("made", &s.s.Made)
	c.Seconds("saved", &s.s.Saved)
	if s.s.Salt == (salt{}) || s.s.Made.IsZero() {
		c.Check(errors.New("a set has a salt and a time"))
	}
}

func (e *entry) fields(c *wire.Coder) {
	c.Fixed("hash", e.Hash[:])
	c.Seconds("used", &e.Used)
	if e.Hash == (sum{}) {
		c.Check(errors.New("a code has a hash"))
	}
}
