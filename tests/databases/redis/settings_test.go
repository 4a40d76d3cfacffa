package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Settings under which a server may lose acknowledged writes are refused by name, and
// nothing is written.
func TestSettings(t *testing.T) {
	cases := []struct {
		name, value string
		durability  redisstore.Durability
		want        error
	}{
		{"maxmemory-policy", "allkeys-lru", redisstore.Always, redisstore.ErrNotDurable},
		{"maxmemory-policy", "allkeys-random", redisstore.EverySecond, redisstore.ErrNotDurable},
		{"maxmemory-policy", "volatile-ttl", redisstore.Vouched, redisstore.ErrNotDurable},
		{"appendonly", "no", redisstore.Always, redisstore.ErrNotDurable},
		{"appendonly", "no", redisstore.EverySecond, redisstore.ErrNotDurable},
		{"appendonly", "no", redisstore.Vouched, nil},
		{"appendfsync", "everysec", redisstore.Always, redisstore.ErrNotDurable},
		{"appendfsync", "everysec", redisstore.EverySecond, nil},
		{"appendfsync", "no", redisstore.Always, redisstore.ErrNotDurable},
		{"appendfsync", "no", redisstore.EverySecond, redisstore.ErrNotDurable},
		{"appendfsync", "no", redisstore.Vouched, nil},
		{"no-appendfsync-on-rewrite", "yes", redisstore.Always, redisstore.ErrNotDurable},
		{"no-appendfsync-on-rewrite", "yes", redisstore.EverySecond, nil},
		{"repl-backlog-ttl", "299", redisstore.Always, redisstore.ErrNotDurable},
		{"repl-backlog-ttl", "299", redisstore.EverySecond, redisstore.ErrNotDurable},
		{"repl-backlog-ttl", "300", redisstore.Always, nil},
		{"repl-backlog-ttl", "0", redisstore.Always, nil},
	}
	require.NotEmpty(t, cases)
	server := begin(t)
	client := dial(t, server)
	for _, c := range cases {
		t.Run(c.name+" "+c.value+" "+c.durability.String(), func(t *testing.T) {
			before, err := client.ConfigGet(t.Context(), c.name).Result()
			require.NoError(t, err)
			defer func() { require.NoError(t, client.ConfigSet(t.Context(), c.name, before[c.name]).Err()) }()
			require.NoError(t, client.ConfigSet(t.Context(), c.name, c.value).Err())

			o := redisstore.Options{Prefix: prefix(), Durability: c.durability}
			s := redisstore.New(client, o)
			err = s.Create(t.Context())
			if c.want == nil {
				require.NoError(t, err)
				require.NoError(t, s.Check(t.Context()))
				require.NoError(t, s.Release(t.Context()))
				return
			}
			for _, err := range []error{err, s.Check(t.Context()), s.Release(t.Context())} {
				require.ErrorIs(t, err, c.want)
				require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
				require.ErrorContains(t, err, c.name+" is "+c.value)
			}
			keys, err := client.Keys(t.Context(), o.Prefix+"*").Result()
			require.NoError(t, err)
			require.Empty(t, keys)
		})
	}
}

func TestReplicaIsRefused(t *testing.T) {
	primary, replica := begin(t), begin(t)
	made, _ := open(t, primary, redisstore.Options{})
	require.NoError(t, race.Step(t.Context(), made))
	follow(t, replica, primary)
	for _, writable := range []string{"no", "yes"} {
		require.NoError(t, dial(t, replica).ConfigSet(t.Context(), "replica-read-only", writable).Err())
		s := redisstore.New(dial(t, replica), redisstore.Options{})
		require.ErrorIs(t, s.Check(t.Context()), redisstore.ErrReplica)
		require.ErrorIs(t, s.Create(t.Context()), redisstore.ErrReplica)
		require.ErrorIs(t, s.Release(t.Context()), redisstore.ErrReplica)
		requireEvery(t, s, redisstore.ErrReplica)
	}
	require.NotContains(t, info(t, replica, "keyspace"), "keys=5", "nothing was written")
}

func TestClusterIsRefused(t *testing.T) {
	s := redisstore.New(dial(t, begin(t, "cluster-enabled yes")), redisstore.Options{})
	require.ErrorIs(t, s.Create(t.Context()), redisstore.ErrCluster)
	require.ErrorIs(t, s.Check(t.Context()), redisstore.ErrCluster)
	_, err := s.Get(t.Context(), race.Alice)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
}

// An empty database does not mean that nobody has a second factor.
func TestNotCreated(t *testing.T) {
	server := begin(t)
	s, client := open(t, server, redisstore.Options{})
	require.ErrorIs(t, s.Create(t.Context()), redisstore.ErrExists)
	require.NoError(t, race.Step(t.Context(), s))
	require.ErrorIs(t, s.Create(t.Context()), redisstore.ErrExists)
	require.Equal(t, 1, steps(t, s))

	require.NoError(t, client.Del(t.Context(), "totpflow:store").Err())
	require.ErrorIs(t, s.Create(t.Context()), redisstore.ErrLost, "accounts without their store")
	requireEvery(t, s, redisstore.ErrNotCreated)

	require.NoError(t, client.FlushAll(t.Context()).Err())
	require.ErrorIs(t, s.Check(t.Context()), redisstore.ErrNotCreated)
	require.ErrorIs(t, s.Release(t.Context()), redisstore.ErrNotCreated)
	requireEvery(t, s, redisstore.ErrNotCreated)
	require.NoError(t, s.Create(t.Context()), "which is for people to decide")
	require.NoError(t, race.Step(t.Context(), s))
}

func TestNewerFormat(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, client := open(t, shared, o)
	require.NoError(t, client.HSet(t.Context(), o.Prefix+"store", "format", "2").Err())
	require.ErrorIs(t, s.Check(t.Context()), redisstore.ErrFormat)
	require.ErrorIs(t, s.Release(t.Context()), redisstore.ErrFormat)
	requireEvery(t, s, redisstore.ErrFormat)
}

// The rights that the package documents are enough, and include nothing beyond the keys
// of the store.
func TestRights(t *testing.T) {
	admin := dial(t, shared)
	p := prefix()
	rule := "on >secret ~" + p + "* resetchannels -@all +ping +hello +eval +evalsha +info +config|get +wait" +
		" +exists +del +hget +hgetall +hmget +hset +hincrby +hdel +zscore +zcard +zadd +zrem +zrangebylex +zlexcount"
	require.NoError(t, admin.Do(t.Context(), words("ACL SETUSER totpflow "+rule)...).Err())
	options := patient(shared.Addr())
	options.Username, options.Password = "totpflow", "secret"
	client := redis.NewClient(options)
	defer client.Close()
	s := redisstore.New(client, redisstore.Options{Prefix: p})
	require.NoError(t, s.Create(t.Context()))
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, race.Step(t.Context(), s))
	page, err := s.List(t.Context(), store.Query{Tenant: "acme", State: "active"})
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	counts, err := s.Count(t.Context(), store.Query{AllTenants: true})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"active": 1}, counts)
	rec, was := page.Records[0], page.Records[0].Version
	rec.Version, rec.State, rec.Due = store.NewVersion(), "frozen", noon
	require.NoError(t, s.Put(t.Context(), rec, was))
	page, err = s.List(t.Context(), store.Query{AllTenants: true, DueBefore: noon.Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), race.Alice, page.Records[0].Version))
	require.ErrorContains(t, redisstore.New(client, redisstore.Options{Prefix: "other:"}).Create(t.Context()), "NOPERM")

	require.NoError(t, admin.Do(t.Context(), words("ACL SETUSER totpflow -config|get")...).Err())
	err = s.Check(t.Context())
	require.ErrorContains(t, err, "Vouched")
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NoError(t, redisstore.New(client, redisstore.Options{Prefix: p, Durability: redisstore.Vouched}).Check(t.Context()))
}

func words(s string) (all []any) {
	for w := range strings.FieldsSeq(s) {
		all = append(all, w)
	}
	return all
}

// requireEvery makes every call and requires an error that is not an answer.
func requireEvery(t *testing.T, s store.Store, want error) {
	t.Helper()
	_, get := s.Get(t.Context(), race.Alice)
	_, list := s.List(t.Context(), store.Query{Tenant: "acme"})
	rec := store.Record{ID: race.Alice, Version: store.NewVersion(), Updated: time.Unix(0, 0)}
	for name, err := range map[string]error{
		"Get":    get,
		"List":   list,
		"Put":    s.Put(t.Context(), rec, store.Version{}),
		"Delete": s.Delete(t.Context(), race.Alice, store.NewVersion()),
	} {
		require.ErrorIs(t, err, want, name)
		require.NotErrorIs(t, err, store.ErrNotFound, name)
		require.NotErrorIs(t, err, store.ErrConflict, name)
	}
	require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
}
