package postgres_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/race"
)

// Two processes with 64 goroutines each race for one account: each code is
// accepted exactly once, and a counter ends at the number of successes. The same
// rigs have to go red on a store that reads, compares and then writes.
func TestRace(t *testing.T) {
	for _, rig := range race.Rigs(100) {
		for _, isolation := range []string{"read committed", "serializable"} {
			t.Run(rig.Name+", "+isolation, func(t *testing.T) {
				dsn := database(t, "default_transaction_isolation="+url.PathEscape(isolation))
				s, _ := open(t, dsn)
				saw, err := rig.Run(s, "race", dsn)
				t.Logf("PostgreSQL, %s, %s: %v", rig.Name, isolation, saw)
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
