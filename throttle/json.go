package throttle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/internal/strictjson"
)

const version = 1

// ErrFormat is what decoding reports for anything that this package did not
// write.
var ErrFormat = errors.New("throttle: malformed budget")

// MarshalJSON writes the budget with its version. The fresh Budget is written
// too; use omitzero to leave it out.
func (b Budget) MarshalJSON() ([]byte, error) {
	b.s.V = version
	return json.Marshal(b.s)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is [ErrFormat]: a
// budget that was read wrong is not a fresh one.
func (b *Budget) UnmarshalJSON(data []byte) error {
	var s state
	if err := strict(data, &s); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	*b = Budget{s}
	if b.IsZero() {
		*b = Budget{}
	}
	return nil
}

// MarshalJSON writes the rate with its version.
func (r Rate) MarshalJSON() ([]byte, error) {
	r.r.V = version
	return json.Marshal(r.r)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is [ErrFormat].
func (r *Rate) UnmarshalJSON(data []byte) error {
	var v rate
	if err := strict(data, &v); err != nil {
		return err
	}
	if v.V != version || len(v.Taken) > maxRate || !slices.IsSorted(v.Taken) || slices.ContainsFunc(v.Taken, strange) {
		return fmt.Errorf("%w: rate", ErrFormat)
	}
	*r = Rate{v}
	if r.IsZero() {
		*r = Rate{}
	}
	return nil
}

func strict(data []byte, v any) error {
	if err := strictjson.Decode(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

func (s state) check() error {
	switch {
	case s.V != version:
		return fmt.Errorf("version %d", s.V)
	case s.Run < 0 || s.Run > s.Row || s.Row > maxChances:
		return errors.New("runs")
	case s.Pairs < 0 || s.Pairs > maxChances || strange(s.Last) || strange(s.Since):
		return errors.New("times")
	case len(s.Hours) > maxHours || len(s.Recent) > maxRecent:
		return errors.New("too long")
	}
	for i, b := range s.Hours {
		if b.chances < 1 || b.chances > maxChances || i > 0 && b.hour <= s.Hours[i-1].hour {
			return fmt.Errorf("hour %d", b.hour)
		}
	}
	for _, c := range s.Recent {
		if strange(c.At) || c.Chances < 1 || c.Chances > maxChances || len(c.Challenge) != len(tag("x")) {
			return fmt.Errorf("charge at %d", c.At)
		}
	}
	return nil
}

// strange reports whether a time is beyond what this package writes; sums of
// times must not overflow.
func strange(t int64) bool { return t < -maxTime-hour || t > maxTime+hour }

// hours are written as [hour, chances, hours until the next, chances, …]: 5
// bytes for most, so that a year of attack does not crowd the account's record.
type hours []bucket

// MarshalJSON writes the distances.
func (h hours) MarshalJSON() ([]byte, error) {
	flat := make([]int64, 0, 2*len(h))
	last := int64(0)
	for _, b := range h {
		flat = append(flat, b.hour-last, b.chances)
		last = b.hour
	}
	return json.Marshal(flat)
}

// UnmarshalJSON adds the distances up. That they are positive is checked with
// the rest.
func (h *hours) UnmarshalJSON(data []byte) error {
	var flat []int64
	if err := json.Unmarshal(data, &flat); err != nil {
		return err
	}
	if len(flat)%2 != 0 || len(flat) > 2*maxHours {
		return errors.New("hours come in pairs")
	}
	*h = nil
	last := int64(0)
	for pair := range slices.Chunk(flat, 2) {
		if strange(pair[0]) || strange((last+pair[0]+1)*hour) {
			return errors.New("hours beyond time")
		}
		last += pair[0]
		*h = append(*h, bucket{last, pair[1]})
	}
	return nil
}
