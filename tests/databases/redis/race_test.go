package redis_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// roles are what this binary does when it starts itself as another process.
var roles = map[string]race.Role{
	"history": history.Player(honest), "history-naive": history.Player(naive),
	"race": race.Racer(honest), "race-naive": race.Racer(naive),
	"service": service.Replica(honest), "service-naive": service.Replica(naive),
	"notify": notify.Victim(honest),
}

// Two processes with 64 goroutines each race for one account: each code is accepted
// exactly once, and a counter ends at the number of successes. The same rigs must fail on
// a store that reads, compares and then writes.
func TestRace(t *testing.T) {
	for _, rig := range race.Rigs(200) {
		t.Run(rig.Name, func(t *testing.T) {
			o := redisstore.Options{Prefix: prefix()}
			s, _ := open(t, shared, o)
			where := shared.Addr() + " " + o.Prefix
			saw, err := rig.Run(s, "race", where)
			t.Logf("Redis, %s: %v", rig.Name, saw)
			require.NoError(t, err)
			_, err = rig.Run(s, "race-naive", where)
			require.Error(t, err)
		})
	}
}

// honest returns the store of a child: where names the server and the prefix.
func honest(where string) (store.Store, func() error, error) {
	s, client := attach(where)
	return s, client.Close, nil
}

func naive(where string) (store.Store, func() error, error) {
	s, client := attach(where)
	_, prefix, _ := strings.Cut(where, " ")
	overwrite := func(ctx context.Context, rec store.Record) error {
		return client.HSet(ctx, prefix+"account\x00"+rec.ID.Tenant+"\x00"+rec.ID.User, "version", rec.Version[:],
			"state", rec.State, "sealed", rec.Sealed, "updated", rec.Updated.UnixMicro()).Err()
	}
	return race.Naive{Store: s, Overwrite: overwrite}, client.Close, nil
}

func attach(where string) (*redisstore.Store, *redis.Client) {
	addr, prefix, _ := strings.Cut(where, " ")
	client := redis.NewClient(patient(addr))
	return redisstore.New(client, redisstore.Options{Prefix: prefix}), client
}
