package app

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
)

// A tenant is an organisation: a provider, its customer, or a unit of one.
type tenant struct {
	ID, Name string
	Kind     string // provider, customer, unit
	Above    string // the id of the tenant above; empty at the top
}

// tenants are few and read at each decision: a policy that is cached applies for
// too long.
type tenants struct{ db *sql.DB }

// all returns every tenant by its id.
func (t tenants) all(ctx context.Context) (map[string]tenant, error) {
	rows, err := query(ctx, t.db, func(scan func(...any) error) (x tenant, err error) {
		return x, scan(&x.ID, &x.Name, &x.Kind, &x.Above)
	}, `SELECT id, name, kind, coalesce(above, '') FROM tenants`)
	found := make(map[string]tenant)
	for _, x := range rows {
		found[x.ID] = x
	}
	return found, err
}

var errTenant = errors.New("no such tenant")

// above is Config.ParentTenants: the tenants above one, nearest first. Of a tenant that is
// not there no policy is known, and nobody gets in.
func (t tenants) above(ctx context.Context, id string) (ids []string, err error) {
	all, err := t.all(ctx)
	if err != nil {
		return nil, err
	}
	for x, ok := all[id]; ; x, ok = all[x.Above] {
		switch {
		case !ok:
			return nil, errTenant
		case x.Above == "":
			return ids, nil
		case len(ids) == len(all):
			return nil, errors.New("a tenant stands above itself")
		}
		ids = append(ids, x.Above)
	}
}

// mandatory is Config.Mandatory: the administrators of a provider reach its customers, so
// that nobody can switch the second factor off for them.
func (t tenants) mandatory(ctx context.Context, id string) (bool, error) {
	all, err := t.all(ctx)
	if err != nil {
		return false, err
	}
	x, ok := all[id]
	if !ok {
		return false, errTenant
	}
	return x.Kind == "provider", nil
}

// under returns the tenant and those below it, each before its own.
func (t tenants) under(ctx context.Context, top tenant) ([]tenant, error) {
	all, err := t.all(ctx)
	if err != nil {
		return nil, err
	}
	rest := slices.SortedFunc(maps.Values(all), func(a, b tenant) int { return strings.Compare(a.Name, b.Name) })
	found := []tenant{top}
	for i := 0; i < len(found); i++ { // what is found is looked below as well
		for _, x := range rest {
			if x.Above == found[i].ID && !slices.Contains(found, x) {
				found = append(found, x)
			}
		}
	}
	return found, nil
}
