package mariadb_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/history"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
	"github.com/totpflow/totpflow/tests/service"
)

var alice = store.ID{Tenant: "acme", User: "alice"}

// server is the one that the tests of this package share.
var server servers.MariaDB

func TestMain(m *testing.M) {
	race.Main(map[string]race.Role{
		"history":    history.Player(opener(honest)),
		"race":       race.Racer(opener(honest)),
		"race-naive": race.Racer(opener(naive)),
		"service":    service.Desk(opener(honest)),
		"migrate":    migrator,
	})
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Servers are killed here, about which the driver would complain.
	err := mysql.SetLogger(&mysql.NopLogger{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if server, err = servers.StartMariaDB(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	return m.Run()
}

func opener(adapter func(*sql.DB) store.Store) race.Opener {
	return func(where string) (store.Store, func() error, error) {
		db, err := sql.Open("mysql", where)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		return adapter(db), db.Close, nil
	}
}

func honest(db *sql.DB) store.Store { return sqlstore.New(db, sqlstore.MySQL) }

func naive(db *sql.DB) store.Store {
	return race.Naive{Store: honest(db), Overwrite: func(ctx context.Context, rec store.Record) error {
		_, err := db.ExecContext(ctx, `REPLACE INTO totpflow_accounts VALUES (?, ?, ?, ?, ?, ?)`,
			rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, rec.Sealed, rec.Updated.UnixMicro())
		return err
	}}
}

var databases atomic.Int64

// database makes an empty database and returns its data source name, with the
// parameters behind it.
func database(t testing.TB, parameters ...string) string {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	admin, err := sql.Open("mysql", server.DSN("mysql"))
	require.NoError(t, err)
	defer admin.Close()
	// The worst collation that there is for ids: the columns have to bring their own.
	_, err = admin.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	require.NoError(t, err)
	return server.DSN(name) + "?" + strings.Join(parameters, "&")
}

// dial opens the database without touching it. When the test ends no connection
// may be left in use: a leak would stop the host after a few hours.
func dial(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() {
		// A cancelled statement may still be on its way back.
		idle := func() bool { return db.Stats().InUse == 0 }
		require.Eventually(t, idle, time.Minute, time.Millisecond, "connections leaked")
		_ = db.Close() // whose server may be gone
	})
	return db
}

// open returns a migrated store.
func open(t testing.TB, dsn string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := dial(t, dsn)
	s := sqlstore.New(db, sqlstore.MySQL)
	require.NoError(t, s.Migrate(t.Context()))
	return s, db
}

// step counts alice's record up by one.
func step(ctx context.Context, s store.Store) error {
	return store.Update(ctx, s, alice, func(was store.Record, _ bool) (*store.Record, error) {
		return race.Counter(race.Count(was) + 1), nil
	})
}

func stored(t *testing.T, s store.Store) uint64 {
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	return race.Count(rec)
}
