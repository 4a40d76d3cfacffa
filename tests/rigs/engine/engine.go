// Package engine contains the tests of store/sqlstore that are the same for every
// database server. The packages postgres and mariadb start the server, and add what is
// particular to it.
package engine

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// An Engine is a kind of database server.
type Engine struct {
	Name      string // its name in figures
	Driver    string // its driver for database/sql
	Dialect   sqlstore.Dialect
	Overwrite string // the statement that writes a record, whatever is there
}

// A Server is a running one.
type Server interface {
	race.Server
	Addr() string
	Pause() error
	Resume() error
}

// Roles are what a test binary does when it starts itself as another process.
func (e Engine) Roles() map[string]race.Role {
	honest, naive := e.Opener(e.Honest), e.Opener(e.Naive)
	return map[string]race.Role{
		"history": history.Player(honest), "history-naive": history.Player(naive),
		"race": race.Racer(honest), "race-naive": race.Racer(naive),
		"service": service.Replica(honest), "service-naive": service.Replica(naive),
		"notify":  notify.Victim(honest),
		"migrate": e.migrator,
	}
}

// Opener opens a store in a child.
func (e Engine) Opener(adapter func(*sql.DB) store.Store) race.Opener {
	return func(where string) (store.Store, func() error, error) {
		db, err := sql.Open(e.Driver, where)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		return adapter(db), db.Close, nil
	}
}

// Honest returns the store that is tested.
func (e Engine) Honest(db *sql.DB) store.Store { return sqlstore.New(db, e.Dialect) }

// Naive returns a store that reads, compares and then writes.
func (e Engine) Naive(db *sql.DB) store.Store {
	return race.Naive{Store: e.Honest(db), Overwrite: func(ctx context.Context, rec store.Record) error {
		_, err := db.ExecContext(ctx, e.Overwrite, rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, rec.Sealed, rec.Updated.UnixMicro(), nil)
		return err
	}}
}

// Dial opens the database without touching it.
func (e Engine) Dial(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.Driver, dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() {
		AwaitIdle(t, db)
		_ = db.Close() // its server may be gone
	})
	return db
}

// Open returns a migrated store.
func (e Engine) Open(t testing.TB, dsn string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := e.Dial(t, dsn)
	s := sqlstore.New(db, e.Dialect)
	require.NoError(t, s.Migrate(t.Context()))
	return s, db
}

// AwaitIdle fails if a connection is still in use at the end of a test: a leak would stop
// the host after a few hours.
func AwaitIdle(t testing.TB, db *sql.DB) {
	t.Helper()
	// A cancelled statement may still be on its way back.
	idle := func() bool { return db.Stats().InUse == 0 }
	require.Eventually(t, idle, time.Minute, time.Millisecond, "connections leaked")
}

// Stored returns the number in alice's record.
func Stored(t testing.TB, s store.Store) uint64 {
	t.Helper()
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	return race.Count(rec)
}

// Column returns the rows of a query that has one column, at least one row.
func Column(t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, all)
	return all
}

// Clear deletes every record.
func Clear(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "DELETE FROM totpflow_accounts")
	return err
}
