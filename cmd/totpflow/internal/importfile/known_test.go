package importfile_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/store"
)

// An id that looks like a secret is accepted if the product lists it, and an id that it
// does not list is refused.
func TestKnown(t *testing.T) {
	id, other := rand.Text(), rand.Text()
	known, err := importfile.ReadKnown(strings.NewReader("Tenant;e-mail;user_id\nacme;ana@acme.example;" + id + "\nacme;;U5\n"))
	require.ErrorIs(t, err, importfile.ErrKnown, "two columns that may be the id")
	require.Nil(t, known)
	known, err = importfile.ReadKnown(strings.NewReader("\ufeffTenant;Address;user_id;Floor\r\nacme;ana@acme.example;" + id + ";2\r\nacme;;U5;\r\n"))
	require.NoError(t, err)
	text := "tenant,user,secret\nacme,hal@acme.example," + secretA + "\nacme," + id + "," + secretB + "\nacme,U5," + secretC + "\nglobex,U5," + secretD + "\n"
	rows, err := importfile.Read(strings.NewReader(text), known)
	require.NoError(t, err)
	require.Equal(t, importfile.Row{Line: 2, Err: importfile.ErrUnknown}, rows[0])
	require.NoError(t, rows[1].Err)
	require.Equal(t, store.AccountID{Tenant: "acme", User: id}, rows[1].ID)
	require.NoError(t, rows[2].Err)
	require.Equal(t, importfile.Row{Line: 5, Err: importfile.ErrUnknown}, rows[3])

	_, err = importfile.Read(strings.NewReader("tenant,user,secret\nacme,"+other+","+secretB+"\n"), known)
	require.ErrorIs(t, err, importfile.ErrSecrets, "one that is not listed stays doubtful")
	require.NotContains(t, err.Error(), other)
}

// A tenant that looks like a secret is listed with its accounts.
func TestKnownTenant(t *testing.T) {
	const tenant = "5f7c8ec7c33c6c004bbafe82"
	text := "tenant,user,secret\n" + tenant + ",ana," + secretA + "\n"
	_, err := importfile.Read(strings.NewReader(text), nil)
	require.ErrorIs(t, err, importfile.ErrSecrets)
	require.ErrorContains(t, err, "the tenant column")
	require.NotContains(t, err.Error(), tenant)
	known, err := importfile.ReadKnown(strings.NewReader("tenant,user\n" + tenant + ",ana\n"))
	require.NoError(t, err)
	rows, err := importfile.Read(strings.NewReader(text), known)
	require.NoError(t, err)
	require.NoError(t, rows[0].Err)
	others, err := importfile.ReadKnown(strings.NewReader("tenant,user\nacme,ana\n"))
	require.NoError(t, err)
	_, err = importfile.Read(strings.NewReader(text), others)
	require.ErrorIs(t, err, importfile.ErrSecrets, "one that is not listed stays doubtful")
}

// A file that is not a list is refused, such as the table of secrets: with two headings
// exchanged, its secrets would be the ids.
func TestReadKnownRefuses(t *testing.T) {
	for text, is := range map[string]error{
		"":                                 importfile.ErrKnown,
		"ana\nben\n":                       importfile.ErrKnown,
		"tenant\nacme\n":                   importfile.ErrKnown,
		"user,user_id\nana,1\n":            importfile.ErrKnown,
		"tenant,customer,user\na,b,ana\n":  importfile.ErrKnown,
		"user,no\"te\nana,x\n":             importfile.ErrKnown,
		"user\nan\"a\n":                    importfile.ErrKnown,
		"user\n\xff\n":                     importfile.ErrText,
		"user,secret\n" + secretA + ",ana": importfile.ErrKnown,
	} {
		_, err := importfile.ReadKnown(strings.NewReader(text))
		require.ErrorIs(t, err, is, "%q", text)
		require.NotContains(t, err.Error(), secretA)
		require.NotContains(t, err.Error(), "ana")
	}
}

// FuzzReadKnown: whatever the list is, only its entries are kept, and no error repeats a
// secret from it.
func FuzzReadKnown(f *testing.F) {
	f.Add("user\nana\n", "user,secret\nana,"+secretA+"\nben,"+secretB+"\n")
	f.Add("tenant;id;x\nacme;ana;\n", "tenant,user,secret\nacme,ana,"+secretA+"\n")
	f.Add("user\n"+secretB+"\n", "user,secret\n"+secretB+","+secretA+"\n")
	f.Add("secret,user\n"+secretA+",ana", "")
	f.Fuzz(func(t *testing.T, list, table string) {
		known, err := importfile.ReadKnown(strings.NewReader(list))
		if err != nil {
			require.Nil(t, known)
			require.NotContains(t, err.Error(), secretA)
			return
		}
		rows, err := importfile.Read(strings.NewReader(table), known)
		if err != nil {
			require.NotContains(t, err.Error(), secretA)
			return
		}
		for _, row := range rows {
			if row.Err == nil && !strings.ContainsAny(list, "\"\r") { // which the list may have in another form
				require.Contains(t, list, row.ID.User)
				require.Contains(t, list, row.ID.Tenant)
			}
		}
	})
}
