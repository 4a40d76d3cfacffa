package sqlite_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// SQLite goes on in a file that was removed or replaced, and what it acknowledges there
// is gone at the next start. In that case the store acknowledges nothing, and writes
// nothing beside the file that took its place.
func TestFileLost(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		for name, lose := range map[string]func(t *testing.T, path string){
			"removed": func(*testing.T, string) {},
			"replaced": func(t *testing.T, path string) {
				text, err := os.ReadFile(path + ".away")
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(path, text, 0o600))
			},
		} {
			t.Run(name, func(t *testing.T) {
				path := file(t)
				s, db := d.open(t, path, wal)
				require.NoError(t, race.Step(t.Context(), s))
				require.NoError(t, os.Rename(path, path+".away"))
				lose(t, path)

				err := race.Step(t.Context(), s)
				require.ErrorIs(t, err, sqlstore.ErrFileLost)
				require.ErrorIs(t, err, store.ErrUnavailable)
				require.ErrorIs(t, err, store.ErrNotWritten)
				_, err = s.Get(t.Context(), race.Alice)
				require.ErrorIs(t, err, sqlstore.ErrFileLost)
				require.NotErrorIs(t, err, store.ErrNotFound)
				var n int
				require.NoError(t, db.QueryRow(`SELECT count(*) FROM totpflow_accounts`).Scan(&n), "SQLite itself notices nothing")

				require.NoError(t, os.Rename(path+".away", path))
				require.NoError(t, race.Step(t.Context(), s))
				require.Equal(t, uint64(2), engine.Stored(t, s))
			})
		}
	})
}
