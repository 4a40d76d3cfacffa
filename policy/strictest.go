package policy

import (
	"time"

	"github.com/totpflow/totpflow/internal/skew"
)

// Strictest returns the policy that is as strict as each of ps in every
// respect, and no stricter: the strictest mode, of each role too, the shortest trust, the methods
// that all allow, and IssuedCode and TwoAdministrators where one has them. Only policies
// that require a factor decide on the grace period: if one of them has none, there is
// none; otherwise the shorter Grace and the earlier Deadline apply, of those that are
// set. If modes differ by role, the two grace periods may be meant for different roles;
// the result is then stricter than both.
//
// Order, repetition and grouping do not matter. Without arguments it returns the zero
// Policy, not the mildest: a chain without links asks for more.
func Strictest(ps ...Policy) Policy {
	if len(ps) == 0 {
		return Policy{}
	}
	strictest := ps[0].plain()
	for _, p := range ps[1:] {
		strictest = strictest.with(p.plain())
	}
	return strictest
}

// plain returns p with every default and bound written out, so that two
// policies that ask for the same are the same.
func (p Policy) plain() Policy {
	p.Grace, p.Deadline = p.grace()
	p.Mode = p.Mode.known()
	p.BrowserAge = asField(p.TrustFor())
	p.Methods = p.Methods.known()
	p.Roles = distinctRoles(p.Mode, p.Roles.Modes())
	return p
}

// asField returns the BrowserAge for which TrustFor returns d.
func asField(d time.Duration) time.Duration {
	if d == 0 {
		return -1 // in the field, 0 is the default
	}
	return d
}

// with returns the stricter of p and q in every respect; both are plain.
func (p Policy) with(q Policy) Policy {
	grace, deadline := p.graceWith(q)
	return Policy{
		Mode:              min(p.Mode, q.Mode),
		Grace:             grace,
		Deadline:          deadline,
		BrowserAge:        asField(min(p.TrustFor(), q.TrustFor())),
		Methods:           p.Methods & q.Methods,
		IssuedCode:        p.IssuedCode || q.IssuedCode,
		TwoAdministrators: p.TwoAdministrators || q.TwoAdministrators,
		AssignedPhones:    p.AssignedPhones || q.AssignedPhones,
		Roles:             p.rolesWith(q),
	}
}

func (p Policy) graceWith(q Policy) (time.Duration, time.Time) {
	switch {
	case p.strictestMode() != Required: // it asks for no factor, so it does not say by when
		return q.Grace, q.Deadline
	case q.strictestMode() != Required:
		return p.Grace, p.Deadline
	case !p.hasGrace(), !q.hasGrace():
		return 0, time.Time{}
	}
	grace, deadline := p.Grace, p.Deadline
	if grace == 0 || q.Grace != 0 && q.Grace < grace {
		grace = q.Grace
	}
	if deadline.IsZero() || !q.Deadline.IsZero() && q.Deadline.Before(deadline) {
		deadline = q.Deadline
	}
	return grace, deadline
}

func (p Policy) hasGrace() bool { return p.Grace != 0 || !p.Deadline.IsZero() }

// Lowers reports whether to asks for less than from in any respect, from now on, even if it
// is stricter in others. If the deadline of to has passed, it gives nobody time to enroll. A
// deadline counts as passed 30 seconds late, because another process may have a clock that is
// behind. With the zero time no deadline has passed.
func Lowers(from, to Policy, now time.Time) bool {
	// If to asks for nothing less, combining both gives to.
	to = to.plain()
	if !to.Deadline.IsZero() && to.Deadline.Before(now.Add(-skew.Tolerance)) {
		to.Grace, to.Deadline = 0, time.Time{}
	}
	return to.with(from.plain()) != to
}
