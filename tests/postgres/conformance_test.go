package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

// The guarantees are the same whatever isolation a connection has by default,
// and however the driver asks.
func TestConformance(t *testing.T) {
	for _, parameters := range []string{
		"default_transaction_isolation=read%20committed&default_query_exec_mode=simple_protocol",
		"default_transaction_isolation=repeatable%20read&plan_cache_mode=force_generic_plan",
		"default_transaction_isolation=serializable",
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
