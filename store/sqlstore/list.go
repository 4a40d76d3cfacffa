package sqlstore

import (
	"context"

	"github.com/totpflow/totpflow/store"
)

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	if s.d.d == nil {
		return store.Page{}, ErrDialect
	}
	// One more than wanted tells whether another page follows.
	statement, args := s.d.d.page(q, after, limit+1)
	records, err := ask(ctx, s, func() ([]store.Record, error) { return s.all(ctx, statement, args...) })
	if err != nil {
		return store.Page{}, err
	}
	if len(records) <= limit {
		return store.Page{Records: records}, nil
	}
	return store.Page{Records: records[:limit], Next: store.Cursor(records[limit-1].ID)}, nil
}

// page returns the statement of a page that begins after an id, and its
// arguments. Each selection has a statement of its own, so that the database
// takes the index that fits it.
func (d *dialect) page(q store.Query, after store.AccountID, limit int) (statement string, args []any) {
	switch {
	case q.AllTenants && q.State != "":
		statement = d.listAllState
	case q.AllTenants:
		statement = d.listAll
	case q.State != "":
		statement = d.listState
	default:
		statement = d.list
	}
	if q.State != "" {
		args = append(args, q.State)
	}
	switch {
	case q.AllTenants && d.tenantTwice:
		args = append(args, after.Tenant, after.Tenant)
	case q.AllTenants:
		args = append(args, after.Tenant)
	default:
		args = append(args, q.Tenant)
	}
	return statement, append(args, after.User, limit)
}

// all returns every row, or an error: a list that broke off must not pass for a
// short one.
func (s *Store) all(ctx context.Context, statement string, args ...any) ([]store.Record, error) {
	rows, err := s.db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []store.Record
	for rows.Next() {
		rec, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, rows.Err()
}
