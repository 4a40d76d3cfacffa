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

func TestReserved(t *testing.T) {
	for user, want := range map[string]bool{"totpflow:": true, "totpflow:tenant": true, "totpflow": false, "a totpflow:": false, "": false} {
		require.Equal(t, want, store.AccountID{Tenant: "totpflow:", User: user}.Reserved(), user)
	}
}

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
		{"due in the year 10000", func(r *store.Record) { r.Due = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, store.ErrRecord},
		{"due in the year 0", func(r *store.Record) { r.Due = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) }, store.ErrRecord},
		{"due", func(r *store.Record) { r.Due = time.Unix(1e9, 0) }, nil},
		{"due before 1970", func(r *store.Record) { r.Due = time.Unix(-1e9, 0) }, nil},
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

// An id that Validate accepts survives every column type and every log line,
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
		require.Equal(t, store.Place{ID: id}, back)
	})
}
