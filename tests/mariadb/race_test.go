package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/race"
)

// Two processes with 64 goroutines each race for one account: each code is
// accepted exactly once, and a counter ends at the number of successes. The same
// rigs have to go red on a store that reads, compares and then writes.
func TestRace(t *testing.T) {
	for _, rig := range race.Rigs(100) {
		for _, parameters := range []string{"clientFoundRows=true", "tx_isolation=%27SERIALIZABLE%27"} {
			t.Run(rig.Name+", "+parameters, func(t *testing.T) {
				dsn := database(t, parameters)
				s, _ := open(t, dsn)
				saw, err := rig.Run(s, "race", dsn)
				t.Logf("MariaDB, %s, %s: %v", rig.Name, parameters, saw)
				require.NoError(t, err)
			})
		}
		t.Run(rig.Name+", naive", func(t *testing.T) {
			dsn := database(t)
			s, _ := open(t, dsn)
			_, err := rig.Run(s, "race-naive", dsn)
			require.Error(t, err)
		})
	}
}
