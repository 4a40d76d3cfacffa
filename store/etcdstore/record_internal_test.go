package etcdstore

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
)

var alice = store.AccountID{Tenant: "acme", User: "alice"}

// Reading accepts only what writing produces: no two values are one record, and no value
// reads as a record that could not have been written.
func FuzzDecode(f *testing.F) {
	rec := store.Record{ID: alice, Version: store.Version{1, 15: 2}, State: "active", Sealed: []byte("sealed"), Updated: time.Unix(1, 5000), Due: time.UnixMilli(5)}
	f.Add([]byte(encode(rec)))
	rec.State, rec.Sealed, rec.Updated, rec.Due = strings.Repeat("s", store.MaxState), nil, time.Time{}, time.Time{}
	f.Add([]byte(encode(rec)))
	f.Add([]byte{})
	f.Add([]byte(encode(rec))[:33])
	f.Fuzz(func(t *testing.T, value []byte) {
		rec, err := decode(alice, value)
		if err != nil {
			require.ErrorContains(t, err, "etcdstore: ")
			require.Empty(t, rec)
			return
		}
		require.NoError(t, rec.Validate())
		require.Equal(t, string(value), encode(rec))
	})
}

// A key names one id of one store, and keys are ordered as ids are.
func FuzzKey(f *testing.F) {
	f.Add("acme", "alice", "acme", "bob")
	f.Add("", "a", "a", "")
	f.Add("a", "b", "a b", "a")
	f.Add("a", "b", "a!", "a")
	f.Add("ab", "c", "a", "bc")
	s := New(nil, "")
	f.Fuzz(func(t *testing.T, tenant, user, otherTenant, otherUser string) {
		a, b := store.AccountID{Tenant: tenant, User: user}, store.AccountID{Tenant: otherTenant, User: otherUser}
		back, err := s.parseKey(s.key(a))
		if a.Validate() != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, a, back)
		if b.Validate() != nil {
			return
		}
		require.Equal(t, a.Compare(b), strings.Compare(s.key(a), s.key(b)))

		// And a list contains those of its tenant that come after another.
		first, end := s.span(store.Query{Tenant: tenant}, store.Place{})
		require.Equal(t, b.Tenant == tenant, within(s.key(b), first, end))
		first, end = s.span(store.Query{Tenant: tenant}, store.Place{ID: a})
		require.Equal(t, b.Tenant == tenant && b.Compare(a) > 0, within(s.key(b), first, end))
		first, end = s.span(store.Query{AllTenants: true}, store.Place{ID: a})
		require.Equal(t, b.Compare(a) > 0, within(s.key(b), first, end))
		first, end = s.span(store.Query{AllTenants: true}, store.Place{})
		require.True(t, within(s.key(b), first, end))
	})
}

// The keys of entries by due time are ordered as places are, and a list contains those
// from a place to its end.
func FuzzDueKey(f *testing.F) {
	f.Add(int64(0), int64(1), "acme", "alice", "acme", "bob")
	f.Add(int64(-1), int64(0), "", "a", "a", "a")
	f.Add(int64(-62135596800000), int64(255), "", "a", "", "b")
	f.Add(int64(253402300799999), int64(256), "b", "a", "b", "b")
	s := New(nil, "")
	f.Fuzz(func(t *testing.T, x, y int64, tenant, user, otherTenant, otherUser string) {
		a := store.Place{ID: store.AccountID{Tenant: tenant, User: user}, Due: time.UnixMilli(x).UTC()}
		b := store.Place{ID: store.AccountID{Tenant: otherTenant, User: otherUser}, Due: time.UnixMilli(y).UTC()}
		for _, p := range []store.Place{a, b} {
			if (store.Record{ID: p.ID, Version: store.Version{1}, Due: p.Due}).Validate() != nil || p.Due.IsZero() {
				return
			}
			back, err := s.parseDueKey(s.dueKey(p))
			require.NoError(t, err)
			require.Equal(t, p, back)
		}
		require.Equal(t, a.Compare(b), strings.Compare(s.dueKey(a), s.dueKey(b)))
		q := store.Query{AllTenants: true, DueBefore: b.Due}
		first, end := s.span(q, store.Place{})
		require.Equal(t, a.Due.Before(b.Due), within(s.dueKey(a), first, end))
		if a.Due.Before(b.Due) {
			first, end = s.span(q, a)
			require.False(t, within(s.dueKey(a), first, end), "itself")
			require.Equal(t, b.Compare(a) > 0 && b.Due.Before(q.DueBefore), within(s.dueKey(b), first, end))
		}
	})
}

// No key of a store is in the range of another store, whatever their prefixes are.
func TestKeysAreOneStores(t *testing.T) {
	prefixes := []string{"a/", "a/account", "a/account/", "a/due", "a/due/", "a", "totpflow/"}
	id := store.AccountID{Tenant: "account", User: "due"}
	for _, one := range prefixes {
		for _, other := range prefixes {
			a, b := New(nil, one), New(nil, other)
			first, end := a.span(store.Query{AllTenants: true}, store.Place{})
			require.Equal(t, one == other, within(b.key(id), first, end), "%q in %q", other, one)
			first, end = a.span(store.Query{AllTenants: true, DueBefore: time.UnixMilli(9)}, store.Place{})
			require.Equal(t, one == other, within(b.dueKey(store.Place{ID: id, Due: time.UnixMilli(8)}), first, end), "%q in %q", other, one)
		}
	}
}

func within(key, first, end string) bool { return first <= key && key < end }

func TestForeignKeys(t *testing.T) {
	for _, key := range []string{"", "totpflow/account", "totpflow/account\x00", "totpflow/account\x00acme", "other/account\x00acme\x00alice", "totpflow/account\x00acme\x00", "totpflow/account/acme\x00alice"} {
		_, err := New(nil, "").parseKey(key)
		require.Error(t, err, "%q", key)
	}
	due := string(appendDue(nil, time.UnixMilli(1)))
	for _, key := range []string{
		"", "totpflow/due\x00", "totpflow/due\x00" + due, "totpflow/due\x00" + due + "acme", "totpflow/due\x00" + due[1:] + "acme\x00alice",
		"other/due\x00" + due + "acme\x00alice", "totpflow/due\x00\x00\x00\x00\x00\x00\x00\x00\x00acme\x00alice", "totpflow/due\x00\xff\xff\xff\xff\xff\xff\xff\xffacme\x00alice",
	} {
		_, err := New(nil, "").parseDueKey(key)
		require.Error(t, err, "%q", key)
	}
}

// The comparison is true for the values that begin with a version, and for no other,
// wherever in the order the version is.
func TestStored(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	versions := []store.Version{{}, {15: 1}, {14: 1}, {0: 1}, {15: 0xff}, {14: 1, 15: 0xff}}
	last := store.Version(slices.Repeat([]byte{0xff}, 16))
	versions = append(versions, last)
	for range 200 {
		v := store.Version{}
		for i := range v { // many with the ends of a byte in them
			v[i] = []byte{0, 1, 0x7f, 0xfe, 0xff, byte(random.Uint32())}[random.IntN(6)]
		}
		versions = append(versions, v)
	}
	dues := []time.Time{{}, time.UnixMilli(0), time.UnixMilli(255), time.UnixMilli(-1)}
	for _, was := range versions {
		for i, v := range versions {
			due := dues[i%len(dues)]
			value := encode(store.Record{Version: v, State: "active", Due: due})
			require.Equal(t, v == was, holds(t, stored("key", was[:]), value), "%s over %s", v, was)
			for _, old := range dues {
				require.Equal(t, v == was && due.Equal(old), holds(t, stored("key", begin(was, old)), value), "%s over %s, due %v over %v", v, was, due, old)
			}
		}
	}
}

// holds compares as etcd does.
func holds(t *testing.T, when []clientv3.Cmp, value string) bool {
	for _, c := range when {
		want := c.TargetUnion.(*etcdserverpb.Compare_Value).Value
		order := strings.Compare(value, string(want))
		switch c.Result {
		case etcdserverpb.Compare_GREATER:
			if order <= 0 {
				return false
			}
		case etcdserverpb.Compare_LESS:
			if order >= 0 {
				return false
			}
		default:
			t.Fatalf("an unexpected comparison: %v", c.Result)
		}
	}
	return true
}
