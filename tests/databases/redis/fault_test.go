package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A frozen server holds nobody up longer than the caller's deadline, whatever the
// client's own is, and no call reports a write. Then everything works again.
func TestFrozen(t *testing.T) {
	server := begin(t)
	s, _ := open(t, server, redisstore.Options{})
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, server.Pause())
	rec := store.Record{ID: race.Alice, Version: store.NewVersion()}
	for name, call := range map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, err := s.Get(ctx, race.Alice); return err },
		"Put":     func(ctx context.Context) error { return s.Put(ctx, rec, store.Version{}) },
		"Delete":  func(ctx context.Context) error { return s.Delete(ctx, race.Alice, store.NewVersion()) },
		"List":    func(ctx context.Context) error { _, err := s.List(ctx, store.Query{}); return err },
		"Check":   s.Check,
		"Create":  s.Create,
		"Release": s.Release,
		"Update":  func(ctx context.Context) error { return race.Step(ctx, s) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		require.ErrorIs(t, call(ctx), context.DeadlineExceeded, name)
		cancel()
	}
	require.NoError(t, server.Resume())
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, 2, steps(t, s))
}

// A missing server does not read as a missing record.
func TestGone(t *testing.T) {
	server := begin(t)
	s, _ := open(t, server, redisstore.Options{})
	require.NoError(t, server.Kill())
	_, err := s.Get(t.Context(), race.Alice)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
	require.ErrorIs(t, s.Check(t.Context()), store.ErrUnavailable)
}

// A server without memory refuses the write, and keeps and returns what it has.
func TestOutOfMemory(t *testing.T) {
	server := begin(t)
	s, client := open(t, server, redisstore.Options{})
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	err := race.Step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorContains(t, err, "OOM")
	bob := store.Record{ID: store.AccountID{Tenant: "acme", User: "bob"}, Version: store.NewVersion(), State: "active"}
	require.ErrorContains(t, s.Put(t.Context(), bob, store.Version{}), "OOM")
	require.Equal(t, 1, steps(t, s))

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	_, err = s.Get(t.Context(), bob.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, 2, steps(t, s))
}

// A record that somebody else has deleted, evicted or let expire is lost, and not
// "never enrolled"; nothing is written in its place.
func TestLostRecords(t *testing.T) {
	for name, harm := range map[string][]any{
		"deleted":           {"DEL", "account\x00acme\x00alice"},
		"expired":           {"PEXPIRE", "account\x00acme\x00alice", 0},
		"out of the index":  {"ZREM", "index", "acme\x00alice"},
		"the index is gone": {"DEL", "index"},
	} {
		t.Run(name, func(t *testing.T) {
			o := redisstore.Options{Prefix: prefix()}
			s, client := open(t, shared, o)
			require.NoError(t, race.Step(t.Context(), s))
			rec, err := s.Get(t.Context(), race.Alice)
			require.NoError(t, err)
			harm[1] = o.Prefix + harm[1].(string)
			require.NoError(t, client.Do(t.Context(), harm...).Err())

			_, err = s.Get(t.Context(), race.Alice)
			require.ErrorIs(t, err, redisstore.ErrLost)
			for _, was := range []store.Version{{}, rec.Version} {
				next := rec
				next.Version = store.NewVersion()
				require.ErrorIs(t, s.Put(t.Context(), next, was), redisstore.ErrLost)
			}
			require.ErrorIs(t, s.Delete(t.Context(), race.Alice, rec.Version), redisstore.ErrLost)
			if name == "deleted" || name == "expired" {
				for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
					_, err = s.List(t.Context(), q)
					require.ErrorIs(t, err, redisstore.ErrLost, "a list that lacks one must not pass for whole")
				}
			}
		})
	}
}
