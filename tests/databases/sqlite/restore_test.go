package sqlite_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A backup is copied back, once over a file whose -wal was left there, which SQLite then
// plays over the copy, and once as the package documentation says. The first mistake is
// detected before anybody relies on the data.
func TestRestoreFromACopy(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		s, db := d.open(t, path, wal)
		write(t, s, 200, "before")
		_, err := db.Exec(`VACUUM INTO ?`, path+".backup")
		require.NoError(t, err)
		require.NoError(t, s.CheckIntegrity(t.Context()))

		// Writes after the backup lie in the -wal alone when the machine stops.
		_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
		require.NoError(t, err)
		write(t, s, 400, "after")
		copyFile(t, path+"-wal", path+".left")

		restored := file(t)
		copyFile(t, path+".backup", restored)
		copyFile(t, path+".left", restored+"-wal")
		mixed, err := d.dial(restored, wal)
		require.NoError(t, err)
		defer mixed.Close()
		err = sqlstore.New(mixed, sqlstore.SQLite).CheckIntegrity(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrCorrupt)
		require.NotErrorIs(t, err, store.ErrUnavailable)
		t.Logf("%s: %v", d.name, err)

		clean := file(t)
		copyFile(t, path+".backup", clean)
		s, _ = d.open(t, clean, wal)
		require.NoError(t, s.CheckIntegrity(t.Context()))
		counts, err := store.Count(t.Context(), s, store.Query{Tenant: "acme"})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"before": 200}, counts)
	})
}

// write makes or changes records.
func write(t *testing.T, s store.Store, n int, state string) {
	for i := range n {
		id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("%04d", i*7919%1000)}
		err := store.Update(t.Context(), s, id, func(store.Record, bool) (*store.Record, error) {
			return &store.Record{State: state, Sealed: make([]byte, 1500)}, nil
		})
		require.NoError(t, err)
	}
}

func copyFile(t *testing.T, from, to string) {
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}
