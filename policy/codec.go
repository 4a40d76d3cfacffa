package policy

import (
	"math"
	"time"

	"github.com/totpflow/totpflow/internal/wire"
)

// Fields is for this module's own records: nobody outside can make a
// [wire.Coder]. The other way to store a policy is its JSON.
func (p *Policy) Fields(c *wire.Coder) {
	mode := p.Mode.known()
	wire.Number(c, "mode", &mode, Required, Off)
	length(c, "grace", &p.Grace)
	c.Instant("deadline", &p.Deadline)
	length(c, "browser_age", &p.BrowserAge)
	wire.Number(c, "methods", &p.Methods, 0, allMethods)
	c.Bool("issued_code", &p.IssuedCode)
	c.Bool("two_administrators", &p.TwoAdministrators)
	c.Bool("assigned_phones", &p.AssignedPhones)
	p.Roles.fields(c)
	if c.Reading() {
		p.Mode = mode
	}
	c.Check(p.Validate())
}

// length is a field of a length of time in nanoseconds.
func length(c *wire.Coder, name string, d *time.Duration) {
	n := int64(*d)
	c.Signed(name, &n, math.MinInt64, math.MaxInt64)
	if c.Reading() {
		*d = time.Duration(n)
	}
}
