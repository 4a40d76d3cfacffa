package postgres_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A pool that gives every statement another connection, set up as the package
// documentation says. No two statements of the store belong together, and those of
// Migrate are in a transaction.
func TestPgBouncer(t *testing.T) {
	pool, err := servers.StartPgBouncer(server)
	require.NoError(t, err)
	defer pool.Close()
	dsn, err := url.Parse(database(t))
	require.NoError(t, err)
	s, db := open(t, pool.DSN(dsn.Path[1:])+"&default_query_exec_mode=exec")
	storetest.Run(t, func(t *testing.T) store.Store {
		_, err := db.Exec("DELETE FROM totpflow_accounts")
		require.NoError(t, err)
		return engine.Damaging{Store: s, DB: db}
	})
}
