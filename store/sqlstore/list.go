package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/totpflow/totpflow/store"
)

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	if s.fault != nil {
		return store.Page{}, s.fault
	}
	read := reader(scan)
	if q.Heads {
		read = func(rows *sql.Rows) (store.Record, error) { return scanHead(rows) }
	}
	// One row more than wanted shows whether another page follows.
	statement, args := s.page(q, after, limit+1)
	rows, err := ask(ctx, s, func() ([]listed, error) { return all(ctx, s, read.listed(q), statement, args...) })
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = rows[limit-1].place.Cursor()
	}
	for _, row := range rows {
		if q.Selects(row.rec) {
			page.Records = append(page.Records, row.rec)
		}
	}
	return page, nil
}

// listed is a row of a list: its record, which has its id alone if it cannot be read, and
// its place, behind which the list continues.
type listed struct {
	rec   store.Record
	place store.Place
}

// A reader reads a row. Of a damaged one it returns the id and the due time.
type reader func(*sql.Rows) (store.Record, error)

// listed returns the reader of a list, in which a damaged row does not hide the others.
func (read reader) listed(q store.Query) func(*sql.Rows) (listed, error) {
	return func(rows *sql.Rows) (listed, error) {
		rec, err := read(rows)
		place := q.Place(rec)
		if errors.Is(err, errDamaged) {
			rec, err = store.Record{ID: rec.ID}, nil
		}
		return listed{rec, place}, err
	}
}

// page returns the statement of a page that begins after a place, and its arguments.
func (s *Store) page(q store.Query, after store.Place, limit int) (statement string, args []any) {
	l := listing{heads: q.Heads, all: q.AllTenants, state: q.State != "", due: !q.DueBefore.IsZero()}
	if l.state {
		args = append(args, q.State)
	}
	switch {
	case l.due:
		from := after.Due.UnixMilli()
		if after.ID == (store.AccountID{}) {
			from = never + 1 // a record that is due before the year 1 is damaged, and has no place
		}
		args = append(args, q.DueBefore.UnixMilli())
		args = append(args, s.d.d.behindArgs(from, after.ID.Tenant, after.ID.User)...)
	case l.all:
		args = append(args, s.d.d.behindArgs(after.ID.Tenant, after.ID.User)...)
	default:
		args = append(args, q.Tenant, after.ID.User)
	}
	return s.ask.lists[l], append(args, limit)
}

// Count implements [store.Counter] by an index: it looks up each state that
// occurs, and counts its entries.
func (s *Store) Count(ctx context.Context, q store.Query) (map[string]int, error) {
	if s.fault != nil {
		return nil, s.fault
	}
	statement, args := s.ask.count, []any(nil)
	if !q.AllTenants {
		statement, args = s.ask.countTenant, []any{q.Tenant}
	}
	type state struct {
		name string
		n    int
	}
	read := func(rows *sql.Rows) (c state, err error) {
		err = rows.Scan(&c.name, &c.n)
		return c, err
	}
	states, err := ask(ctx, s, func() ([]state, error) { return all(ctx, s, read, statement, args...) })
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int)
	for _, c := range states {
		if c.n > 0 {
			counts[c.name] = c.n
		}
	}
	return counts, nil
}

// all returns every row, or an error: a list that broke off must not pass for a
// short one.
func all[T any](ctx context.Context, s *Store, read func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	rows, err := s.rows(ctx, statement, args)
	return collect(rows, err, read)
}

// collect reads rows to the end and closes them.
func collect[T any](rows *sql.Rows, err error, read func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		value, err := read(rows)
		if err != nil {
			return nil, unread{err}
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

// unread is the error of a row that arrived and could not be read. The connection is not
// the cause.
type unread struct{ error }

func (u unread) Unwrap() error { return u.error }
