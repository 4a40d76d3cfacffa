package enroll_test

import (
	"strings"
	"testing"
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

	// The name is given away between Begin and Confirm.
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
