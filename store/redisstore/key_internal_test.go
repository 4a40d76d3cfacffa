package redisstore

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// A member names one id, and members are ordered as ids are.
func FuzzMember(f *testing.F) {
	f.Add("acme", "alice", "acme", "bob")
	f.Add("", "a", "a", "")
	f.Add("a", "b", "a b", "a")
	f.Add("a", "b", "a!", "a")
	f.Add("ab", "c", "a", "bc")
	f.Fuzz(func(t *testing.T, tenant, user, otherTenant, otherUser string) {
		a, b := store.AccountID{Tenant: tenant, User: user}, store.AccountID{Tenant: otherTenant, User: otherUser}
		back, err := parseMember(member(a))
		if a.Validate() != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, a, back)
		if b.Validate() != nil {
			return
		}
		require.Equal(t, a.Compare(b), strings.Compare(member(a), member(b)))

		// And a list contains those of its tenant that come after another.
		first, last := span(store.Query{Tenant: tenant}, store.Place{})
		require.Equal(t, b.Tenant == tenant, within(t, member(b), first, last))
		first, last = span(store.Query{Tenant: tenant}, store.Place{ID: a})
		require.Equal(t, b.Tenant == tenant && b.Compare(a) > 0, within(t, member(b), first, last))
		first, last = span(store.Query{AllTenants: true}, store.Place{ID: a})
		require.Equal(t, b.Compare(a) > 0, within(t, member(b), first, last))
		first, last = span(store.Query{AllTenants: true}, store.Place{})
		require.True(t, within(t, member(b), first, last))
	})
}

// The bytes of due times are ordered as the times are, and a list by due time contains
// those from a place to its end.
func FuzzDue(f *testing.F) {
	f.Add(int64(0), int64(1), "acme", "alice")
	f.Add(int64(-1), int64(0), "", "a")
	f.Add(int64(-62135596800000), int64(255), "", "a")
	f.Add(int64(253402300799999), int64(256), "b", "a")
	f.Fuzz(func(t *testing.T, x, y int64, tenant, user string) {
		a, b := time.UnixMilli(x).UTC(), time.UnixMilli(y).UTC()
		id := store.AccountID{Tenant: tenant, User: user}
		for _, due := range []time.Time{a, b} {
			if (store.Record{ID: id, Version: store.Version{1}, Due: due}).Validate() != nil {
				return
			}
			back, err := parseDue(dueBytes(due))
			require.NoError(t, err)
			require.True(t, due.Equal(back))
			require.Equal(t, due.IsZero(), dueBytes(due) == "")
		}
		if a.IsZero() || b.IsZero() {
			return
		}
		require.Equal(t, a.Compare(b), strings.Compare(dueBytes(a), dueBytes(b)))
		q := store.Query{AllTenants: true, DueBefore: b}
		first, last := span(q, store.Place{})
		require.Equal(t, a.Before(b), within(t, dueBytes(a)+member(id), first, last))
		first, last = span(q, store.Place{ID: id, Due: a})
		require.False(t, within(t, dueBytes(a)+member(id), first, last), "itself")
		next := store.AccountID{Tenant: tenant, User: user + "a"}
		require.Equal(t, a.Before(b), within(t, dueBytes(a)+member(next), first, last))
	})
}

// No key of a store is also a key of a store with another prefix, and none means two
// things.
func TestKeysAreOneStores(t *testing.T) {
	seen := make(map[string]string)
	for _, prefix := range []string{"a:", "a:account", "a:index", "a:due", "a:account:", "a:i", "a:store", "a"} {
		o, err := Options{Prefix: prefix}.complete()
		require.NoError(t, err)
		s := &Store{options: o}
		keys := s.keys()
		for _, id := range []store.AccountID{{User: "x"}, {Tenant: "x", User: "x"}, {Tenant: "account", User: "store"}} {
			keys = append(keys, s.account(id))
		}
		for _, state := range []string{"", "store", "x", "account"} {
			keys = append(keys, s.keys()[1]+"\x00"+state)
		}
		for _, key := range keys {
			require.NotContains(t, seen, key)
			seen[key] = prefix
		}
	}
}

// within compares as ZRANGEBYLEX does.
func within(t *testing.T, member, first, last string) bool {
	switch {
	case first == "-":
	case first[0] == '(' && member <= first[1:], first[0] == '[' && member < first[1:]:
		return false
	case last == "+":
		return true
	}
	require.Equal(t, byte('('), last[0])
	return member < last[1:]
}
