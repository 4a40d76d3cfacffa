package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

// The guarantees are the same whatever isolation a connection has by default,
// however the server counts rows, and however the driver asks.
func TestConformance(t *testing.T) {
	for _, parameters := range []string{
		"tx_isolation=%27READ-COMMITTED%27&clientFoundRows=true&interpolateParams=true",
		"tx_isolation=%27REPEATABLE-READ%27&clientFoundRows=true",
		"tx_isolation=%27REPEATABLE-READ%27&innodb_snapshot_isolation=ON",
		"tx_isolation=%27SERIALIZABLE%27&charset=latin1",
	} {
		t.Run(parameters, func(t *testing.T) {
			t.Parallel() // they wait for the disk, not for each other
			s, db := open(t, database(t, parameters))
			storetest.Run(t, func(t *testing.T) store.Store {
				_, err := db.Exec("DELETE FROM totpflow_accounts")
				require.NoError(t, err)
				return s
			})
		})
	}
}
