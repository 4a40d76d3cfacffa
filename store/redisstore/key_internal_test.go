package redisstore

import (
	"strings"
	"testing"

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

		// And a list holds those of its tenant that come after another.
		first, last := span(store.Query{Tenant: tenant}, store.AccountID{})
		require.Equal(t, b.Tenant == tenant, within(t, member(b), first, last))
		first, last = span(store.Query{Tenant: tenant}, a)
		require.Equal(t, b.Tenant == tenant && b.Compare(a) > 0, within(t, member(b), first, last))
		first, last = span(store.Query{AllTenants: true}, a)
		require.Equal(t, b.Compare(a) > 0, within(t, member(b), first, last))
		first, last = span(store.Query{AllTenants: true}, store.AccountID{})
		require.True(t, within(t, member(b), first, last))
	})
}

// within compares as ZRANGEBYLEX does.
func within(t *testing.T, member, first, last string) bool {
	switch {
	case first[0] == '(' && member <= first[1:], first[0] == '[' && member < first[1:]:
		return false
	case last == "+":
		return true
	}
	require.Equal(t, byte('('), last[0])
	return member < last[1:]
}
