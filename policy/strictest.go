package policy

import "time"

// Strictest returns the policy that is as strict as each of ps in every
// respect, and no stricter: the strictest mode, of each role too, the shortest trust, the methods
// that all allow, and IssuedCode and TwoAdministrators where one has them. Only
// those that require a factor have a say in the grace: one of them without any
// ends it, otherwise the shorter Grace and the earlier Deadline count, of those that
// have one. Where modes differ by role, that is so although the one grace may be of other
// roles than the other: what comes of it is stricter then.
//
// Order, repetition and grouping do not matter. Of none it is the zero Policy,
// not the mildest: a chain from which the links are missing asks for more.
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

// asField is what BrowserAge has to be for TrustFor to return d.
func asField(d time.Duration) time.Duration {
	if d == 0 {
		return -1 // as a field, 0 is the default
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

// Lowers reports whether to asks for less than from in any respect, be it
// stricter in others. It knows no clock: a grace that is over already still
// counts as one.
func Lowers(from, to Policy) bool {
	// A policy that asks for nothing less is not changed by asking for both.
	to = to.plain()
	return to.with(from.plain()) != to
}
