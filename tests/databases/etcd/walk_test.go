package etcd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/walk"
)

// Two services do what the model of the whole service says, whatever two people do in
// whatever order, while calls to the cluster fail and the clock jumps. Each has a client
// of a different member, so that a read which asks that member alone would show an old
// state.
func TestServiceWalk(t *testing.T) {
	members := begin(t, 3, calm...)
	one, other := dial(t, members[0]), dial(t, members[1])
	seeds, err := walk.Seeds(race.Rounds(5, 400))
	require.NoError(t, err)
	met, err := walk.Many(t.Context(), seeds, func() ([2]store.Store, error) {
		p := prefix()
		return [2]store.Store{etcdstore.New(one, p), etcdstore.New(other, p)}, nil
	})
	require.NoError(t, err)
	t.Logf("%d walks from seed %d on: %v", len(seeds), seeds[0], met)
}
