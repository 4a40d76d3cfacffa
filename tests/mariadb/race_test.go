package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/race"
)

const (
	raceRounds = 100 // at each of two isolation levels; each: one code, 128 hands
	sumRounds  = 2   // each: 128 increments of one counter
)

// Two processes with 64 goroutines each race for one account: each code is
// accepted exactly once, and a counter ends at the number of successes. The same
// rigs have to go red on a store that reads, compares and then writes.
func TestRace(t *testing.T) {
	for _, parameters := range []string{"clientFoundRows=true", "tx_isolation=%27SERIALIZABLE%27"} {
		t.Run(parameters, func(t *testing.T) {
			dsn := database(t, parameters)
			s, _ := open(t, dsn)
			require.NoError(t, race.Consume(s, "race", dsn, raceRounds))
			require.NoError(t, race.Sum(s, "race", dsn, sumRounds))
		})
	}
	t.Run("naive", func(t *testing.T) {
		dsn := database(t)
		s, _ := open(t, dsn)
		require.Error(t, race.Consume(s, "race-naive", dsn, raceRounds))
		require.Error(t, race.Sum(s, "race-naive", dsn, sumRounds))
	})
}
