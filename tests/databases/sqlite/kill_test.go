package sqlite_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// An acknowledged write is still there after SIGKILL, whenever it comes. This shows that
// nothing waits in the process for a later flush. A power cut, which also loses what
// waits in the kernel, cannot be made here: PRAGMA synchronous=FULL, on which Migrate
// insists, protects against it.
//
// The rig fails on a writer that acknowledges before it commits.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	rounds := race.Rounds(12, 200)
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		s, _ := d.open(t, path, wal)
		acknowledged, lost, err := race.Kill(s, "write", d.where(path), rounds)
		t.Logf("SQLite by %s, writers killed: %d rounds, %d writes acknowledged, %d lost", d.name, rounds, acknowledged, len(lost))
		require.NoError(t, err)
		require.Empty(t, lost)
		require.Greater(t, acknowledged, rounds)

		path = file(t)
		s, _ = d.open(t, path, wal)
		_, lost, err = race.Kill(s, "write-lazy", d.where(path), rounds)
		require.NoError(t, err)
		require.NotEmpty(t, lost)
	})
}

// writeLazily acknowledges each write at once and would commit later, as "write-behind"
// caches do. It is killed before that.
func writeLazily(where string) error {
	var round int
	if _, err := fmt.Scan(&round); err != nil {
		return err
	}
	db, err := dialWhere(where)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		v := store.NewVersion()
		for _, id := range []store.AccountID{race.Numbered(round, 0), race.Numbered(round, n)} {
			if _, err := tx.Exec(`INSERT OR REPLACE INTO totpflow_accounts VALUES (?, ?, ?, '', ?, 0, NULL)`,
				id.Tenant, id.User, v[:], race.Counter(n).Sealed); err != nil {
				return err
			}
		}
		fmt.Println(n, v)
	}
}
