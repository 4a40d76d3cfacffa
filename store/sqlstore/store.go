package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Store is a [store.Store] in a SQL database. It is safe for concurrent use by
// goroutines and, on the same database, by processes. It keeps nothing in
// memory, and its errors are the driver's unless the contract names another.
//
// A driver's panic is passed on to the calling goroutine; if that has already returned
// because its context ended, the panic is logged to slog.Default. From then on all calls
// return errors until the process is restarted: the driver's connections may now return
// the answer to another statement.
type Store struct {
	db    *sql.DB
	d     Dialect
	names names
	ask   statements
	fault error // the error of an invalid dialect or of its names

	seen     atomic.Pointer[traits] // stored by Migrate
	migrated atomic.Bool            // Migrate has found or made the tables: if one is missing now, it is lost
	line     *line
	prepared prepared
	fuse     fuse
}

// traits are what Migrate has learned about the database, zero before.
type traits struct {
	quick    bool          // a read waits for nobody, so that it takes no goroutine
	patience time.Duration // how long a writer waits for another process, zero if that is not known
	file     *file         // nil where there is none
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
)

// New returns a Store in db, which the caller configures and closes. Make one for a
// process and keep it: with SQLite it holds statements until db is closed, and its
// writers wait for each other in order. It does not contact the database; call
// [Store.Migrate] before the first use, or create the schema in another way.
func New(db *sql.DB, d Dialect) *Store {
	s := &Store{db: db, d: d, line: newLine()}
	s.seen.Store(new(traits))
	if s.names, s.fault = d.names(); s.fault == nil {
		s.ask = d.d.statements(s.names)
	}
	return s
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if err := id.Validate(); err != nil {
		return store.Record{}, err
	}
	if s.fault != nil {
		return store.Record{}, s.fault
	}
	found, err := ask(ctx, s, func() ([]store.Record, error) {
		return all(ctx, s, scan, s.ask.get, id.Tenant, id.User)
	})
	switch {
	case err != nil:
		return store.Record{}, err
	case len(found) == 0:
		return store.Record{}, store.ErrNotFound
	case len(found) > 1: // the key is unique, so this is not the schema we know
		return store.Record{}, fmt.Errorf("sqlstore: %d rows of one account", len(found))
	}
	return found[0], nil
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := store.CheckPut(rec, was); err != nil {
		return err
	}
	if s.fault != nil {
		return s.fault
	}
	// A copy, since the statement may outlive this call, and never nil, which
	// drivers write as NULL.
	sealed := append([]byte{}, rec.Sealed...)
	updated, due := rec.Updated.UnixMicro(), millis(rec.Due)
	if was.IsZero() {
		return s.one(ctx, s.ask.create, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, updated, due, sealed)
	}
	return s.one(ctx, s.ask.change, rec.Version[:], rec.State, updated, due, sealed, rec.ID.Tenant, rec.ID.User, was[:])
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if s.fault != nil {
		return s.fault
	}
	return s.one(ctx, s.ask.remove, id.Tenant, id.User, was[:])
}

// one runs a statement that compares and writes. It is the only place that distinguishes
// a won race from a lost one, by the number of rows: a statement that succeeds has not
// necessarily done anything.
func (s *Store) one(ctx context.Context, statement string, args ...any) error {
	n, err := s.exec(ctx, statement, args...)
	switch {
	case err != nil && s.d.d.exists(err):
		return store.ErrConflict
	case err != nil:
		return err
	case n == 0:
		return store.ErrConflict
	case n != 1: // the key is unique, so this is not the schema we know
		return fmt.Errorf("sqlstore: %d rows written instead of one", n)
	}
	return nil
}

// never is the due time of a record that has none, which is NULL.
var never = time.Time{}.UnixMilli()

// millis returns a due time as it is kept.
func millis(due time.Time) sql.NullInt64 {
	ms := due.UnixMilli()
	return sql.NullInt64{Int64: ms, Valid: ms != never}
}

// errDamaged means that a row is not what this package writes.
var errDamaged = errors.New("sqlstore: a stored record cannot be read")

// scan reads a row of columns.
func scan(row *sql.Rows) (store.Record, error) {
	var sealed []byte
	rec, err := scanHead(row, &sealed)
	if err != nil {
		return rec, err
	}
	if len(sealed) > store.MaxSealed {
		return rec, fmt.Errorf("%w: %w", errDamaged, store.ErrTooLarge)
	}
	rec.Sealed = sealed
	return rec, nil
}

// scanHead reads a row of headColumns, and what follows them. The id comes from the row
// and not from the question, so that [store.Update] notices a database that does not
// compare byte by byte. Of a damaged row it returns the id and the due time too.
func scanHead(row *sql.Rows, more ...any) (store.Record, error) {
	var rec store.Record
	var version []byte
	var updated int64
	var due sql.NullInt64
	err := row.Scan(append([]any{&rec.ID.Tenant, &rec.ID.User, &version, &rec.State, &updated, &due}, more...)...)
	if err != nil {
		return store.Record{}, err
	}
	if err := rec.ID.Validate(); err != nil { // not passed over: see the package documentation
		return store.Record{}, fmt.Errorf("sqlstore: a stored id is damaged, or another program wrote it: %w", err)
	}
	rec.Updated = time.UnixMicro(updated).UTC()
	if due.Valid {
		rec.Due = time.UnixMilli(due.Int64).UTC()
	}
	if copy(rec.Version[:], version) != len(rec.Version) || len(version) != len(rec.Version) {
		return rec, fmt.Errorf("%w: its version has %d bytes", errDamaged, len(version))
	}
	if err := rec.Validate(); err != nil {
		return rec, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return rec, nil
}
