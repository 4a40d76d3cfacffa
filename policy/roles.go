package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow/internal/wire"
)

// The bounds of [Roles].
const (
	MaxRoles = 16
	MaxRole  = 40 // bytes of a name
)

// ErrRole is the error of [NewRoles] for a name that is empty, longer than [MaxRole] or
// has control characters, a comma or an equals sign, and for more than [MaxRoles].
var ErrRole = errors.New("policy: not the name of a role, or too many of them")

// Roles are the modes of single roles, such as "administrator", by the host's names for
// them. They are comparable. The zero Roles is empty.
type Roles struct {
	text string // name=mode, by name, with commas between
}

// NewRoles returns the roles with their modes. An unknown mode is treated as Required.
func NewRoles(modes map[string]Mode) (Roles, error) {
	if len(modes) > MaxRoles {
		return Roles{}, ErrRole
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(modes)) {
		if name == "" || len(name) > MaxRole || !utf8.ValidString(name) || strings.ContainsAny(name, ",=") || strings.ContainsFunc(name, unicode.IsControl) {
			return Roles{}, fmt.Errorf("%w: %q", ErrRole, name)
		}
		parts = append(parts, name+"="+modes[name].String())
	}
	return Roles{strings.Join(parts, ",")}, nil
}

// Modes returns the mode of each role.
func (r Roles) Modes() map[string]Mode {
	modes := make(map[string]Mode)
	for part := range strings.SplitSeq(r.text, ",") {
		if name, word, ok := strings.Cut(part, "="); ok {
			modes[name], _ = ParseMode(word) // Required for anything that is not a mode
		}
	}
	return modes
}

// String returns the roles such as "administrator=required,guest=off".
func (r Roles) String() string { return r.text }

// MarshalJSON writes an object of modes by role.
func (r Roles) MarshalJSON() ([]byte, error) { return json.Marshal(r.Modes()) }

// UnmarshalJSON reads what MarshalJSON wrote. With an error, r is the zero Roles.
func (r *Roles) UnmarshalJSON(data []byte) error {
	*r = Roles{}
	var modes map[string]Mode
	if err := json.Unmarshal(data, &modes); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	read, err := NewRoles(modes)
	if err != nil {
		return err
	}
	*r = read
	return nil
}

// For returns the policy for a person with this role, with the role's own mode if the
// policy has one, otherwise with the policy's mode. The empty role has the policy's mode.
func (p Policy) For(role string) Policy {
	if m, ok := p.Roles.Modes()[role]; ok {
		p.Mode = m
	}
	p.Roles = Roles{}
	return p
}

// ForAnyRole returns the policy for a person whose role is not known: it has the
// strictest of the modes.
func (p Policy) ForAnyRole() Policy {
	p.Mode, p.Roles = p.strictestMode(), Roles{}
	return p
}

func (p Policy) strictestMode() Mode {
	strictest := p.Mode.known()
	for _, m := range p.Roles.Modes() {
		strictest = min(strictest, m)
	}
	return strictest
}

// rolesWith returns the stricter mode of each role that p or q names. A role that one of
// them does not name has its general mode there.
func (p Policy) rolesWith(q Policy) Roles {
	if p.Roles == q.Roles && p.Roles == (Roles{}) {
		return Roles{}
	}
	mine, theirs := p.Roles.Modes(), q.Roles.Modes()
	all := maps.Clone(mine)
	maps.Copy(all, theirs)
	for name := range all {
		all[name] = min(p.For(name).Mode.known(), q.For(name).Mode.known())
	}
	return distinctRoles(min(p.Mode.known(), q.Mode.known()), all)
}

// distinctRoles leaves out the roles that have the general mode. There may be more
// than [MaxRoles] where policies are combined; such a policy is not written.
func distinctRoles(of Mode, modes map[string]Mode) Roles {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(modes)) {
		if modes[name] != of {
			parts = append(parts, name+"="+modes[name].String())
		}
	}
	return Roles{strings.Join(parts, ",")}
}

// A role is one of the Roles as it is stored.
type role struct {
	name string
	mode Mode
}

func (x *role) fields(c *wire.Coder) {
	c.Text("name", &x.name, MaxRole)
	wire.Number(c, "mode", &x.mode, Required, Off)
}

func (r *Roles) fields(c *wire.Coder) {
	var all []role
	modes := r.Modes()
	for _, name := range slices.Sorted(maps.Keys(modes)) {
		all = append(all, role{name, modes[name]})
	}
	wire.List(c, "roles", &all, MaxRoles, (*role).fields)
	if !c.Reading() {
		return
	}
	for i := range all {
		modes[all[i].name] = all[i].mode
		if i > 0 && all[i].name <= all[i-1].name {
			c.Check(ErrRole) // one way to write them
		}
	}
	read, err := NewRoles(modes)
	c.Check(err)
	*r = read
}
