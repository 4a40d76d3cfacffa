package etcd_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Every acknowledged write is still there after SIGKILL, whenever it comes. A power cut,
// which also loses what waits in the kernel, cannot be made here.
func TestAcknowledgedSurvivesKill(t *testing.T) { acknowledgedSurvivesKill(t, begin) }

func acknowledgedSurvivesKill(t *testing.T, begin starter) {
	server := begin(t, 1)[0]
	rounds := race.Rounds(2, 20)
	acknowledged, lost, err := race.Crash(etcdstore.New(dial(t, server), ""), server, rounds)
	t.Logf("etcd, server killed: %d rounds, %d writes acknowledged, %d lost", rounds, acknowledged, len(lost))
	require.NoError(t, err)
	require.Empty(t, lost)
}

// A frozen server holds nobody up longer than the caller's deadline, and no call reports
// a write. Then everything works again.
func TestFrozen(t *testing.T) {
	server := begin(t, 1)[0]
	s := etcdstore.New(dial(t, server), "")
	require.NoError(t, race.Step(t.Context(), s))
	require.NoError(t, server.Pause())
	for name, err := range requireSilent(t, s) {
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
	require.NoError(t, server.Resume())
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, uint64(2), steps(t, s))
}

// requireSilent makes every call to a server that cannot answer, and expects each to
// return by its deadline, with an error that means neither that the record does not exist
// nor that somebody else was faster. It returns the errors.
func requireSilent(t *testing.T, s *etcdstore.Store) map[string]error {
	t.Helper()
	errs := map[string]error{}
	for name, call := range calls(s) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		began := time.Now()
		err := call(ctx)
		cancel()
		require.Less(t, time.Since(began), 5*time.Second, name)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, store.ErrNotFound, name)
		require.NotErrorIs(t, err, store.ErrConflict, name)
		if name == "Update" || name == "Check" { // the others return the client's error
			require.ErrorIs(t, err, store.ErrUnavailable, name)
		}
		errs[name] = err
	}
	return errs
}

func calls(s *etcdstore.Store) map[string]func(context.Context) error {
	rec := store.Record{ID: race.Alice, Version: store.NewVersion()}
	return map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, race.Alice); return err },
		"Put":    func(ctx context.Context) error { return s.Put(ctx, rec, store.Version{}) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, race.Alice, store.NewVersion()) },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, store.Query{}); return err },
		"Check":  s.Check,
		"Update": func(ctx context.Context) error { return race.Step(ctx, s) },
	}
}

// A database that has reached its quota returns what it has, and accepts nothing.
func TestNoSpace(t *testing.T) { noSpace(t, begin) }

func noSpace(t *testing.T, begin starter) {
	server := begin(t, 1, "unsafe-no-fsync", "quota-backend-bytes=1048576")[0]
	s := etcdstore.New(dial(t, server), "")
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, race.Step(t.Context(), s))
	fill(t, s)
	require.ErrorIs(t, s.Check(t.Context()), etcdstore.ErrNoSpace)
	err := race.Step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, rpctypes.ErrNoSpace)
	require.Equal(t, uint64(1), steps(t, s))
}

// fill writes until the database, with a quota of a MiB, accepts nothing more.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	var err error
	for n := 0; err == nil && n < 100; n++ {
		rec := store.Record{ID: store.AccountID{User: strconv.Itoa(n)}, Version: store.NewVersion(), Sealed: make([]byte, store.MaxSealed)}
		err = s.Put(t.Context(), rec, store.Version{})
	}
	require.ErrorIs(t, err, rpctypes.ErrNoSpace)
}

// A value that does not come from this store, or comes from a newer program, is an error,
// and not "never enrolled". A damaged value hides no other record of a list, and does not
// pass for a readable one; a key that no store makes is an error there too.
func TestForeignValues(t *testing.T) {
	const version, never, day = "0123456789abcdef", "\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00"
	const alice = "account\x00acme\x00alice"
	client := dial(t, alone)
	for name, c := range map[string]struct{ key, value string }{
		"too short":      {alice, version},
		"empty":          {alice, ""},
		"newer format":   {alice, version + "\x02" + never + day + "\x00"},
		"no such year":   {alice, version + "\x01" + "\xff\xff\xff\xff\xff\xff\xff\xff" + day + "\x00"},
		"state cut":      {alice, version + "\x01" + never + day + "\x05acti"},
		"zero version":   {alice, string(make([]byte, 16)) + "\x01" + never + day + "\x00"},
		"no separator":   {"account\x00acme", version + "\x01" + never + day + "\x00"},
		"two separators": {alice + "\x00", version + "\x01" + never + day + "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			p := prefix()
			s := etcdstore.New(client, p)
			bob := store.Record{ID: store.AccountID{Tenant: "acme", User: "bob"}, Version: store.NewVersion(), Sealed: []byte("x")}
			require.NoError(t, s.Put(t.Context(), bob, store.Version{}))
			_, err := client.Put(t.Context(), p+c.key, c.value)
			require.NoError(t, err)
			page, err := s.List(t.Context(), store.Query{AllTenants: true})
			if c.key != alice {
				// Perhaps somebody's record, which is missing under its own key.
				require.ErrorContains(t, err, "etcdstore: ")
				require.ErrorContains(t, err, strconv.Quote(p+c.key), "the operator has to find it")
				require.Empty(t, page)
				return
			}
			require.NoError(t, err)
			require.Len(t, page.Records, 2)
			require.Equal(t, store.Record{ID: race.Alice}, page.Records[0])
			require.Equal(t, bob.Version, page.Records[1].Version)
			_, err = s.Get(t.Context(), race.Alice)
			require.ErrorContains(t, err, "etcdstore: ")
			require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
			next := store.Record{ID: race.Alice, Version: store.NewVersion()}
			require.ErrorIs(t, s.Put(t.Context(), next, store.Version{}), store.ErrConflict, "it is there")
			require.ErrorIs(t, s.Delete(t.Context(), race.Alice, store.Version{}), store.ErrConflict)
		})
	}
}

// A prefix that begins with another one makes another store, whatever it is.
func TestNestedPrefixes(t *testing.T) {
	client := dial(t, alone)
	outer := prefix()
	for _, inner := range []string{outer + "account/", outer + "account", outer + "due/", outer + "a/"} {
		one, other := etcdstore.New(client, outer), etcdstore.New(client, inner)
		rec := store.Record{ID: race.Alice, Version: store.NewVersion(), Due: time.UnixMilli(1)}
		require.NoError(t, other.Put(t.Context(), rec, store.Version{}))
		for _, q := range []store.Query{{AllTenants: true}, {AllTenants: true, DueBefore: time.UnixMilli(2)}} {
			page, err := one.List(t.Context(), q)
			require.NoError(t, err)
			require.Empty(t, page.Records, inner)
			page, err = other.List(t.Context(), q)
			require.NoError(t, err)
			require.Len(t, page.Records, 1, inner)
		}
		_, err := one.Get(t.Context(), race.Alice)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	for name, call := range calls(etcdstore.New(client, "a\x00")) {
		require.ErrorIs(t, call(t.Context()), etcdstore.ErrPrefix, name)
	}
}

// Versions at both ends of the order, on which the comparison of values relies.
func TestExtremeVersions(t *testing.T) {
	s := etcdstore.New(dial(t, alone), prefix())
	var last, carry store.Version
	for i := range last {
		last[i], carry[i] = 0xff, 0xff
	}
	carry[0] = 0
	rec := store.Record{ID: race.Alice}
	was := store.Version{}
	for _, v := range []store.Version{{15: 1}, last, carry, {0: 1}, {0: 0xff}, last} {
		rec.Version = v
		require.NoError(t, s.Put(t.Context(), rec, was), v)
		for _, other := range []store.Version{{15: 1}, {15: 2}, last, carry, {0: 1}, {0: 0xff}, {0: 0xff, 15: 1}, {}} {
			if other != v {
				require.ErrorIs(t, s.Delete(t.Context(), race.Alice, other), store.ErrConflict)
			}
		}
		was = v
	}
	require.NoError(t, s.Delete(t.Context(), race.Alice, last))
}
