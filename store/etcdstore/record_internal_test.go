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

// What is read is what would be written: no two values are one record, and no
// value reads as a record that a store could not have been given.
func FuzzDecode(f *testing.F) {
	rec := store.Record{ID: alice, Version: store.Version{1, 15: 2}, State: "active", Sealed: []byte("sealed"), Updated: time.Unix(1, 5000)}
	f.Add([]byte(encode(rec)))
	rec.State, rec.Sealed, rec.Updated = strings.Repeat("s", store.MaxState), nil, time.Time{}
	f.Add([]byte(encode(rec)))
	f.Add([]byte{})
	f.Add([]byte(encode(rec))[:25])
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

		// And a list holds those of its tenant that come after another.
		first, end := s.span(store.Query{Tenant: tenant}, store.AccountID{})
		require.Equal(t, b.Tenant == tenant, within(s.key(b), first, end))
		first, end = s.span(store.Query{Tenant: tenant}, a)
		require.Equal(t, b.Tenant == tenant && b.Compare(a) > 0, within(s.key(b), first, end))
		first, end = s.span(store.Query{AllTenants: true}, a)
		require.Equal(t, b.Compare(a) > 0, within(s.key(b), first, end))
		first, end = s.span(store.Query{AllTenants: true}, store.AccountID{})
		require.True(t, within(s.key(b), first, end))
	})
}

func within(key, first, end string) bool { return first <= key && key < end }

func TestForeignKeys(t *testing.T) {
	for _, key := range []string{"", "totpflow/account", "totpflow/account/", "totpflow/account/acme", "other/account/acme\x00alice", "totpflow/account/acme\x00"} {
		_, err := New(nil, "").parseKey(key)
		require.Error(t, err, "%q", key)
	}
}

// The comparison holds for the values that begin with a version, and for no
// other, wherever in the order the version is.
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
	for _, was := range versions {
		for _, v := range versions {
			value := encode(store.Record{Version: v, State: "active"})
			require.Equal(t, v == was, holds(t, stored("key", was), value), "%s over %s", v, was)
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
