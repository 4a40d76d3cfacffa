package redis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
)

// A script holds up everybody while it runs, so a page ends early when records
// are large. Nothing is left out.
func TestPagesOfLargeRecords(t *testing.T) {
	s, _ := open(t, shared, redisstore.Options{Prefix: prefix()})
	const records = 150
	for n := range records {
		rec := store.Record{
			ID: store.ID{Tenant: "acme", User: fmt.Sprintf("%03d", n)}, Version: store.NewVersion(), State: "active",
			Sealed: make([]byte, store.MaxSealed),
		}
		require.NoError(t, s.Put(t.Context(), rec, store.Version{}))
	}
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
		q.Limit = store.MaxLimit
		n, pages := 0, 0
		for {
			page, err := s.List(t.Context(), q)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Records)*store.MaxSealed, 4<<20)
			for _, rec := range page.Records {
				require.Equal(t, fmt.Sprintf("%03d", n), rec.ID.User)
				n++
			}
			pages++
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
		}
		require.Equal(t, records, n)
		require.Equal(t, 3, pages)
	}
}

// What is deleted leaves nothing behind, in no index.
func TestDeleteLeavesNothing(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, client := open(t, shared, o)
	require.NoError(t, step(t.Context(), s))
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), alice, rec.Version))
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
		page, err := s.List(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, page)
	}
	keys, err := client.Keys(t.Context(), o.Prefix+"*").Result()
	require.NoError(t, err)
	require.Equal(t, []string{o.Prefix + "store"}, keys)
}
