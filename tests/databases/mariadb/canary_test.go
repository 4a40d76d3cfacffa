package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A whole life leaves nothing secret in the program's output, in the server's log of all
// queries, in a dump, in the table, in the redo log and in the binary log: secrets that
// are planted there afterwards are all found.
func TestNothingSecretLeaks(t *testing.T) {
	own := begin(t, "general-log=1", "general-log-file=queries.log", "log-bin=binlog", "sync-binlog=1")
	s, _ := open(t, own.DSN("mysql"))
	life, err := canary.Live(t.Context(), s)
	require.NoError(t, err)
	places := append(takeApart(t, own), life.Said())
	require.Empty(t, life.Find(places...))

	require.NoError(t, life.Plant(t.Context(), sqlstore.New(dial(t, own.DSN("mysql")), sqlstore.MySQL)))
	leaks := life.Find(append(takeApart(t, own), life.Said())...)
	for _, place := range []string{"what the program said", "mariadb-dump", "data/queries.log", "data/binlog.0", "data/ib_logfile", "data/mysql/totpflow_accounts.ibd"} {
		require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
	}
	t.Logf("MariaDB: %s looked for in %s: none", life, canary.Size(places))
}

// takeApart returns a dump, and after a kill the server's log and files.
func takeApart(t *testing.T, own servers.MariaDB) []canary.Place {
	dump, err := own.Dump("mysql")
	require.NoError(t, err)
	db := dial(t, own.DSN("mysql"))
	db.SetMaxOpenConns(1) // both statements need one session
	for _, statement := range []string{"FLUSH TABLES totpflow_accounts FOR EXPORT", "UNLOCK TABLES"} {
		_, err = db.Exec(statement) // writes memory into the table's file
		require.NoError(t, err)
	}
	require.NoError(t, own.Kill())
	files, err := own.Files()
	require.NoError(t, err)
	require.NoError(t, own.Start())
	return append(canary.Places(files, "log", "data/queries.log"), canary.Place{Name: "mariadb-dump", Data: dump})
}
