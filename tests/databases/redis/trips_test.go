package redis_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

func TestThreeTrips(t *testing.T) {
	var trips service.Trips
	options := patient(shared.Addr())
	options.Dialer = trips.Dial
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	s := redisstore.New(client, redisstore.Options{Prefix: prefix()})
	require.NoError(t, s.Create(t.Context()))
	require.NoError(t, service.ThreeTrips(t.Context(), s, &trips))
}
