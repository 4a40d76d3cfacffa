package adminweb

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
)

// resetMany resets people of one tenant by one proof, and up to twenty people of several by
// a window.
func (p *Pages) resetMany(w http.ResponseWriter, r *http.Request, v visitor, rows []Row) error {
	scope := admin.Scope(r.PostForm.Get("scope"))
	if !slices.Contains(scopes, scope) {
		return admin.ErrScope
	}
	l := p.section.Language(r)
	// A reset would end the machine's keys, and so the backup that nobody watches at night.
	is := func(x Row) bool { return x.Member.Enrollment == enroll.Exempted }
	machines := slices.DeleteFunc(slices.Clone(rows), func(x Row) bool { return !is(x) })
	if rows = slices.DeleteFunc(rows, is); len(rows) == 0 {
		return errMachines
	}
	rows, left, err := fitting(l, rows, func(m admin.Member) bool { return m.State == admin.StateUnreadable || resettable(m) })
	if err != nil {
		return err
	}
	tenants, c := tenantsOf(rows), confirmation{action: admin.ActionResetAccount, doing: l.Say("do.resetMany-"+string(scope), "Count", len(rows))}
	two, mailed, err := p.byPolicy(r.Context(), v, tenants)
	c.details = effect{action: c.action, scope: scope, count: len(rows), mailed: mailed}.details(l, admin.Member{})
	c.details, c.partial = append(c.details, left...), len(left)+len(machines) > 0
	if len(machines) > 0 {
		c.details = append(c.details, l.Say("does.machines", "Names", firstOf(l, distinct(machines))))
	}
	switch {
	case err != nil:
		return err
	case two && len(tenants) > 1: // person by person, the first five of each would need no second administrator
		return errOneTenant
	case len(tenants) > 1:
		return p.eachByWindow(w, r, v, rows, c, func(ctx context.Context, by admin.Administrator, row Row) error {
			change, err := p.Admin.Reset(ctx, by, row.ID, scope)
			return errors.Join(err, p.keep(ctx, change))
		})
	case two:
		c.details = append(c.details, l.Say("does.second"))
	}
	c.purpose = admin.Purpose(admin.ActionResetAccount, totpflow.AccountID{Tenant: tenants[0]})
	by, ok, err := p.confirmMany(w, r, v, rows, c)
	if !ok || err != nil {
		return err
	}
	var users []string
	names := map[totpflow.AccountID]string{}
	for i, name := range distinct(rows) {
		users, names[rows[i].ID] = append(users, rows[i].ID.User), name
	}
	outcomes, err := p.Admin.ResetMany(r.Context(), by, tenants[0], users, scope)
	var several severalError
	for _, o := range outcomes {
		several.count(names[o.ID], errors.Join(o.Err, p.keep(r.Context(), o.Change)))
	}
	return p.doneMany(w, r, c, errors.Join(err, several.orNil()))
}

// byPolicy reports whether one of the tenants requires two administrators, and whether all
// of them require a recovery code by mail after a reset.
func (p *Pages) byPolicy(ctx context.Context, v visitor, tenants []string) (two, mailed bool, err error) {
	mailed = true
	for _, tenant := range tenants {
		st, err := p.Admin.Tenant(ctx, v.looks(), tenant)
		if err != nil {
			return false, false, err
		}
		two, mailed = two || st.Effective.TwoAdministrators, mailed && st.Effective.IssuedCode
	}
	return two, mailed, nil
}
