package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// One order of all requests of two processes, about one record and one account, explains
// the answers that they got.
func TestHistoryOfRace(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		s, _ := d.open(t, path, wal)
		saw, err := history.Race(s, "history", d.where(path), race.Rounds(10, 200))
		t.Logf("SQLite by %s, history of a race: %v", d.name, saw)
		require.NoError(t, err)
		require.NotZero(t, saw.Refused)
	})
}

// The same if the processes are killed, and others go on.
func TestHistoryOfKills(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		s, _ := d.open(t, path, wal)
		saw, err := history.Kill(s, "history", d.where(path), race.Rounds(3, 100))
		t.Logf("SQLite by %s, history of kills: %v", d.name, saw)
		require.NoError(t, err)
		require.NotZero(t, saw.Unavailable)
	})
}
