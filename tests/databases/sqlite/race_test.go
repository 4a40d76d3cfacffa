package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Two processes with 64 goroutines each race for one account in one file: each code is
// accepted exactly once, and a counter ends at the number of successes. The same rigs
// must fail on a store that reads, compares and then writes; otherwise they prove
// nothing.
func TestRace(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		rounds := 100
		if d.name == modernc.name {
			rounds = 20 // C translated to Go, which the race detector slows down many times
		}
		for _, rig := range race.Rigs(rounds) {
			t.Run(rig.Name, func(t *testing.T) {
				path, other := file(t), file(t)
				s, _ := d.open(t, path, wal)
				saw, err := rig.Run(s, "race", d.where(path))
				t.Logf("SQLite by %s, %s: %v", d.name, rig.Name, saw)
				require.NoError(t, err)

				s, _ = d.open(t, other, wal)
				_, err = rig.Run(s, "race-naive", d.where(other))
				require.Error(t, err)
			})
		}
	})
}
