package redis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/paging"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A script holds up everybody while it runs, so a page ends early if records are large.
// Nothing is left out.
func TestPagesOfLargeRecords(t *testing.T) {
	s, _ := open(t, shared, redisstore.Options{Prefix: prefix()})
	const records = 150
	for n := range records {
		rec := store.Record{
			ID: store.AccountID{Tenant: "acme", User: fmt.Sprintf("%03d", n)}, Version: store.NewVersion(), State: "active",
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

// A deleted record leaves nothing behind, not even in an index.
func TestDeleteLeavesNothing(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, client := open(t, shared, o)
	require.NoError(t, race.Step(t.Context(), s))
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), race.Alice, rec.Version))
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
		page, err := s.List(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, page)
	}
	keys, err := client.Keys(t.Context(), o.Prefix+"*").Result()
	require.NoError(t, err)
	require.Equal(t, []string{o.Prefix + "store"}, keys)
}

// Every record of a list comes once and in order, in memory that does not grow, for one
// tenant and for all.
func TestListToTheEnd(t *testing.T) {
	n := race.Rounds(100_000, 1_000_000)
	o := redisstore.Options{Prefix: prefix()}
	s, client := open(t, begin(t), o)
	const batch = 10_000 // a script holds up the server
	for first := 1; first <= n; first += batch {
		require.NoError(t, client.Eval(t.Context(), fill, nil, o.Prefix, first, first+batch-1).Err())
	}
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}} {
		seen, err := paging.Through(t.Context(), s, q, n)
		require.NoError(t, err)
		t.Logf("Redis: %v", seen)
	}
}

// fill makes records with the numbers of package paging, in the documented layout.
const fill = `for n = tonumber(ARGV[2]), tonumber(ARGV[3]) do
	local member = (n % 10 == 0 and 'beta' or 'acme') .. '\0' .. string.format('user-%07d', n)
	local random = redis.sha1hex(n)
	redis.call('ZADD', ARGV[1] .. 'index', 0, member)
	redis.call('ZADD', ARGV[1] .. 'index\0active', 0, member)
	redis.call('HSET', ARGV[1] .. 'account\0' .. member, 'version', string.sub(random, 1, 16),
		'state', 'active', 'sealed', string.rep(random, 4), 'updated', n, 'due', '')
	redis.call('HINCRBY', ARGV[1] .. 'store', 'records', 1)
	redis.call('HINCRBY', ARGV[1] .. 'store', 'in active', 1)
end
return 'done'`
