package postgres_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

var kind = engine.Engine{
	Name: "PostgreSQL", Driver: "pgx", Dialect: sqlstore.PostgreSQL,
	Overwrite: `INSERT INTO totpflow_accounts VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, user_id)
DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state, sealed = EXCLUDED.sealed, updated = EXCLUDED.updated, due = EXCLUDED.due`,
}

// How a database is opened.
var dial, open = kind.Dial, kind.Open

// server is shared by the tests of this package.
var server servers.PostgreSQL

func TestMain(m *testing.M) {
	race.Main(kind.Roles())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if server, err = servers.StartPostgreSQL(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	return m.Run()
}

// begin starts a server for one test.
func begin(t *testing.T, settings ...string) servers.PostgreSQL {
	t.Helper()
	own, err := servers.StartPostgreSQL(settings...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close()) })
	return own
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
