package app

import (
	"context"
	"database/sql"
	"errors"
)

// A tenant is an organisation: a provider, a customer of one, or a unit of a customer.
type tenant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"-"` // provider, customer, unit
}

// tenants are read at each decision, because a cached policy applies for too long.
type tenants struct{ db *sql.DB }

// The queries for the tenants above and below one. A tenant that is above itself would
// make them endless, so they stop at a depth that no organisation has.
const (
	tenantsAbove = `WITH RECURSIVE found(id, depth) AS (SELECT ?, 0 UNION ALL
		SELECT above, depth + 1 FROM tenants JOIN found USING (id) WHERE above IS NOT NULL AND depth < 100)
		SELECT id, name, kind FROM found JOIN tenants USING (id) ORDER BY depth`
	tenantsUnder = `WITH RECURSIVE found(id, depth) AS (SELECT ?, 0 UNION ALL
		SELECT tenants.id, depth + 1 FROM tenants JOIN found ON above = found.id WHERE depth < 100)
		SELECT id, name, kind FROM found JOIN tenants USING (id) ORDER BY depth, name`
	allTenants = `SELECT id, name, kind FROM tenants`
)

func (t tenants) list(ctx context.Context, text string, args ...any) ([]tenant, error) {
	return query(ctx, t.db, func(scan func(...any) error) (x tenant, err error) {
		return x, scan(&x.ID, &x.Name, &x.Kind)
	}, text, args...)
}

var errTenant = errors.New("no such tenant, or one that is above itself")

// up returns a tenant and those above it, nearest first. A tenant that does not exist is
// an error: its policy is not known, so nobody gets in.
func (t tenants) up(ctx context.Context, id string) ([]tenant, error) {
	all, err := t.list(ctx, tenantsAbove, id)
	if err == nil && (len(all) == 0 || len(all) > 100) {
		err = errTenant
	}
	return all, err
}

// above is Config.ParentTenants.
func (t tenants) above(ctx context.Context, id string) (ids []string, err error) {
	all, err := t.up(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, x := range all[1:] {
		ids = append(ids, x.ID)
	}
	return ids, nil
}

// mandatory is Config.Mandatory. The administrators of a provider have access to its
// customers, so nobody can switch off the second factor for them.
func (t tenants) mandatory(ctx context.Context, id string) (bool, error) {
	all, err := t.up(ctx, id)
	return err == nil && all[0].Kind == "provider", err
}
