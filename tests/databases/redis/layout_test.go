package redis_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// The layout as Redis stores it, one command per line, and the same read back: data of
// the first version must stay readable for ever.
func TestLayoutGolden(t *testing.T) {
	server := begin(t)
	s, client := open(t, server, redisstore.Options{})
	records := []store.Record{
		{
			ID: store.AccountID{Tenant: "acme", User: "alice"}, State: "active", Sealed: []byte("sealed\x00\xff"),
			Version: store.Version{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255},
			Updated: time.Date(2026, 2, 28, 12, 0, 0, 123456000, time.UTC),
			Due:     time.Date(2026, 2, 28, 12, 2, 0, 123000000, time.UTC),
		},
		{ID: store.AccountID{User: "bob"}, Version: store.Version{1}, Updated: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), Sealed: []byte{}},
	}
	for _, rec := range records {
		was := rec
		was.Version, was.State, was.Due = store.Version{9}, "pending", noon
		require.NoError(t, s.Put(t.Context(), was, store.Version{}))
		require.NoError(t, s.Put(t.Context(), rec, was.Version))
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.redis"))
	require.NoError(t, err)
	require.Equal(t, string(golden), layout(t, client))

	require.NoError(t, client.FlushAll(t.Context()).Err())
	for line := range strings.Lines(string(golden)) {
		var command []any
		for _, quoted := range strings.Fields(line) {
			word, err := strconv.Unquote(quoted)
			require.NoError(t, err, line)
			command = append(command, word)
		}
		require.NoError(t, client.Do(t.Context(), command...).Err())
	}
	_, err = s.Get(t.Context(), race.Alice)
	require.ErrorIs(t, err, store.ErrUnavailable, "another server's")
	require.NoError(t, s.Release(t.Context()))
	for _, rec := range records {
		back, err := s.Get(t.Context(), rec.ID)
		require.NoError(t, err)
		require.Equal(t, rec, back)
	}
	page, err := s.List(t.Context(), store.Query{AllTenants: true})
	require.NoError(t, err)
	require.Equal(t, []store.Record{records[1], records[0]}, page.Records)
	page, err = s.List(t.Context(), store.Query{Tenant: "acme", State: "active"})
	require.NoError(t, err)
	require.Equal(t, records[:1], page.Records)
	page, err = s.List(t.Context(), store.Query{AllTenants: true, DueBefore: records[0].Due.Add(time.Millisecond)})
	require.NoError(t, err)
	require.Equal(t, records[:1], page.Records)
}

// layout writes the database as the commands that make it. Anything that names the server
// is left out.
func layout(t *testing.T, client *redis.Client) string {
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	slices.Sort(keys)
	var b strings.Builder
	for _, key := range keys {
		kind, err := client.Type(t.Context(), key).Result()
		require.NoError(t, err)
		var words []string
		if kind == "zset" {
			members, err := client.ZRangeWithScores(t.Context(), key, 0, -1).Result()
			require.NoError(t, err)
			words = append(words, "ZADD", key)
			for _, m := range members {
				words = append(words, fmt.Sprint(m.Score), m.Member.(string))
			}
		} else {
			fields, err := client.HGetAll(t.Context(), key).Result()
			require.NoError(t, err)
			words = append(words, "HSET", key)
			for _, name := range slices.Sorted(maps.Keys(fields)) {
				value := fields[name]
				if name == "run" || name == "past" {
					require.Len(t, value, 40)
					value = strings.Repeat("0", 40)
				}
				words = append(words, name, value)
			}
		}
		for i, w := range words {
			words[i] = quoted(w)
		}
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String()
}

// quoted returns a text without spaces, so that a line can be split at them.
func quoted(s string) string { return strings.ReplaceAll(strconv.QuoteToASCII(s), " ", `\x20`) }
