package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		p := prefix()
		s, client := open(t, shared, redisstore.Options{Prefix: p})
		return damaging{s, client, p}
	})
}

// With a replica to wait for, and with the older of the two protocols.
func TestConformanceWithReplica(t *testing.T) {
	primary, replica := begin(t), begin(t)
	follow(t, replica, primary)
	options := patient(primary.Addr())
	options.Protocol = 2
	client := redis.NewClient(options)
	defer client.Close()
	storetest.Run(t, func(t *testing.T) store.Store {
		p := prefix()
		s := redisstore.New(client, redisstore.Options{Prefix: p, Replicas: 1, ReplicaWait: time.Minute})
		require.NoError(t, s.Create(t.Context()))
		return damaging{s, client, p}
	})
}

// A damaging store can make a record unreadable.
type damaging struct {
	*redisstore.Store
	client *redis.Client
	prefix string
}

// Damage implements [storetest.Damager].
func (d damaging) Damage(ctx context.Context, id store.AccountID) error {
	return d.client.HSet(ctx, d.prefix+"account\x00"+id.Tenant+"\x00"+id.User, "version", "damaged").Err()
}
