package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A restart may have lost data: the server read a snapshot instead of the log, or an
// older disk. Every store waits, by one clock. An operator may know better.
func TestRestart(t *testing.T) {
	server, clock := begin(t), newClock()
	s, _ := open(t, server, redisstore.Options{Now: clock.Now})
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, server.Kill())
	require.NoError(t, server.Start())

	until := noon.Add(5 * time.Minute)
	requireQuarantine(t, race.Step(t.Context(), s), until)
	clock.Advance(time.Minute)
	other := redisstore.New(dial(t, server), redisstore.Options{Now: clock.Now, Quarantine: time.Hour})
	require.NoError(t, other.Check(t.Context()), "a product may start meanwhile")
	_, err := other.Get(t.Context(), race.Alice)
	requireQuarantine(t, err, until)
	_, err = other.List(t.Context(), store.Query{Tenant: "acme"})
	requireQuarantine(t, err, until)
	requireQuarantine(t, other.Put(t.Context(), store.Record{ID: race.Alice, Version: store.NewVersion()}, store.Version{}), until)
	requireQuarantine(t, other.Delete(t.Context(), race.Alice, store.NewVersion()), until)

	clock.Set(until.Add(-time.Millisecond))
	requireQuarantine(t, race.Step(t.Context(), s), until)
	clock.Set(until)
	require.Equal(t, 1, steps(t, s))
	require.NoError(t, race.Step(t.Context(), s))

	require.NoError(t, server.Kill())
	require.NoError(t, server.Start())
	require.NoError(t, s.Release(t.Context()))
	require.Equal(t, 2, steps(t, s))
}

// A second failover begins another quarantine, and does not shorten the first.
func TestQuarantinesAddUp(t *testing.T) {
	server, clock := begin(t), newClock()
	s, client := open(t, server, redisstore.Options{Now: clock.Now, Quarantine: 18 * time.Minute})
	again := func() {
		require.NoError(t, server.Kill())
		require.NoError(t, server.Start())
	}
	again()
	requireQuarantine(t, race.Step(t.Context(), s), noon.Add(18*time.Minute))
	clock.Advance(time.Minute)
	again()
	requireQuarantine(t, race.Step(t.Context(), s), noon.Add(19*time.Minute))
	again()
	short := redisstore.New(client, redisstore.Options{Now: clock.Now})
	requireQuarantine(t, race.Step(t.Context(), short), noon.Add(19*time.Minute))
}

// The store goes on after events that change a replication id but lose nothing: a first
// replica, and a backlog that is given up when the last replica has gone.
func TestReplicasComeAndGo(t *testing.T) {
	primary, replica, clock := begin(t), begin(t), newClock()
	s, client := open(t, primary, redisstore.Options{Now: clock.Now})
	require.NoError(t, race.Step(t.Context(), s))
	before := replid(t, primary)
	follow(t, replica, primary)
	require.NotEqual(t, before, replid(t, primary))
	require.NoError(t, race.Step(t.Context(), s))

	require.NoError(t, client.ConfigSet(t.Context(), "repl-backlog-ttl", "1").Err())
	cut(t, replica)
	require.Eventually(t, func() bool {
		return strings.Contains(info(t, primary, "replication"), "repl_backlog_active:0")
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, 3, steps(t, s))
}

func replid(t *testing.T, s servers.Redis) string {
	_, rest, ok := strings.Cut(info(t, s, "replication"), "master_replid:")
	require.True(t, ok)
	id, _, _ := strings.Cut(rest, "\r")
	return id
}

// The same on a server that was promoted, and in time forgets its past.
func TestPromotionIsForgotten(t *testing.T) {
	primary, replica, clock := begin(t), begin(t), newClock()
	current := point(primary)
	s := redisstore.New(current.client(t), redisstore.Options{Now: clock.Now})
	require.NoError(t, s.Create(t.Context()))
	follow(t, replica, primary)
	require.NoError(t, primary.Kill())
	promote(t, replica)
	current.move(replica)
	requireQuarantine(t, race.Step(t.Context(), s), noon.Add(5*time.Minute))
	clock.Advance(5 * time.Minute)
	require.NoError(t, race.Step(t.Context(), s))

	require.NotContains(t, info(t, replica, "replication"), nowhere)
	require.NoError(t, dial(t, replica).ConfigSet(t.Context(), "repl-backlog-ttl", "1").Err())
	require.Eventually(t, func() bool {
		return strings.Contains(info(t, replica, "replication"), nowhere)
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, race.Step(t.Context(), s))
}

const nowhere = "master_replid2:0000000000000000000000000000000000000000"

// A server that is demoted knows less every moment, and is refused from the first.
func TestDemoted(t *testing.T) {
	server := begin(t)
	s, _ := open(t, server, redisstore.Options{})
	require.NoError(t, race.Step(t.Context(), s))
	cut(t, server)
	requireEvery(t, s, redisstore.ErrReplica)
}

// A primary was cut off, its replica was promoted and served nobody, and the old primary
// returned after it: it is the same process, with its connections, but has lost what it
// acknowledged last. Writers keep writing all the time; none of them may write between
// the promotion and the quarantine.
func TestThereAndBack(t *testing.T) {
	primary, replica, clock := begin(t), begin(t), newClock()
	s, client := open(t, primary, redisstore.Options{Now: clock.Now})
	require.NoError(t, race.Step(t.Context(), s))
	follow(t, replica, primary)
	cut(t, replica)
	for range 5 {
		require.NoError(t, race.Step(t.Context(), s))
	}
	promote(t, replica)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var over sync.WaitGroup
	for range 8 {
		over.Go(func() {
			for ctx.Err() == nil {
				err := race.Step(ctx, s)
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("unexpected: %v", err)
				}
			}
		})
	}
	for range 3 {
		follow(t, primary, replica)
		promote(t, primary)
		requireQuarantine(t, race.Step(t.Context(), s), noon.Add(5*time.Minute))
	}
	stop()
	over.Wait()
	require.NoError(t, client.Ping(t.Context()).Err())
	require.NoError(t, s.Release(t.Context()))
	require.Equal(t, 1, steps(t, s), "what the replica had when it was cut off, and nothing since")
}

// A promoted server is checked like the first one.
func TestPromotedServerIsChecked(t *testing.T) {
	primary, replica, clock := begin(t), begin(t, "appendfsync everysec"), newClock()
	current := point(primary)
	s := redisstore.New(current.client(t), redisstore.Options{Now: clock.Now})
	require.NoError(t, s.Create(t.Context()))
	require.NoError(t, race.Step(t.Context(), s))
	follow(t, replica, primary)
	require.NoError(t, primary.Kill())
	current.move(replica)

	err := race.Step(t.Context(), s)
	require.ErrorIs(t, err, redisstore.ErrReplica)
	require.ErrorIs(t, err, store.ErrUnavailable)
	promote(t, replica)
	for range 2 {
		err = race.Step(t.Context(), s)
		require.ErrorIs(t, err, redisstore.ErrNotDurable)
		require.ErrorContains(t, err, "appendfsync is everysec")
		require.ErrorIs(t, err, store.ErrUnavailable)
		clock.Advance(time.Hour)
	}
	require.NoError(t, dial(t, replica).ConfigSet(t.Context(), "appendfsync", "always").Err())
	requireQuarantine(t, race.Step(t.Context(), s), clock.Now().Add(5*time.Minute))
	clock.Advance(5 * time.Minute)
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, 2, steps(t, s))
}

// The server that was checked is gone when the store is about to use it: the one that
// answers instead was not checked, and is not used.
func TestServerChangesAfterTheLook(t *testing.T) {
	primary, replica, clock := begin(t), begin(t, "appendfsync everysec"), newClock()
	current := point(primary)
	client := current.client(t)
	s := redisstore.New(client, redisstore.Options{Now: clock.Now})
	require.NoError(t, s.Create(t.Context()))
	follow(t, replica, primary)
	require.NoError(t, primary.Kill())
	require.NoError(t, primary.Start())

	client.AddHook(afterInfo(sync.OnceFunc(func() {
		require.NoError(t, primary.Kill())
		promote(t, replica)
		current.move(replica)
	})))
	_, err := s.Get(t.Context(), race.Alice)
	require.ErrorContains(t, err, "has changed")
	clock.Advance(time.Hour)
	_, err = s.Get(t.Context(), race.Alice)
	require.ErrorIs(t, err, redisstore.ErrNotDurable)
}

// afterInfo runs after each pipeline that begins with INFO.
type afterInfo func()

func (afterInfo) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (afterInfo) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f afterInfo) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if cmds[0].Name() == "info" {
			f()
		}
		return err
	}
}
