package throttle

import (
	"errors"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/internal/wire"
)

// ErrFormat is the decoding error for bytes that this package did not write.
var ErrFormat = errors.New("throttle: malformed budget")

// Encode returns the budget in a binary form with its version inside.
func (b Budget) Encode() []byte {
	data, _ := wire.Encode(&b) // what the methods make is within all bounds
	return data
}

// DecodeBudget reads what [Budget.Encode] wrote. Anything else is [ErrFormat]: a
// budget that was read wrong is not a fresh one.
func DecodeBudget(data []byte) (Budget, error) {
	var b Budget
	if err := wire.Decode(data, &b); err != nil {
		return Budget{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return b, nil
}

// MarshalText always returns an error: a general encoder would write none of the budget,
// and the value that is read back would be fresh. Store [Budget.Encode].
func (b Budget) MarshalText() ([]byte, error) {
	return nil, errors.New("throttle: a budget is stored by its Encode")
}

// Encode returns the rate in a binary form with its version inside.
func (r Rate) Encode() []byte {
	data, _ := wire.Encode(&r) // what Take makes is within all bounds
	return data
}

// DecodeRate reads what [Rate.Encode] wrote. Anything else is [ErrFormat].
func DecodeRate(data []byte) (Rate, error) {
	var r Rate
	if err := wire.Decode(data, &r); err != nil {
		return Rate{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return r, nil
}

// MarshalText always returns an error, as [Budget.MarshalText] does.
func (r Rate) MarshalText() ([]byte, error) {
	return nil, errors.New("throttle: a rate is stored by its Encode")
}

// The times that are read. Sums of times must not overflow.
const (
	minRead  = -maxTime - hour
	maxRead  = maxTime + hour
	lastHour = maxRead/hour - 1
)

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (b *Budget) Fields(c *wire.Coder) {
	s := &b.s
	wire.Number(c, "run", &s.Run, 0, maxChances)
	wire.Number(c, "row", &s.Row, 0, maxChances)
	c.Signed("last", &s.Last, minRead, maxRead)
	last := int64(0)
	wire.List(c, "hours", &s.Hours, maxHours, func(b *bucket, c *wire.Coder) {
		gap(c, &b.hour, &last, minRead/hour, lastHour)
		wire.Number(c, "chances", &b.chances, 1, maxChances)
	})
	wire.List(c, "recent", &s.Recent, maxRecent, (*charge).fields)
	wire.Number(c, "pairs", &s.Pairs, 0, maxChances)
	c.Signed("since", &s.Since, minRead, maxRead)
	c.Check(s.check())
}

// gap is a field of a time by its distance from the last one, or from 1970: a
// byte or two, so that a year of attack does not crowd the account's record. The caller
// refuses times that are not in order, and with that a later one below least.
func gap(c *wire.Coder, at, last *int64, least, most int64) {
	distance := *at - *last
	c.Signed("after", &distance, least, most)
	*last += distance
	if *last > most {
		c.Check(errors.New("a time out of range"))
	}
	if c.Reading() {
		*at = *last
	}
}

func (g *charge) fields(c *wire.Coder) {
	c.Signed("at", &g.At, minRead, maxRead)
	wire.Number(c, "chances", &g.Chances, 1, maxChances)
	c.Fixed("challenge", g.Challenge[:])
}

// Fields is for this module's own records: nobody outside can make a [wire.Coder].
func (r *Rate) Fields(c *wire.Coder) {
	last := int64(0)
	wire.List(c, "taken", &r.taken, maxRate, func(at *int64, c *wire.Coder) { gap(c, at, &last, minRead, maxRead) })
	if !slices.IsSorted(r.taken) {
		c.Check(errors.New("attempts out of order"))
	}
}

func (s *state) check() error {
	if s.Run > s.Row {
		return errors.New("the run of wrong codes is longer than the row")
	}
	for i := range s.Hours {
		if i > 0 && s.Hours[i].hour <= s.Hours[i-1].hour {
			return errors.New("hours out of order")
		}
	}
	return nil
}
