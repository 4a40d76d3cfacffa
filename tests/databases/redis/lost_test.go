package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A record that is gone together with its entry in the index does not read as one that
// never existed: the store counts its records, and answers nobody. If a whole index is
// lost, its lists and counts report it, and so does each write that would have changed
// it. The counts by state add up to that of all records.
func TestLostIndexes(t *testing.T) {
	const frozen, due = "frozen", time.Hour
	for name, c := range map[string]struct {
		harm  [][]any // commands; keys without the prefix
		calls []string
	}{
		"entry and record":           {[][]any{{"ZREM", "index", "acme\x00alice"}, {"DEL", "account\x00acme\x00alice"}}, []string{"get", "put", "list", "frozen", "due", "count"}},
		"the index and every record": {[][]any{{"DEL", "index"}, {"DEL", "account\x00acme\x00alice"}, {"DEL", "account\x00acme\x00bob"}}, []string{"get", "put", "list", "frozen", "due", "count"}},
		"the index by state":         {[][]any{{"DEL", "index\x00frozen"}}, []string{"thaw", "frozen", "count"}},
		"an entry by state":          {[][]any{{"ZREM", "index\x00frozen", "acme\x00alice"}}, []string{"thaw", "frozen", "count"}},
		"the index by due time":      {[][]any{{"DEL", "due"}}, []string{"thaw", "due"}},
		"the count of records":       {[][]any{{"HDEL", "store", "records"}}, []string{"get", "put", "list", "frozen", "due", "count"}},
		"the count of a state":       {[][]any{{"HDEL", "store", "in frozen"}}, []string{"frozen", "count", "count of acme"}},
		"the index and the count of a state": {
			[][]any{{"DEL", "index\x00frozen"}, {"HDEL", "store", "in frozen"}}, []string{"thaw", "frozen", "count", "count of acme"},
		},
		"a state nobody is in":     {[][]any{{"HSET", "store", "in pending", 1}}, []string{"count", "count of acme"}},
		"a record":                 {[][]any{{"DEL", "account\x00acme\x00alice"}}, []string{"get", "thaw", "list", "frozen", "due"}},
		"the state of a record":    {[][]any{{"HSET", "account\x00acme\x00alice", "state", "active"}}, []string{"frozen"}},
		"the due time of a record": {[][]any{{"HSET", "account\x00acme\x00alice", "due", "\x80\x00\x00\x00\x00\x00\x00\x01"}}, []string{"thaw", "due"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := redisstore.Options{Prefix: prefix()}
			s, client := open(t, shared, o)
			bob := store.Record{ID: store.AccountID{Tenant: "acme", User: "bob"}, Version: store.NewVersion(), State: frozen, Due: noon}
			alice := store.Record{ID: race.Alice, Version: store.NewVersion(), State: frozen, Due: noon}
			require.NoError(t, s.Put(t.Context(), bob, store.Version{}))
			require.NoError(t, s.Put(t.Context(), alice, store.Version{}))
			for _, command := range c.harm {
				command[1] = o.Prefix + command[1].(string)
				require.NoError(t, client.Do(t.Context(), command...).Err())
			}
			all := map[string]func(context.Context) error{
				"get": func(ctx context.Context) error { _, err := s.Get(ctx, race.Alice); return err },
				"put": func(ctx context.Context) error {
					return s.Put(ctx, store.Record{ID: store.AccountID{User: "new"}, Version: store.NewVersion()}, store.Version{})
				},
				"thaw": func(ctx context.Context) error {
					next := alice
					next.Version, next.State, next.Due = store.NewVersion(), "active", time.Time{}
					return s.Put(ctx, next, alice.Version)
				},
				"list": func(ctx context.Context) error { _, err := s.List(ctx, store.Query{Tenant: "acme"}); return err },
				"frozen": func(ctx context.Context) error {
					_, err := s.List(ctx, store.Query{Tenant: "acme", State: frozen})
					return err
				},
				"due": func(ctx context.Context) error {
					_, err := s.List(ctx, store.Query{AllTenants: true, DueBefore: noon.Add(due)})
					return err
				},
				"count":         func(ctx context.Context) error { _, err := s.Count(ctx, store.Query{AllTenants: true}); return err },
				"count of acme": func(ctx context.Context) error { _, err := s.Count(ctx, store.Query{Tenant: "acme"}); return err },
			}
			for _, call := range c.calls {
				err := all[call](t.Context())
				require.ErrorIs(t, err, redisstore.ErrLost, call)
				require.NotErrorIs(t, err, store.ErrNotFound, call)
				require.NotErrorIs(t, err, store.ErrConflict, call)
			}
			require.ErrorIs(t, s.Delete(t.Context(), race.Alice, alice.Version), anyLost(name), "%s", name)
		})
	}
}

// anyLost returns the error of deleting alice, who is in every index.
func anyLost(name string) error {
	if name == "the count of a state" || name == "a state nobody is in" {
		return nil // her own entries do not need them
	}
	return redisstore.ErrLost
}

// If eviction is switched on later, it drops keys at random. Nobody who has enrolled
// reads as "never enrolled" afterwards, in any run.
func TestEvictionSwitchedOnLater(t *testing.T) {
	const accounts = 3000
	for round := range race.Rounds(2, 8) {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			server := begin(t, "appendfsync no") // for the sake of speed
			s := redisstore.New(dial(t, server), redisstore.Options{Durability: redisstore.Vouched})
			require.NoError(t, s.Create(t.Context()))
			client := dial(t, server)
			id := func(n int) store.AccountID { return store.AccountID{Tenant: "acme", User: fmt.Sprintf("user-%04d", n)} }
			for n := range accounts {
				rec := store.Record{ID: id(n), Version: store.NewVersion(), State: "active", Sealed: make([]byte, 1500), Due: noon.Add(time.Duration(n%50) * time.Second)}
				require.NoError(t, s.Put(t.Context(), rec, store.Version{}))
			}
			used, err := client.InfoMap(t.Context(), "memory").Result()
			require.NoError(t, err)
			memory, err := strconv.Atoi(used["Memory"]["used_memory"])
			require.NoError(t, err)
			require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err())
			require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(memory*4/5)).Err())
			require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())

			lost, found := 0, 0
			for n := range accounts {
				_, err := s.Get(t.Context(), id(n))
				require.NotErrorIs(t, err, store.ErrNotFound)
				switch {
				case err == nil:
					found++
				case errors.Is(err, redisstore.ErrLost), errors.Is(err, redisstore.ErrNotCreated):
					lost++
				default:
					require.NoError(t, err)
				}
			}
			require.NotZero(t, lost)
			t.Logf("Redis, eviction switched on: %d of %d accounts found, %d lost and said to be, none absent", found, accounts, lost)
		})
	}
}

// The error names the failure of the connection itself, and not a consequence of it.
func TestWrongPassword(t *testing.T) {
	server := begin(t)
	require.NoError(t, dial(t, server).ConfigSet(t.Context(), "requirepass", "secret").Err())
	for _, o := range []redisstore.Options{{}, {Replicas: 1}} {
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: "wrong", DialerRetries: 1})
		defer client.Close()
		s := redisstore.New(client, o)
		_, err := s.Get(t.Context(), race.Alice)
		for what, err := range map[string]error{"Check": s.Check(t.Context()), "Create": s.Create(t.Context()), "Get": err, "Update": race.Step(t.Context(), s)} {
			require.ErrorContains(t, err, "WRONGPASS", what)
			require.NotErrorIs(t, err, store.ErrNotFound, what)
		}
	}
}
