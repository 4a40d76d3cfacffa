package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Store is a [store.Store] in a SQL database. It is safe for concurrent use by
// goroutines and, on the same database, by processes. It keeps nothing in
// memory, and its errors are the driver's unless the contract names another.
type Store struct {
	db *sql.DB
	d  Dialect
}

var _ store.Store = (*Store)(nil)

// New returns a Store in db, which stays the caller's to configure and close.
// It asks nothing of the database; call [Store.Migrate] before the first use,
// or see to the schema otherwise.
func New(db *sql.DB, d Dialect) *Store { return &Store{db, d} }

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id store.ID) (store.Record, error) {
	if err := id.Validate(); err != nil {
		return store.Record{}, err
	}
	if s.d.d == nil {
		return store.Record{}, ErrDialect
	}
	return prompt(ctx, func() (store.Record, error) {
		rec, err := scan(s.db.QueryRowContext(ctx, s.d.d.get, id.Tenant, id.User))
		if errors.Is(err, sql.ErrNoRows) {
			return store.Record{}, store.ErrNotFound
		}
		return rec, err
	})
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := store.CheckPut(rec, was); err != nil {
		return err
	}
	if s.d.d == nil {
		return ErrDialect
	}
	// A copy, since the statement may outlive this call, and never nil, which
	// drivers write as NULL.
	sealed := append([]byte{}, rec.Sealed...)
	updated := rec.Updated.UnixMicro()
	if was.IsZero() {
		return s.one(ctx, s.d.d.create, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, sealed, updated)
	}
	return s.one(ctx, s.d.d.change, rec.Version[:], rec.State, sealed, updated, rec.ID.Tenant, rec.ID.User, was[:])
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.ID, was store.Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if s.d.d == nil {
		return ErrDialect
	}
	return s.one(ctx, s.d.d.remove, id.Tenant, id.User, was[:])
}

// one runs a statement that compares and writes. It is the only place that
// tells a won race from a lost one, by the number of rows: a statement that
// succeeds has not necessarily done anything.
func (s *Store) one(ctx context.Context, statement string, args ...any) error {
	n, err := prompt(ctx, func() (int64, error) {
		res, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
	switch {
	case err != nil:
		return err
	case n == 0:
		return store.ErrConflict
	case n != 1: // the key is unique, so this is not the schema we know
		return fmt.Errorf("sqlstore: %d rows written instead of one", n)
	}
	return nil
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	if s.d.d == nil {
		return store.Page{}, ErrDialect
	}
	statement, tenant := s.d.d.list, q.Tenant
	if q.AllTenants {
		statement, tenant = s.d.d.listAll, after.Tenant
	}
	records, err := prompt(ctx, func() ([]store.Record, error) {
		// One more than wanted tells whether another page follows.
		return s.all(ctx, statement, tenant, after.User, q.State, q.State, limit+1)
	})
	if err != nil {
		return store.Page{}, err
	}
	if len(records) <= limit {
		return store.Page{Records: records}, nil
	}
	return store.Page{Records: records[:limit], Next: store.Cursor(records[limit-1].ID)}, nil
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

// scan reads a row of the columns tenant, user_id, version, state, sealed,
// updated. The id comes from the row and not from the question, so that
// [store.Update] notices a database that compares otherwise than by bytes.
func scan(row interface{ Scan(dest ...any) error }) (store.Record, error) {
	var rec store.Record
	var version []byte
	var updated int64
	if err := row.Scan(&rec.ID.Tenant, &rec.ID.User, &version, &rec.State, &rec.Sealed, &updated); err != nil {
		return store.Record{}, err
	}
	if copy(rec.Version[:], version) != len(rec.Version) || len(version) != len(rec.Version) {
		return store.Record{}, fmt.Errorf("sqlstore: a stored version has %d bytes", len(version))
	}
	rec.Updated = time.UnixMicro(updated).UTC()
	return rec, nil
}

// prompt returns what f returns, or the context's error as soon as the context
// is done. Not every driver does: a SQLite writer that waits for the file's
// lock hears of nothing until its busy timeout ends. What f still does then is
// an open outcome, as with a network. It may share nothing with the caller.
func prompt[T any](ctx context.Context, f func() (T, error)) (T, error) {
	var (
		value T
		err   error
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		value, err = f()
	}()
	select {
	case <-done:
		return value, err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
