package importfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/store"
)

func of(tenant, user string) store.AccountID { return store.AccountID{Tenant: tenant, User: user} }

// A list has the names of one tenant, or of those that it names; an id without a line has
// none.
func TestNames(t *testing.T) {
	n, err := importfile.ReadNames(strings.NewReader("\ufeffTenant;Name;user_id;Floor\r\nacme; Ana Berg ;42;2\r\nglobex;Ben Okafor;42;\r\nacme;;43\r\n"), "acme")
	require.NoError(t, err)
	require.Equal(t, "Ana Berg", n.Of(of("acme", "42")))
	require.Equal(t, "Ben Okafor", n.Of(of("globex", "42")), "one id in two tenants")
	require.Empty(t, n.Of(of("acme", "43")))
	require.Empty(t, n.Of(of("acme", "44")))
	require.Empty(t, n.Of(of("", "42")))

	n, err = importfile.ReadNames(strings.NewReader("id,name\n42,Ana Berg\n42,Ana Berg\n"), "acme")
	require.NoError(t, err)
	require.Equal(t, "Ana Berg", n.Of(of("acme", "42")), "without a column it is the tenant that is asked for")
	require.Empty(t, n.Of(of("", "42")))

	var none *importfile.Names
	require.Empty(t, none.Of(of("acme", "42")))
}

// A list that would name a person wrongly, or show a secret, is refused, and no error
// repeats any of it.
func TestReadNamesRefuses(t *testing.T) {
	for text, is := range map[string]error{
		"":                                      importfile.ErrNames,
		"ana,Ana Berg\n":                        importfile.ErrNames,
		"user\nana\n":                           importfile.ErrNames,
		"name\nAna Berg\n":                      importfile.ErrNames,
		"user,name,device\nana,Ana,x\n":         importfile.ErrNames,
		"user,id,name\nana,1,Ana Berg\n":        importfile.ErrNames,
		"user,na\"me\nana,Ana Berg\n":           importfile.ErrNames,
		"user,name\nana,Ana \"Berg\n":           importfile.ErrNames,
		"user,name\nana,\xff\n":                 importfile.ErrText,
		"user,name\nana,Ana Berg\nana,Ana Bo\n": importfile.ErrTwoNames,
		"user,name,secret\nana,Ana Berg," + secretA + "\n":       importfile.ErrNames,
		"user,name\nana," + secretA + "\nben," + secretB + "\n":  importfile.ErrSecrets, // under another heading
		"name,user\nana," + secretA + "\notpauth://totp/x,ben\n": importfile.ErrSecrets,
	} {
		_, err := importfile.ReadNames(strings.NewReader(text), "acme")
		require.ErrorIs(t, err, is, "%q", text)
		for _, cell := range []string{secretA, secretB, "Berg", "ana"} {
			require.NotContains(t, err.Error(), cell)
		}
	}
}

// A line without the cell of the tenant belongs to the empty tenant, and not to the
// tenant of a list without the column.
func TestNamesOfAShortLine(t *testing.T) {
	n, err := importfile.ReadNames(strings.NewReader("user,name,tenant\nana,Ana\nben,Ben,acme\n"), "globex")
	require.NoError(t, err)
	require.Equal(t, "Ana", n.Of(of("", "ana")))
	require.Empty(t, n.Of(of("globex", "ana")))
	require.Equal(t, "Ben", n.Of(of("acme", "ben")))
}

// A few names that look like secrets are left out of a list that is one of names.
func TestNamesWithheld(t *testing.T) {
	n, err := importfile.ReadNames(strings.NewReader("user,name\nana,Ana Berg <ana.berg@acme.example>\nben,"+secretA+"\nbob,"+secretB+" <bob@acme.example>\neva,Eva Lind\nida,Ida Ohm\n"), "")
	require.NoError(t, err)
	require.Equal(t, 2, n.Withheld())
	require.Equal(t, "Ana Berg <ana.berg@acme.example>", n.Of(of("", "ana")))
	require.Empty(t, n.Of(of("", "bob")))
	require.Empty(t, n.Of(of("", "ben")))
	require.Equal(t, "Eva Lind", n.Of(of("", "eva")))
}

// FuzzReadNames: no error and no name has a secret of the list.
func FuzzReadNames(f *testing.F) {
	f.Add("user,name\nana,Ana Berg\n")
	f.Add("tenant;user;name\nacme;ana;" + secretA + "\nacme;ben;Ben\nacme;eva;Eva\n")
	f.Add("user,name,secret\nana,Ana," + secretA + "\n")
	f.Fuzz(func(t *testing.T, list string) {
		n, err := importfile.ReadNames(strings.NewReader(list), "acme")
		if err != nil {
			require.Nil(t, n)
			require.NotContains(t, err.Error(), secretA)
			return
		}
		for _, user := range []string{"ana", "ben", "eva"} {
			require.NotEqual(t, secretA, n.Of(of("acme", user)))
		}
	})
}
