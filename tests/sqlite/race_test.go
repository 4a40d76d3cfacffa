package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/race"
)

// Two processes with 64 goroutines each race for one account on one file: each
// code is accepted exactly once, and a counter ends at the number of successes.
// The same rigs have to go red on a store that reads, compares and then writes;
// else they prove nothing.
func TestRace(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		rigs := map[string]func(s store.Store, role, where string) error{
			"one winner": func(s store.Store, role, where string) error { return race.Consume(s, role, where, raceRounds) },
			"sum":        func(s store.Store, role, where string) error { return race.Sum(s, role, where, sumRounds) },
		}
		for name, rig := range rigs {
			t.Run(name, func(t *testing.T) {
				path, other := file(t), file(t)
				s, _ := d.open(t, path, wal)
				require.NoError(t, rig(s, "race", d.where(path)))
				s, _ = d.open(t, other, wal)
				require.Error(t, rig(s, "race-naive", d.where(other)))
			})
		}
	})
}
