package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A write that too few replicas have is no success, and does not become one by
// looking again: neither does anybody else get to see it.
func TestTooFewReplicas(t *testing.T) {
	primary, replica := begin(t), begin(t)
	follow(t, replica, primary)
	s, _ := open(t, primary, redisstore.Options{Replicas: 1})
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, replica.Pause())

	err := race.Step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, redisstore.ErrReplicas)
	other := redisstore.New(dial(t, primary), redisstore.Options{Replicas: 1})
	_, err = other.Get(t.Context(), race.Alice)
	require.ErrorIs(t, err, redisstore.ErrReplicas)
	_, err = other.List(t.Context(), store.Query{Tenant: "acme"})
	require.ErrorIs(t, err, redisstore.ErrReplicas)

	require.NoError(t, replica.Resume())
	require.NoError(t, race.Step(t.Context(), s))
	require.GreaterOrEqual(t, steps(t, s), 2)
}
