package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/walk"
)

// Two services, each with a client of one server, do what the model of the whole service
// says, whatever two people do in whatever order, while calls to the server fail and the
// clock jumps.
func TestServiceWalk(t *testing.T) {
	one, other := dial(t, shared), dial(t, shared)
	seeds, err := walk.Seeds(race.Rounds(6, 400))
	require.NoError(t, err)
	met, err := walk.Many(t.Context(), seeds, func() ([2]store.Store, error) {
		o := redisstore.Options{Prefix: prefix()}
		first, second := redisstore.New(one, o), redisstore.New(other, o)
		return [2]store.Store{first, second}, first.Create(t.Context())
	})
	require.NoError(t, err)
	t.Logf("%d walks from seed %d on: %v", len(seeds), seeds[0], met)
}
