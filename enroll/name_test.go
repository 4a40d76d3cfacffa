package enroll_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("ü", 50)
	for given, want := range map[string]string{
		"":                       "Authenticator",
		" \t\n ":                 "Authenticator",
		"Phone\r\nlevel=error":   "Phone level=error", // a log line of its own
		"\x1b[31mred\x00":        "[31mred",
		"\u202eenohP":            "enohP", // right-to-left override
		"a\xffb":                 "ab",
		"Büro 例 🔑":               "Büro 例 🔑",
		"👩\u200d💻":               "👩\u200d💻", // one picture, joined
		long:                     long[:2*enroll.MaxName],
		strings.Repeat("x ", 40): strings.TrimRight(strings.Repeat("x ", 20), " "),
	} {
		_, c, err := enroll.Enrollment{}.Begin(noon, keyA, given, false)
		require.NoError(t, err)
		require.Equal(t, want, c.Name, "%q", given)
	}
}

func TestNamesAreUniqueInTheAccount(t *testing.T) {
	long := strings.Repeat("n", enroll.MaxName)
	e := enrolled(t, noon)
	for i, k := range []totp.Key{keyA, keyB, keyC} {
		e = add(t, e, noon, k, []string{"Phone", "phone", "PHONE"}[i])
	}
	require.Equal(t, []string{"Phone", "phone 2", "PHONE 3"}, names(e))

	e = add(t, add(t, e, noon, keyD, long), noon, keyE, long)
	require.Equal(t, []string{long, long[:enroll.MaxName-2] + " 2"}, names(e)[3:])
	for _, name := range names(e) {
		require.LessOrEqual(t, utf8.RuneCountInString(name), enroll.MaxName)
	}

	ids := e.Authenticators()
	e, err := e.Rename(ids[0].ID, "phone 2")
	require.NoError(t, err)
	require.Equal(t, "phone 2 2", names(e)[0])
	e, err = e.Rename(ids[1].ID, "Phone 2")
	require.NoError(t, err)
	require.Equal(t, "Phone 2", names(e)[1], "one's own name is free")
	_, err = e.Rename("nobody's", "x")
	require.ErrorIs(t, err, enroll.ErrUnknown)

	// The name is taken by another authenticator between Begin and Confirm.
	e, err = e.Remove(noon, ids[4].ID)
	require.NoError(t, err)
	e, c, err := e.Begin(noon, keyF, "Tablet", true)
	require.NoError(t, err)
	e, err = e.Rename(ids[0].ID, "Tablet")
	require.NoError(t, err)
	_, done, err := e.Confirm(noon, c.ID, code(t, keyF, noon), totp.Standard())
	require.NoError(t, err)
	require.Equal(t, "Tablet 2", done.Authenticator.Name)
}

// A name that somebody types becomes short, printable and unique, whatever it is, and
// stays the same when it is typed again.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"Phone", "", " \t", "Old\nphone", "\u202ePhone", "Phone 2", strings.Repeat("ü", 60), "\xff", "PHONE"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		e := add(t, enrolled(t, noon, keyA), noon, keyC, first)
		e, err := e.Rename(e.Authenticators()[0].ID, second)
		require.NoError(t, err)
		for _, a := range e.Authenticators() {
			require.NotEmpty(t, a.Name)
			require.LessOrEqual(t, utf8.RuneCountInString(a.Name), enroll.MaxName)
			require.Equal(t, strings.Join(strings.Fields(a.Name), " "), a.Name)
			require.NotContains(t, a.Name, "\u202e")
			for _, r := range a.Name {
				require.False(t, unicode.IsControl(r), "%U", r)
			}
			again, err := e.Rename(a.ID, a.Name)
			require.NoError(t, err)
			require.Equal(t, names(e), names(again), "a clean name stays")
		}
		two := names(e)
		require.False(t, strings.EqualFold(two[0], two[1]))
		_, err = enroll.Decode(e.Encode())
		require.NoError(t, err)
	})
}
