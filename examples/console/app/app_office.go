package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web/adminweb"
)

var errNotAdministrator = errors.New("not an administrator")

// newOffice makes the administrators' pages. They are those of web/adminweb; the console
// brings the people, the mails and the deletion.
func (c *console) newOffice() (*adminweb.Pages, error) {
	return adminweb.New(adminweb.Config{
		Web: c.web, Admin: c.admin(), Directory: directory{c.users, c.tenants}, Alerts: c.alerts.Recent, LostRaces: c.races.Lost,
		Deliver: func(ctx context.Context, to adminweb.Person, code admin.IssuedCode) error {
			u, err := c.users.byID(ctx, to.ID.User)
			if err != nil {
				return err
			}
			return c.sendIssued(ctx, u, code)
		},
		Remind: func(ctx context.Context, who totpflow.User, to adminweb.Person, _ admin.Member) error {
			by := admin.Operator{Name: "console", Reason: "asked for by " + who.ID.User}
			outcomes, err := c.admin().Remind(ctx, by, to.ID.Tenant, []string{to.ID.User})
			return c.reminded(ctx, outcomes, err)
		},
		Erase: func(ctx context.Context, p adminweb.Person) error {
			u, err := c.users.byID(ctx, p.ID.User)
			if errors.Is(err, sql.ErrNoRows) { // somebody else has done it
				return nil
			}
			if err != nil {
				return err
			}
			return c.users.delete(context.WithoutCancel(ctx), u)
		},
		Roles: []adminweb.Role{{ID: string(roleAdmin), Name: "Administrators"}, {ID: string(roleUser), Name: "Users"}},
	})
}

// admin returns the administrators' calls, under the console's rule. The
// library holds that the target is of the administrator's own tenant or of one
// below it, and is somebody else.
func (c *console) admin() admin.Admin { return admin.New(c.mfa, c.rule) }

// rule lets administrators do everything, but not to another account of
// themselves, nor approve what they have asked for by another one. It asks the
// table each time: a person who was an administrator a minute ago may not be one now.
func (c *console) rule(ctx context.Context, actor totpflow.User, action totpflow.Action, target store.AccountID) error {
	me, err := c.users.byID(ctx, actor.ID.User)
	switch {
	case err != nil:
		return err
	case !me.Administers() || me.Tenant.ID != actor.ID.Tenant:
		return errNotAdministrator
	case target.User == "" || action == admin.ActionViewAccounts:
		return nil
	}
	them, err := c.users.byID(ctx, target.User)
	if err == nil && them.Person == me.Person {
		err = admin.ErrSelf
	}
	return err
}

// A directory is the console's list of people, for the administrators' pages.
type directory struct {
	users   *users
	tenants tenants
}

// Tenants implements [adminweb.Directory]: the administrator's own, and those below it.
func (d directory) Tenants(ctx context.Context, administrator totpflow.User) (all []adminweb.Tenant, err error) {
	u, err := d.users.byID(ctx, administrator.ID.User)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case !u.Administers() || u.account().ID != administrator.ID:
		return nil, nil
	}
	under, err := d.tenants.under(ctx, u.Tenant)
	for _, t := range under {
		all = append(all, adminweb.Tenant{ID: t.ID, Name: t.Name})
	}
	return all, err
}

// People implements [adminweb.Directory]. The search is made here and not in SQLite, which
// knows capitals of ASCII only. A product with many people asks its database.
func (d directory) People(ctx context.Context, q adminweb.Query) (page adminweb.People, err error) {
	found, err := d.users.ofTenants(ctx, q.Tenants)
	if err != nil {
		return page, err
	}
	search := strings.ToLower(q.Search)
	found = slices.DeleteFunc(found, func(u user) bool { return !strings.Contains(strings.ToLower(u.Name+"\n"+u.Email), search) })
	page.Total = len(found)
	from, _ := strconv.Atoi(q.Cursor) // anything else begins at the start
	from = min(max(0, from), len(found))
	to := from + min(max(0, q.Limit), len(found)-from)
	for _, u := range found[from:to] {
		page.People = append(page.People, person(ctx, u))
	}
	if to < len(found) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

// Person implements [adminweb.Directory].
func (d directory) Person(ctx context.Context, id totpflow.AccountID) (adminweb.Person, error) {
	u, err := d.users.byID(ctx, id.User)
	if errors.Is(err, sql.ErrNoRows) || err == nil && u.account().ID != id {
		return adminweb.Person{}, adminweb.ErrNoPerson
	}
	return person(ctx, u), err
}

func person(ctx context.Context, u user) adminweb.Person {
	return adminweb.Person{ID: u.account().ID, Name: cmp.Or(u.Name, u.Email), Address: u.Email, Role: spoken(ctx).Say("role." + string(u.Role))}
}
