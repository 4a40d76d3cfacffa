package command_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
)

// The product finds the printed schema complete: it has nothing left to define.
func TestSchema(t *testing.T) {
	h := newInstallation(t)
	r := h.bare("schema")
	require.Zero(t, r.code, r.err)
	db, err := sql.Open("sqlite", "file:"+h.dir+"/other.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(r.out)
	require.NoError(t, err)
	require.NoError(t, sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()), "it would define a table once more, which is an error")

	delete(h.env, "TOTPFLOW_DB")
	for dialect, words := range map[string]string{"postgres": "bytea", "postgresql": "bytea", "mysql": "MEDIUMBLOB", "mariadb": "MEDIUMBLOB", "sqlite": "STRICT"} {
		r := h.bare("schema", "--dialect", dialect)
		require.Zero(t, r.code, r.err)
		require.Contains(t, r.out, words)
		require.Contains(t, r.out, "-- 0001_accounts.sql\n-- +goose Up\n")
	}
	r = h.bare("schema", "--dialect", "postgres", "--schema", "auth", "--prefix", "mfa_")
	require.Contains(t, r.out, "CREATE TABLE auth.mfa_accounts (")
	require.NotContains(t, r.out, "totpflow_")

	h.bare("schema").failed(t, 2, "the database is missing")
	h.bare("schema", "--dialect", "oracle").failed(t, 2, "--dialect must be one of sqlite, postgres")
	h.bare("schema", "--dialect", "postgres", "--prefix", "x; DROP TABLE users; --").failed(t, 2, "lower-case letters")
	h.bare("schema", "--dialect", "sqlite", "--schema", "auth").failed(t, 2, "SQLite has no schemas")
}

// Existing files stay as they are: a tool has noted that it has applied them.
func TestSchemaIntoAFolder(t *testing.T) {
	h := newInstallation(t)
	folder := filepath.Join(h.dir, "db", "migrations")
	file := filepath.Join(folder, "0001_accounts.sql")
	require.Equal(t, file+": written\n", h.bare("schema", "--out", folder).out)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, file+": already there\n", h.bare("schema", "--out", folder).out)
	h.bare("schema", "--dialect", "mysql", "--out", folder).failed(t, 1, "exists already and differs")
	again, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, again)

	type found struct {
		Dialect string
		Files   []struct {
			Name, SQL string
			Written   bool
		}
	}
	x := decode[found](t, h.bare("schema", "--out", folder, "--json"))
	require.Equal(t, "SQLite", x.Dialect)
	require.Equal(t, string(text), x.Files[0].SQL)
	require.False(t, x.Files[0].Written)
	h.bare("schema", "--out", file).failed(t, 1, "not a directory")
}
