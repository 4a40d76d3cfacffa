package redis_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// The connection breaks off, or goes silent, anywhere in a verification: before the write
// was sent, or when only its acknowledgement is lost. One code is never accepted twice,
// and no call succeeds that did not write.
//
// The rig fails on a store that takes a missing answer for success.
func TestCutAnywhere(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, _ := open(t, shared, o)
	require.NoError(t, s.Put(t.Context(), first(), store.Version{}))
	cable, err := race.NewCable(shared.Addr())
	require.NoError(t, err)
	defer cable.Close()
	through := func(wrap func(store.Store) store.Store) race.Opener {
		return func(addr string) (store.Store, func() error, error) {
			client := redis.NewClient(patient(addr))
			return wrap(redisstore.New(client, o)), client.Close, nil
		}
	}

	apart := race.Rounds(5, 1) // bytes from one cut to the next
	cuts, err := race.Cut(s, cable, through(func(s store.Store) store.Store { return s }), cable.Addr(), apart)
	t.Logf("Redis, cut anywhere: %d cuts, %d bytes from one to the next", cuts, apart)
	require.NoError(t, err)
	require.Greater(t, cuts, 100)

	_, err = race.Cut(s, cable, through(func(s store.Store) store.Store { return race.Hopeful{Store: s} }), cable.Addr(), 5)
	require.Error(t, err)
}

// first returns alice's record for the rigs.
func first() store.Record {
	rec := *race.Counter(1)
	rec.ID, rec.Version = race.Alice, store.NewVersion()
	return rec
}
