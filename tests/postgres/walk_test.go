package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/walk"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/race"
)

// Two services with a pool each on one database do what the model of the whole
// service says, whatever two people do in whatever order, while calls to the
// database fail and the clock jumps.
func TestServiceWalk(t *testing.T) {
	dsn := database(t)
	first, db := open(t, dsn)
	second, _ := open(t, dsn)
	seeds, err := walk.Seeds(race.Rounds(6, 400))
	require.NoError(t, err)
	met, err := walk.Many(t.Context(), seeds, func() ([2]store.Store, error) {
		_, err := db.ExecContext(t.Context(), "DELETE FROM totpflow_accounts")
		return [2]store.Store{first, second}, err
	})
	require.NoError(t, err)
	t.Logf("%d walks from seed %d on: %v", len(seeds), seeds[0], met)
}
