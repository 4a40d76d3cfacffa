package store_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

func TestIDValidate(t *testing.T) {
	long := strings.Repeat("ü", store.MaxID/2) // 190 bytes
	require.Len(t, long, store.MaxID)
	cases := []struct {
		name string
		id   store.AccountID
		ok   bool
	}{
		{"one tenant", store.AccountID{User: "alice"}, true},
		{"both", store.AccountID{Tenant: "acme", User: "alice"}, true},
		{"longest", store.AccountID{Tenant: long, User: long}, true},
		{"spaces are kept", store.AccountID{User: " alice "}, true},
		{"markup is not the store's concern", store.AccountID{User: `'; DROP TABLE x; -- <b>%_\`}, true},
		{"replacement character as text", store.AccountID{User: "\uFFFD"}, true},
		{"zero", store.AccountID{}, false},
		{"no user", store.AccountID{Tenant: "acme"}, false},
		{"user too long", store.AccountID{User: long + "x"}, false},
		{"tenant too long", store.AccountID{Tenant: long + "x", User: "alice"}, false},
		{"NUL ends a C string", store.AccountID{User: "alice\x00admin"}, false},
		{"line feed forges a log line", store.AccountID{User: "alice\nroot"}, false},
		{"escape drives a terminal", store.AccountID{Tenant: "a\x1b[2J", User: "alice"}, false},
		{"DEL", store.AccountID{User: "a\x7f"}, false},
		{"C1 control", store.AccountID{User: "a\u0085"}, false},
		{"broken UTF-8 is replaced by some databases", store.AccountID{User: "a\xff"}, false},
		{"surrogate in UTF-8", store.AccountID{User: "a\xed\xa0\x80"}, false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.id.Validate()
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, store.ErrID)
			require.True(t, strings.IndexFunc(err.Error(), unicode.IsControl) < 0, "an error ends in a log")
		})
	}
}

func TestRecordValidate(t *testing.T) {
	good := store.Record{ID: alice, Version: store.Version{1}, State: "active", Updated: time.Unix(1e9, 0)}
	require.NoError(t, good.Validate())
	cases := []struct {
		name   string
		change func(*store.Record)
		want   error
	}{
		{"id", func(r *store.Record) { r.ID.User = "" }, store.ErrID},
		{"zero version", func(r *store.Record) { r.Version = store.Version{} }, store.ErrRecord},
		{"state with a control character", func(r *store.Record) { r.State = "a\tb" }, store.ErrRecord},
		{"state too long", func(r *store.Record) { r.State = strings.Repeat("x", store.MaxState+1) }, store.ErrRecord},
		{"year 10000 overflows a date column", func(r *store.Record) { r.Updated = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, store.ErrRecord},
		{"year 0", func(r *store.Record) { r.Updated = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) }, store.ErrRecord},
		{"sealed", func(r *store.Record) { r.Sealed = make([]byte, store.MaxSealed+1) }, store.ErrTooLarge},
		{"largest", func(r *store.Record) { r.Sealed = make([]byte, store.MaxSealed) }, nil},
		{"zero time", func(r *store.Record) { r.Updated = time.Time{} }, nil},
		{"no state", func(r *store.Record) { r.State = "" }, nil},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rec := good
			c.change(&rec)
			require.ErrorIs(t, rec.Validate(), c.want)
		})
	}
	require.ErrorIs(t, store.CheckPut(good, good.Version), store.ErrRecord, "the next writer could not see the change")
	require.NoError(t, store.CheckPut(good, store.Version{}))
}

func TestVersion(t *testing.T) {
	require.True(t, store.Version{}.IsZero())
	seen := make(map[store.Version]bool)
	for range 1000 {
		v := store.NewVersion()
		require.False(t, v.IsZero())
		require.False(t, seen[v])
		seen[v] = true
	}
	const golden = "000102030405060708090a0b0c0d0e0f"
	v, err := store.ParseVersion(golden)
	require.NoError(t, err)
	require.Equal(t, store.Version{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, v)
	require.Equal(t, golden, v.String())
	for _, bad := range []string{"", golden[1:], golden + "0", strings.ToUpper(golden), " " + golden[1:], strings.Repeat("g", 32)} {
		_, err := store.ParseVersion(bad)
		require.ErrorIs(t, err, store.ErrVersion, "%q", bad)
	}
}

func TestQueryStart(t *testing.T) {
	at := store.Cursor(alice)
	cases := []struct {
		name  string
		q     store.Query
		after store.AccountID
		limit int
		want  error
	}{
		{"zero", store.Query{}, store.AccountID{}, store.DefaultLimit, nil},
		{"capped", store.Query{Limit: store.MaxLimit + 1}, store.AccountID{}, store.MaxLimit, nil},
		{"one", store.Query{Limit: 1}, store.AccountID{}, 1, nil},
		{"negative", store.Query{Limit: -1}, store.AccountID{}, 0, store.ErrQuery},
		{"continued", store.Query{Tenant: "acme", Cursor: at}, alice, store.DefaultLimit, nil},
		{"continued over all", store.Query{AllTenants: true, Cursor: at}, alice, store.DefaultLimit, nil},
		{"a cursor does not open another tenant", store.Query{Tenant: "beta", Cursor: at}, store.AccountID{}, 0, store.ErrCursor},
		{"one tenant and all", store.Query{Tenant: "acme", AllTenants: true}, store.AccountID{}, 0, store.ErrQuery},
		{"broken cursor", store.Query{Cursor: "!"}, store.AccountID{}, 0, store.ErrCursor},
		{"bad tenant", store.Query{Tenant: "a\x00"}, store.AccountID{}, 0, store.ErrQuery},
		{"bad state", store.Query{State: strings.Repeat("x", store.MaxState+1)}, store.AccountID{}, 0, store.ErrQuery},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, limit, err := c.q.Start()
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.after, after)
			require.Equal(t, c.limit, limit)
		})
	}
}

func TestParseCursorRefuses(t *testing.T) {
	at := store.Cursor(alice)
	for name, bad := range map[string]string{
		"empty":           "",
		"line end inside": at[:4] + "\n" + at[4:],
		"padded":          at + "=",
		"no user":         "BGFjbWU",
		"length past end": "_2E",
		"standard base64": "+/+/",
		"too long":        strings.Repeat("A", 4096),
	} {
		_, err := store.ParseCursor(bad)
		require.ErrorIs(t, err, store.ErrCursor, name)
		require.Equal(t, name == "too long", strings.Contains(err.Error(), "too long"), "%s: seen before it is decoded", name)
	}
}

// ids that must never share a cursor: a separator inside an id moves no border.
func TestCursorIsInjective(t *testing.T) {
	ids := []store.AccountID{{"", "ab"}, {"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"a/", "b"}, {"a", "/b"}, {strings.Repeat("é", 95), strings.Repeat("é", 95)}}
	seen := make(map[string]store.AccountID)
	for _, id := range ids {
		c := store.Cursor(id)
		require.NotContains(t, seen, c)
		seen[c] = id
		back, err := store.ParseCursor(c)
		require.NoError(t, err)
		require.Equal(t, id, back)
	}
}

// One spelling per cursor: what is accepted is exactly what Cursor writes.
func FuzzParseCursor(f *testing.F) {
	f.Add(store.Cursor(alice))
	f.Add(store.Cursor(store.AccountID{User: "ü"}))
	f.Add("")
	f.Add("AA")
	f.Add("_____w")
	f.Add("BGFj\nbWVhbGljZQ")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := store.ParseCursor(s)
		if err != nil {
			require.ErrorIs(t, err, store.ErrCursor)
			require.Zero(t, id)
			return
		}
		require.NoError(t, id.Validate())
		require.Equal(t, s, store.Cursor(id))
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add("000102030405060708090a0b0c0d0e0f")
	f.Add("000102030405060708090A0B0C0D0E0F")
	f.Add("000102030405060708090a0b0c0d0e0f10")
	f.Add("")
	f.Add("zz")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := store.ParseVersion(s)
		if err != nil {
			require.ErrorIs(t, err, store.ErrVersion)
			require.Zero(t, v)
			return
		}
		require.Equal(t, s, v.String())
	})
}

// What Validate lets through survives every column type and every log line,
// and its cursor brings it back.
func FuzzIDValidate(f *testing.F) {
	f.Add("acme", "alice")
	f.Add("", "a\x00")
	f.Add("a\xff", "b")
	f.Add("", strings.Repeat("x", store.MaxID+1))
	f.Add("\u202e", "\u0085")
	f.Fuzz(func(t *testing.T, tenant, user string) {
		id := store.AccountID{Tenant: tenant, User: user}
		if err := id.Validate(); err != nil {
			require.ErrorIs(t, err, store.ErrID)
			return
		}
		require.NotEmpty(t, user)
		for _, s := range []string{tenant, user} {
			require.True(t, utf8.ValidString(s))
			require.LessOrEqual(t, len(s), store.MaxID)
			require.False(t, strings.ContainsFunc(s, unicode.IsControl))
		}
		back, err := store.ParseCursor(store.Cursor(id))
		require.NoError(t, err)
		require.Equal(t, id, back)
	})
}
