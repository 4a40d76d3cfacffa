package redis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A write that too few replicas have is not a success, does not become one when it is
// read back, and nobody else gets to see it.
func TestTooFewReplicas(t *testing.T) {
	primary, replica := begin(t), begin(t)
	follow(t, replica, primary)
	s, _ := open(t, primary, redisstore.Options{Replicas: 1})
	// A call waits only two seconds for the replica, which may pass on a busy machine.
	written := func() bool { return race.Step(t.Context(), s) == nil }
	require.Eventually(t, written, time.Minute, time.Millisecond)
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
	require.Eventually(t, written, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { rec, err := s.Get(t.Context(), race.Alice); return err == nil && race.Count(rec) >= 2 }, time.Minute, time.Millisecond)
}
