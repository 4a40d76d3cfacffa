package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web/adminweb"
)

var errNotAdministrator = errors.New("not an administrator")

// newOffice makes the administrators' pages, which are those of web/adminweb. The console
// provides the people, the mails and the deletion.
func (c *console) newOffice() (*adminweb.Pages, error) {
	return adminweb.New(adminweb.Config{
		Web: c.web, Admin: c.admin(), Directory: directory{c.users, c.tenants}, Alerts: c.alerts.Recent, LostRaces: c.races.Lost,
		Deliver: func(ctx context.Context, to adminweb.Person, code admin.IssuedCode) error {
			u, err := c.users.byID(ctx, to.ID.User)
			if err != nil {
				return err
			}
			return c.send(ctx, u, c.letters.Issued(u.reads(ctx), code))
		},
		Reminders: true,
		Erase: func(ctx context.Context, p adminweb.Person) error {
			return c.users.delete(context.WithoutCancel(ctx), p.ID.User)
		},
		Roles: []adminweb.Role{{ID: string(roleAdmin), Name: "Administrators"}, {ID: string(roleUser), Name: "Users"}},
	})
}

// admin returns the administrators' calls, under the console's rule. The library ensures
// that the target is in the administrator's own tenant or in one below it, and is
// somebody else.
func (c *console) admin() admin.Admin { return admin.New(c.mfa, c.rule) }

// rule lets administrators do everything, with two exceptions: they cannot change another
// account of their own, and cannot approve their own request with it. It reads the table
// each time, because a person who was an administrator a minute ago may not be one now.
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
	users   users
	tenants tenants
}

// Tenants implements [adminweb.Directory]: the administrator's own tenant, and those
// below it.
func (d directory) Tenants(ctx context.Context, administrator totpflow.User) (all []adminweb.Tenant, err error) {
	u, err := d.users.byID(ctx, administrator.ID.User)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (!u.Administers() || u.account().ID != administrator.ID) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	under, err := d.tenants.list(ctx, tenantsUnder, u.Tenant.ID)
	for _, t := range under {
		all = append(all, adminweb.Tenant{ID: t.ID, Name: t.Name})
	}
	return all, err
}

// People implements [adminweb.Directory]. It does not search in SQLite, which knows only
// the capitals of ASCII. A product with many people searches in its database.
func (d directory) People(ctx context.Context, q adminweb.Query) (adminweb.People, error) {
	found, err := d.users.ofTenants(ctx, q.Tenants)
	if err != nil {
		return adminweb.People{}, err
	}
	all := make([]adminweb.Person, len(found))
	for i, u := range found {
		all[i] = person(ctx, u)
	}
	return q.Among(all), nil
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
