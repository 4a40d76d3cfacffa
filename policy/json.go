package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/internal/strictjson"
)

const version = 1

// ErrFormat is the error for JSON that this package did not write, and of
// [Policy.Validate] for a duration without its unit.
var ErrFormat = errors.New("policy: malformed policy")

// stored is a Policy as it is written. Mode is always present; other zero fields are left
// out.
type stored struct {
	V                 int       `json:"v"`
	Mode              *Mode     `json:"mode"`
	Grace             duration  `json:"grace,omitzero"`
	Deadline          time.Time `json:"deadline,omitzero"` // RFC 3339, UTC
	BrowserAge        duration  `json:"browser_age,omitzero"`
	Methods           Methods   `json:"methods,omitzero"`
	IssuedCode        bool      `json:"issued_code,omitzero"`
	TwoAdministrators bool      `json:"two_administrators,omitzero"`
	AssignedPhones    bool      `json:"assigned_phones,omitzero"`
	Roles             Roles     `json:"roles,omitzero"`
}

// MarshalJSON writes the policy with its version, as it is: defaults are not
// written out. It fails for a Deadline after the year 9999, and where Validate does.
func (p Policy) MarshalJSON() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(stored{
		V: version, Mode: &p.Mode, Grace: duration(p.Grace), Deadline: p.Deadline.Round(0).UTC(), BrowserAge: duration(p.BrowserAge),
		Methods: p.Methods, IssuedCode: p.IssuedCode, TwoAdministrators: p.TwoAdministrators, AssignedPhones: p.AssignedPhones, Roles: p.Roles,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. Another version, an unknown field
// or an unknown word is [ErrFormat]: a newer release may have added a restriction that
// this one would not enforce. With an error, p is the zero Policy, which requires a
// factor.
func (p *Policy) UnmarshalJSON(data []byte) error {
	*p = Policy{}
	var s stored
	if err := strictjson.Decode(data, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if s.V != version || s.Mode == nil {
		return fmt.Errorf("%w: version %d", ErrFormat, s.V)
	}
	read := Policy{
		Mode: *s.Mode, Grace: time.Duration(s.Grace), Deadline: s.Deadline.UTC(), BrowserAge: time.Duration(s.BrowserAge),
		Methods: s.Methods, IssuedCode: s.IssuedCode, TwoAdministrators: s.TwoAdministrators, AssignedPhones: s.AssignedPhones, Roles: s.Roles,
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*p = read
	return nil
}

// duration is written as Go writes it, such as "336h0m0s": a number would not
// say its unit.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}
