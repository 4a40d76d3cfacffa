package store_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

func TestParseCursorRefuses(t *testing.T) {
	at := store.Cursor(alice)
	due := store.Place{ID: alice, Due: time.UnixMilli(1).UTC()}.Cursor()
	for name, bad := range map[string]string{
		"empty":           "",
		"line end inside": at[:4] + "\n" + at[4:],
		"padded":          at + "=",
		"no user":         "BGFjbWU",
		"length past end": "_2E",
		"standard base64": "+/+/",
		"too long":        strings.Repeat("A", 4096),
		"due time alone":  due[:12],
		"due time cut":    due[:8],
		"half a due time": base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 8)),
		"zero due time":   spelt(time.Time{}.UnixMilli(), alice), // this has a spelling already
		"no such year":    spelt(1<<62, alice),
		"two due times":   due[:12] + due,
	} {
		_, err := store.ParseCursor(bad)
		require.ErrorIs(t, err, store.ErrCursor, name)
		require.Equal(t, name == "too long", strings.Contains(err.Error(), "too long"), "%s: seen before it is decoded", name)
	}
}

// spelt returns a cursor of a list by due time that no list would return.
func spelt(ms int64, id store.AccountID) string {
	b := binary.BigEndian.AppendUint64([]byte{0xff}, uint64(ms))
	b = append(append(append(b, byte(len(id.Tenant))), id.Tenant...), id.User...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Places that must never share a cursor: a separator inside an id does not move a border,
// and a due time is not the beginning of an id.
func TestCursorIsInjective(t *testing.T) {
	ids := []store.AccountID{{"", "ab"}, {"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"a/", "b"}, {"a", "/b"}, {strings.Repeat("é", 95), strings.Repeat("é", 95)}, {strings.Repeat("a", 190), "b"}, {"", strings.Repeat("a", 190)}}
	seen := make(map[string]store.Place)
	for _, id := range ids {
		for _, due := range []time.Time{{}, time.UnixMilli(0).UTC(), time.UnixMilli(-1).UTC(), time.UnixMilli(1).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)} {
			p := store.Place{ID: id, Due: due}
			c := p.Cursor()
			require.NotContains(t, seen, c)
			seen[c] = p
			back, err := store.ParseCursor(c)
			require.NoError(t, err)
			require.Equal(t, p, back)
		}
		require.Equal(t, store.Place{ID: id}.Cursor(), store.Cursor(id))
	}
}

func TestPlaceCompare(t *testing.T) {
	at := func(ms int64, tenant, user string) store.Place {
		return store.Place{ID: store.AccountID{Tenant: tenant, User: user}, Due: time.UnixMilli(ms).UTC()}
	}
	want := []store.Place{
		{}, {ID: store.AccountID{User: "a"}}, {ID: store.AccountID{Tenant: "a", User: "a"}},
		at(-1, "z", "z"), at(0, "a", "a"), at(0, "a", "b"), at(0, "b", "a"), at(1, "", "a"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, store.Place.Compare)
	require.Equal(t, want, got)
}

// One spelling per cursor: exactly the texts that Cursor writes are accepted.
func FuzzParseCursor(f *testing.F) {
	f.Add(store.Cursor(alice))
	f.Add(store.Cursor(store.AccountID{User: "ü"}))
	f.Add(store.Place{ID: alice, Due: time.UnixMilli(1e12).UTC()}.Cursor())
	f.Add("")
	f.Add("AA")
	f.Add("_____w")
	f.Add("BGFj\nbWVhbGljZQ")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := store.ParseCursor(s)
		if err != nil {
			require.ErrorIs(t, err, store.ErrCursor)
			require.Zero(t, p)
			return
		}
		require.NoError(t, p.ID.Validate())
		require.NoError(t, store.Record{ID: p.ID, Version: store.Version{1}, Due: p.Due}.Validate())
		require.Equal(t, s, p.Cursor())
	})
}
