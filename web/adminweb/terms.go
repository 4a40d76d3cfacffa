package adminweb

import (
	"context"
	"maps"
	"slices"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// A Term is one field of a policy in words, before and after a change.
type Term struct {
	Field, Before, After string
}

// Changed reports whether the change affects this field.
func (t Term) Changed() bool { return t.Before != t.After }

// A comparison shows what a tenant's policy changes, for the administrator who sets it and
// for the one who approves it.
type comparison struct {
	terms   []Term // what applies to the tenant now, and what will apply
	details []string
	lowers  bool // some of what applies will require less
}

// compare compares what applies to a tenant with what will apply once its own policy is
// next. What next changes without effect is named too: it has one as soon as the tenants
// above require less.
func (p *Pages) compare(ctx context.Context, l *web.Language, by admin.Actor, tenant string, own, next, effective policy.Policy) (comparison, error) {
	after, err := p.Admin.PreviewPolicy(ctx, by, tenant, next)
	if err != nil {
		return comparison{}, err
	}
	c := comparison{terms: p.terms(l, effective, after, own, next), lowers: policy.Lowers(effective, after, p.now())}
	if c.lowers {
		c.details = append(c.details, l.Say("does.lowers"))
	}
	if policy.Lowers(after, next, p.now()) {
		c.details = append(c.details, l.Say("does.above"))
	}
	for i, t := range p.terms(l, own, next, effective, after) { // the same fields
		if t.Changed() && c.terms[i].After != t.After {
			c.details = append(c.details, l.Say("does.later", "What", t.words(l)))
		}
	}
	return c, nil
}

// below names the tenants of the administrator for which the policy of a tenant above them
// counts too.
func (p *Pages) below(ctx context.Context, l *web.Language, v visitor, above Tenant) ([]string, error) {
	var names []string
	_, err := p.each(ctx, v.tenants, func(t Tenant) error {
		st, err := p.Admin.Tenant(ctx, v.looks(), t.ID)
		if err == nil && slices.Contains(st.Parents, above.ID) {
			names = append(names, t.Name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return []string{l.Say("does.below", "Names", firstOf(l, names))}, nil
}

// requires reports whether somebody has to set up, by the mode for everybody or for a role:
// otherwise a time to do so means nothing.
func requires(x policy.Policy) bool {
	return x.Mode == policy.Required || slices.Contains(slices.Collect(maps.Values(x.Roles.Modes())), policy.Required)
}

// words returns the term in one line.
func (t Term) words(l *web.Language) string {
	return l.Say("policy.change", "Field", t.Field, "Before", t.Before, "After", t.After)
}

// terms returns every field of a policy in words, as it was and as it will be. It has the
// roles that these policies or the others name.
func (p *Pages) terms(l *web.Language, before, after policy.Policy, others ...policy.Policy) (all []Term) {
	add := func(field string, word func(policy.Policy) string) {
		all = append(all, Term{l.Say("policy." + field), word(before), word(after)})
	}
	yes := func(is bool) string { return l.Say("policy.is-" + yesNo(is)) }
	add("mode", func(x policy.Policy) string { return l.Say("policy.mode-" + x.Mode.String()) })
	named := map[string]policy.Mode{}
	for _, of := range append(others, before, after) {
		maps.Copy(named, of.Roles.Modes())
	}
	for _, role := range p.Roles {
		if _, ok := named[role.ID]; ok {
			all = append(all, Term{roleName(l, role), l.Say("policy.mode-" + before.For(role.ID).Mode.String()), l.Say("policy.mode-" + after.For(role.ID).Mode.String())})
		}
	}
	add("grace", func(x policy.Policy) string {
		if x.Grace == 0 || !requires(x) {
			return l.Say("policy.none")
		}
		return l.Say("policy.days", "Count", int(x.Grace/oneDay))
	})
	add("deadline", func(x policy.Policy) string {
		if x.Deadline.IsZero() || !requires(x) {
			return l.Say("policy.none")
		}
		return l.Minute(x.Deadline)
	})
	add("browsers", func(x policy.Policy) string { return l.Say("policy.days", "Count", int(x.TrustFor()/oneDay)) })
	add("codes", func(x policy.Policy) string { return yes(x.Methods.Has(policy.RecoveryCodes)) })
	add("phones", func(x policy.Policy) string {
		switch {
		case !x.Methods.Has(policy.Phone):
			return yes(false)
		case x.AssignedPhones:
			return l.Say("policy.phones-assigned")
		}
		return yes(true)
	})
	add("issued", func(x policy.Policy) string { return yes(x.IssuedCode) })
	add("two", func(x policy.Policy) string { return yes(x.TwoAdministrators) })
	return all
}
