package mariadb_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

var kind = engine.Engine{
	Name: "MariaDB", Driver: "mysql", Dialect: sqlstore.MySQL,
	Overwrite: `REPLACE INTO totpflow_accounts VALUES (?, ?, ?, ?, ?, ?, ?)`,
}

// How a database is opened.
var dial, open = kind.Dial, kind.Open

// server is shared by the tests of this package.
var server servers.MariaDB

func TestMain(m *testing.M) {
	race.Main(kind.Roles())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Tests kill servers, and the driver would log that.
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

// begin starts a server for one test.
func begin(t *testing.T, settings ...string) servers.MariaDB {
	t.Helper()
	own, err := servers.StartMariaDB(settings...)
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
	admin, err := sql.Open("mysql", server.DSN("mysql"))
	require.NoError(t, err)
	defer admin.Close()
	// The worst possible collation for ids: the columns must bring their own.
	_, err = admin.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	require.NoError(t, err)
	return server.DSN(name) + "?" + strings.Join(parameters, "&")
}
