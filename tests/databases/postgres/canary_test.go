package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A whole life leaves nothing secret in the program's output, in a server's log that has
// every statement with its parameters, in a dump, in a table and in the write-ahead log:
// secrets that are planted there afterwards are all found.
func TestNothingSecretLeaks(t *testing.T) {
	own := begin(t, "log_statement=all", "log_min_duration_statement=0")
	s := sqlstore.New(reopen(t, own), sqlstore.PostgreSQL)
	require.NoError(t, s.Migrate(t.Context()))
	life, err := canary.Live(t.Context(), s)
	require.NoError(t, err)
	places := append(takeApart(t, own), life.Said())
	require.Empty(t, life.Find(places...))

	require.NoError(t, life.Plant(t.Context(), sqlstore.New(reopen(t, own), sqlstore.PostgreSQL)))
	leaks := life.Find(append(takeApart(t, own), life.Said())...)
	for _, place := range []string{"what the program said", "pg_dump", "log", "data/pg_wal/", "data/base/"} {
		require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
	}
	t.Logf("PostgreSQL: %s looked for in %s: none", life, canary.Size(places))
}

// takeApart returns a dump, and after a kill the server's log and files.
func takeApart(t *testing.T, own servers.PostgreSQL) []canary.Place {
	dump, err := own.Dump("postgres")
	require.NoError(t, err)
	_, err = reopen(t, own).Exec("CHECKPOINT") // writes memory into the table's file
	require.NoError(t, err)
	require.NoError(t, own.Kill())
	files, err := own.Files()
	require.NoError(t, err)
	require.NoError(t, own.Start())
	return append(canary.Places(files, "log"), canary.Place{Name: "pg_dump", Data: dump})
}

func reopen(t *testing.T, own servers.PostgreSQL) *sql.DB { return dial(t, own.DSN("postgres")) }
