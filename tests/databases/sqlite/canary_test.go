package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
)

// A whole life leaves nothing secret in the program's output, in the file, in its
// write-ahead log while it is open, and in a copy that SQLite made: secrets that are
// planted there afterwards are all found.
func TestNothingSecretLeaks(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		db, err := d.dial(path, wal)
		require.NoError(t, err)
		s := sqlstore.New(db, sqlstore.SQLite)
		require.NoError(t, s.Migrate(t.Context()))
		life, err := canary.Live(t.Context(), s)
		require.NoError(t, err)
		vacuum(t, db, path)
		places := append(takeApart(t, path, "open"), life.Said())
		require.NoError(t, db.Close())
		places = append(places, takeApart(t, path, "closed")...)
		require.Empty(t, life.Find(places...))

		db, err = d.dial(path, wal)
		require.NoError(t, err)
		require.NoError(t, life.Plant(t.Context(), sqlstore.New(db, sqlstore.SQLite)))
		vacuum(t, db, path)
		found := append(takeApart(t, path, "open"), life.Said())
		require.NoError(t, db.Close())
		leaks := life.Find(append(found, takeApart(t, path, "closed")...)...)
		for _, place := range []string{"what the program said", "totpflow.db-wal open", "totpflow.db closed", "copy"} {
			require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
		}
		t.Logf("SQLite (%s): %s looked for in %s: none", d.name, life, canary.Size(places))
	})
}

// takeApart returns the files as they are.
func takeApart(t *testing.T, path, state string) []canary.Place {
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	var places []canary.Place
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), entry.Name()))
		require.NoError(t, err)
		places = append(places, canary.Place{Name: entry.Name() + " " + state, Data: data, Raw: true})
	}
	return places
}

// vacuum makes a copy beside the file.
func vacuum(t *testing.T, db *sql.DB, path string) {
	to := filepath.Join(filepath.Dir(path), "copy")
	require.NoError(t, os.RemoveAll(to))
	_, err := db.Exec("VACUUM INTO ?", to)
	require.NoError(t, err)
}
