package app

import (
	"context"
	"database/sql"
	"errors"
)

// A tenant is an organisation: a provider, its customer, or a unit of one.
type tenant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"-"` // provider, customer, unit
}

// tenants are read at each decision: a policy that is cached applies for too long.
type tenants struct{ db *sql.DB }

// Going up from a tenant and down from one. A tenant that stands above itself would go on
// for ever, and so these stop at a depth that no organisation has.
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

var errTenant = errors.New("no such tenant, or one that stands above itself")

// up returns a tenant and those above it, nearest first. Of a tenant that is not there no
// policy is known, and nobody gets in.
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

// mandatory is Config.Mandatory: the administrators of a provider reach its customers, so
// that nobody can switch the second factor off for them.
func (t tenants) mandatory(ctx context.Context, id string) (bool, error) {
	all, err := t.up(ctx, id)
	return err == nil && all[0].Kind == "provider", err
}
