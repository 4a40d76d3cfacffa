package postgres_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/servers"
)

// server is the one that the tests of this package share.
var server servers.PostgreSQL

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = servers.StartPostgreSQL(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	return m.Run()
}

var databases atomic.Int64

// database makes an empty database and returns its data source name, with the
// parameters behind it.
func database(t testing.TB, parameters ...string) string {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	admin, err := sql.Open("pgx", server.DSN("postgres"))
	require.NoError(t, err)
	defer admin.Close()
	_, err = admin.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	return strings.Join(append([]string{server.DSN(name)}, parameters...), "&")
}

// dial opens the database without touching it.
func dial(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() {
		// A cancelled statement may still be on its way back.
		idle := func() bool { return db.Stats().InUse == 0 }
		require.Eventually(t, idle, time.Minute, time.Millisecond, "connections leaked")
		require.NoError(t, db.Close())
	})
	return db
}

// open returns a migrated store.
func open(t testing.TB, dsn string) (store.Store, *sql.DB) {
	t.Helper()
	db := dial(t, dsn)
	s := sqlstore.New(db, sqlstore.PostgreSQL)
	require.NoError(t, s.Migrate(t.Context()))
	return s, db
}
