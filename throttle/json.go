package throttle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

const version = 1

// ErrFormat is what decoding reports for anything that this package did not write.
var ErrFormat = errors.New("throttle: malformed budget")

// MarshalJSON writes the budget with its version. The fresh Budget is written too; use omitzero to leave it out.
func (b Budget) MarshalJSON() ([]byte, error) {
	b.s.V = version
	return json.Marshal(b.s)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is [ErrFormat]: a budget that was read wrong is not a
// fresh one.
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
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: more than one value", ErrFormat)
	}
	return nil
}

func (s state) check() error {
	switch {
	case s.V != version:
		return fmt.Errorf("version %d", s.V)
	case s.Run < 0 || s.Run > s.Row || s.Row > maxCount:
		return errors.New("runs")
	case s.Pairs < 0 || s.Pairs > maxCount || strange(s.Last) || strange(s.Since):
		return errors.New("times")
	case len(s.Hours) > maxHours || len(s.Recent) > maxRecent:
		return errors.New("too long")
	}
	for i, b := range s.Hours {
		if strange(b.end()) || b[1] < 1 || b[1] > maxCount || i > 0 && b[0] <= s.Hours[i-1][0] {
			return fmt.Errorf("hour %d", b[0])
		}
	}
	for _, c := range s.Recent {
		if strange(c.At) || c.Chances < 1 || c.Chances > maxChances || len(c.Challenge) != len(tag("x")) {
			return fmt.Errorf("charge at %d", c.At)
		}
	}
	return nil
}

// strange reports whether a time is beyond what this package writes; sums of times must not overflow.
func strange(t int64) bool { return t < -maxTime-hour || t > maxTime+hour }
