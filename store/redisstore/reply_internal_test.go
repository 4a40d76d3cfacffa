package redisstore

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// reply returns the answer of a script, as the client returns it: words, of which those
// with a bit in strange are numbers or nothing.
func reply(text string, strange uint8) []any {
	var all []any
	for i, word := range strings.Split(text, "|") {
		switch {
		case strange>>(i%8)&1 == 0:
			all = append(all, word)
		case i%2 == 0:
			all = append(all, int64(i))
		default:
			all = append(all, nil)
		}
	}
	return all
}

// The answer of a script is a record, or a page of them, to the last byte, or an error
// that says so. Nothing unknown is read as the answer for a missing record.
func FuzzReply(f *testing.F) {
	rec := "acme\x00alice|0123456789abcdef|active|sealed|1767366245000000|\x80\x00\x01\x9b\x7f\x0b\xd0\x08"
	f.Add("done|"+rec, uint8(0))
	f.Add("done|more|"+rec+"|"+rec, uint8(0))
	f.Add("done|"+rec, uint8(4))
	f.Add("done|acme\x00|0123456789abcdef|||9223372036854775808|", uint8(0))
	f.Add("done|active|3|frozen|0", uint8(0))
	f.Add("done|active|-3", uint8(0))
	f.Add("done|none", uint8(0))
	f.Add("quarantine|1767366245000", uint8(0))
	f.Add("quarantine|soon", uint8(0))
	f.Add("conflict", uint8(0))
	f.Add("absent", uint8(1))
	f.Add("", uint8(0))
	f.Fuzz(func(t *testing.T, text string, strange uint8) {
		all := reply(text, strange)
		words, err := status(all, nil)
		if err != nil {
			require.Nil(t, words)
			word, _ := all[0].(string)
			require.Equal(t, word == "absent", errors.Is(err, store.ErrNotFound))
			require.Equal(t, word == "conflict", errors.Is(err, store.ErrConflict))
			return
		}
		if len(words) == 0 {
			return
		}
		require.Equal(t, "done", all[0])
		if rec, err := scan(words); err == nil {
			require.NoError(t, rec.ID.Validate())
			updated, err := strconv.ParseInt(words[4].(string), 10, 64)
			require.NoError(t, err)
			require.Equal(t, words[:4], []any{member(rec.ID), string(rec.Version[:]), rec.State, string(rec.Sealed)})
			require.Equal(t, words[5], dueBytes(rec.Due))
			require.True(t, rec.Due.Year() >= 1 && rec.Due.Year() <= 9999)
			require.Equal(t, updated, rec.Updated.UnixMicro())
		} else {
			require.Empty(t, rec)
		}
		if counts, err := scanCounts(words); err == nil {
			for state, n := range counts {
				require.Positive(t, n)
				require.Contains(t, words, state)
			}
		}
		q := store.Query{AllTenants: true, DueBefore: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
		if page, err := scanPage(q, words); err == nil {
			for _, rec := range page.Records {
				require.NoError(t, rec.Validate())
				require.True(t, q.Selects(rec))
			}
			if page.Next != "" {
				after, err := store.ParseCursor(page.Next)
				require.NoError(t, err)
				require.False(t, after.Due.IsZero())
			}
		}
		page, err := scanPage(store.Query{AllTenants: true}, words)
		if err != nil {
			require.Empty(t, page)
			return
		}
		require.Len(t, page.Records, (len(words)-1)/6)
		if page.Next != "" {
			after, err := store.ParseCursor(page.Next)
			require.NoError(t, err)
			require.Equal(t, page.Records[len(page.Records)-1].ID, after.ID)
		}
	})
}

// Of the settings that INFO and CONFIG GET return, only durable ones count as durable.
func FuzzDurable(f *testing.F) {
	f.Add("appendonly:yes\r\nappendfsync:always\r\nno-appendfsync-on-rewrite:no\r\nrepl-backlog-ttl:0\r\n", int64(Always))
	f.Add("appendonly:yes\nappendfsync:everysec\nno-appendfsync-on-rewrite:yes\nrepl-backlog-ttl:3600", int64(EverySecond))
	f.Add("appendonly:yes\nappendfsync:always\nno-appendfsync-on-rewrite:no\nrepl-backlog-ttl:-18446743473", int64(Always))
	f.Add("appendonly:yes\nappendonly:no\n:\n# Server", int64(Always))
	f.Fuzz(func(t *testing.T, text string, durability int64) {
		values := fields(text)
		o, err := Options{Durability: Durability(durability)}.complete()
		if err != nil || o.Durability == Vouched || o.durable(values) != nil {
			return
		}
		require.Equal(t, "yes", values["appendonly"])
		if o.Durability != EverySecond {
			require.Equal(t, "always", values["appendfsync"])
			require.Equal(t, "no", values["no-appendfsync-on-rewrite"])
		}
		require.Contains(t, []string{"always", "everysec"}, values["appendfsync"])
		ttl, err := strconv.ParseInt(values["repl-backlog-ttl"], 10, 64)
		require.NoError(t, err)
		require.True(t, ttl == 0 || ttl >= int64(o.Quarantine/time.Second), "%d", ttl)
	})
}
