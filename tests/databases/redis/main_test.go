package redis_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
	"github.com/totpflow/totpflow/totptest"
)

// noon is when the tests begin; the clock is theirs.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// shared is the server of the tests that leave it as it is.
var shared servers.Redis

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{}) // the tests are about servers that cannot be reached
	race.Main(roles)
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if shared, err = servers.StartRedis(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// begin starts a server for one test.
func begin(t *testing.T, settings ...string) servers.Redis {
	t.Helper()
	s, err := servers.StartRedis(settings...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// patient are options of a client that waits longer than its own three seconds: for
// the context of a call, or until the connection ends.
func patient(addr string) *redis.Options {
	const patience = 2 * time.Minute
	return &redis.Options{Addr: addr, DialerRetries: 1, DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience}
}

func dial(t *testing.T, s servers.Redis) *redis.Client {
	t.Helper()
	client := redis.NewClient(patient(s.Addr()))
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// open returns a store that was created on the server.
func open(t *testing.T, s servers.Redis, o redisstore.Options) (*redisstore.Store, *redis.Client) {
	t.Helper()
	client := dial(t, s)
	made := redisstore.New(client, o)
	require.NoError(t, made.Create(t.Context()))
	return made, client
}

var prefixes atomic.Int64

// prefix returns one that no other test has.
func prefix() string { return "test" + strconv.FormatInt(prefixes.Add(1), 10) + ":" }

func newClock() *totptest.Clock { return totptest.NewClock(noon) }

// steps returns how many steps were made.
func steps(t *testing.T, s store.Store) int {
	t.Helper()
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	return int(race.Count(rec))
}
