package importfile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

const (
	secretA = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	secretB = "ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR"
)

func read(t *testing.T, text string) []importfile.Row {
	t.Helper()
	seq, err := importfile.Read(strings.NewReader(text))
	require.NoError(t, err)
	var rows []importfile.Row
	for row := range seq {
		rows = append(rows, row)
	}
	return rows
}

func key(t *testing.T, secret string, p totp.Params) totp.Key {
	t.Helper()
	k, err := totp.ParseSecret(secret, p)
	require.NoError(t, err)
	return k
}

func TestForms(t *testing.T) {
	plain := key(t, secretA, totp.Params{})
	for name, text := range map[string]string{
		"as documented":     "tenant,user,name,secret\nacme,ana,phone," + secretA + "\n",
		"another order":     "secret,name,user,tenant\n" + secretA + ",phone,ana,acme\n",
		"Windows":           "\ufefftenant,user,name,secret\r\nacme,ana,phone," + secretA + "\r\n",
		"semicolons":        "Tenant;User;Name;Secret\nacme;ana;phone;" + secretA,
		"tabs":              "tenant\tuser\tname\tsecret\nacme\tana\tphone\t" + secretA + "\n",
		"quotes":            "\"tenant\",\"user\",\"name\",\"secret\"\n\"acme\",\"ana\",\"phone\",\"" + secretA + "\"\n",
		"other headings":    "customer,user_id,device,otpauth_url\nacme,ana,phone," + secretA + "\n",
		"grouped, lower":    "tenant,user,name,secret\nacme,ana, phone ,gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n",
		"defaults said":     "tenant,user,name,secret,digits,period,algorithm\nacme,ana,phone," + secretA + ",6,30,SHA1\n",
		"defaults left out": "tenant,user,name,secret,digits,period,algorithm\nacme,ana,phone," + secretA + ", ,,\n",
		"URI":               "tenant,user,name,secret\nacme,ana,phone,otpauth://totp/Old%20Portal:ana?secret=" + secretA + "&issuer=Old%20Portal&image=x\n",
		"URI and columns":   "tenant,user,name,secret,digits\nacme,ana,phone,OTPAUTH://totp/x?secret=" + secretA + ",6\n",
		"blank lines":       "tenant,user,name,secret\n\nacme,ana,phone," + secretA + "\n\n",
	} {
		rows := read(t, text)
		require.Len(t, rows, 1, name)
		require.NoError(t, rows[0].Err, name)
		require.Equal(t, store.AccountID{Tenant: "acme", User: "ana"}, rows[0].ID, name)
		require.Equal(t, "phone", rows[0].Name, name)
		require.True(t, plain.Equal(rows[0].Key), name)
	}
}

func TestParams(t *testing.T) {
	for cells, want := range map[string]totp.Params{
		"8,60,SHA256":       {Digits: 8, Period: time.Minute, Algorithm: totp.SHA256},
		"7,,sha-512":        {Digits: 7, Algorithm: totp.SHA512},
		",60s,HMAC-SHA-1":   {Period: time.Minute},
		"6,30,hmac_sha_256": {Algorithm: totp.SHA256},
	} {
		rows := read(t, "user,secret,digits,period,algorithm\nana,"+secretB+","+cells+"\n")
		require.NoError(t, rows[0].Err, cells)
		require.True(t, key(t, secretB, want).Equal(rows[0].Key), cells)
	}
}

// A row that cannot be used says why, and the others are read.
func TestRefusedRows(t *testing.T) {
	for _, c := range []struct {
		row string
		is  error
	}{
		{"," + secretA + ",,,", store.ErrID},
		{"a\x01b," + secretA + ",,,", store.ErrID},
		{strings.Repeat("0", 200) + "," + secretA + ",,,", store.ErrID},
		{" ben," + secretA + ",,,", importfile.ErrSpaces},
		{"ben\u00a0," + secretA + ",,,", importfile.ErrSpaces},
		{"\u00a0" + secretA + " ," + secretB + ",,,", importfile.ErrLooksWrong},
		{"ben,,,,", totp.ErrSecret},
		{"ben,GEZDGNBVGY3TQOJQ,,,", totp.ErrSecret},
		{"ben,0189,,,", totp.ErrSecret},
		{"ben," + secretA + ",5,,", totp.ErrParams},
		{"ben," + secretA + ",six,,", importfile.ErrNumber},
		{"ben," + secretA + ",0,,", importfile.ErrNumber},
		{"ben," + secretA + ",-6,,", importfile.ErrNumber},
		{"ben," + secretA + ",,0,", importfile.ErrNumber},
		{"ben," + secretA + ",,1e3,", importfile.ErrNumber},
		{"ben," + secretA + ",,99999,", importfile.ErrNumber},
		{"ben," + secretA + ",,600,", totp.ErrParams},
		{"ben," + secretA + ",,,MD5", totp.ErrParams},
		{"ben,otpauth://hotp/x?secret=" + secretA + "&counter=1,,,", totp.ErrURI},
		{"ben,otpauth://totp/x?secret=" + secretA + "&secret=" + secretB + ",,,", totp.ErrURI},
		{"ben,otpauth://totp/x?secret=" + secretA + "&digits=8,6,,", importfile.ErrWithURI},
		{"ben,otpauth://totp/x?secret=" + secretA + ",,60,", importfile.ErrWithURI},
		{"ben,otpauth://totp/x?secret=" + secretA + ",,,SHA256", importfile.ErrWithURI},
		{"otpauth://totp/x?secret=" + secretA + ",ben,,,", importfile.ErrLooksWrong},
		{secretA + ",ben,,,", importfile.ErrLooksWrong},
		{strings.ToLower(secretB) + "," + secretA + "1,,,", importfile.ErrLooksWrong},
		{"ana," + secretB + ",,,", importfile.ErrTwice},
		{"ben," + secretA + ",,", nil}, // a cell too few
		{"ben," + secretA + ",,,,", nil},
		{`be"n,` + secretA + ",,,", nil},
	} {
		rows := read(t, "user,secret,digits,period,algorithm\nana,"+secretA+",,,\n"+c.row+"\neva,"+secretB+",,,\n")
		require.Len(t, rows, 3, c.row)
		require.NoError(t, rows[0].Err)
		require.NoError(t, rows[2].Err)
		require.Error(t, rows[1].Err, c.row)
		require.Equal(t, 3, rows[1].Line)
		require.True(t, rows[1].Key.IsZero())
		if c.is != nil {
			require.ErrorIs(t, rows[1].Err, c.is, c.row)
		}
		require.NotContains(t, fmt.Sprintf("%+v", rows[1]), secretA, c.row)
		require.NotContains(t, fmt.Sprintf("%+v", rows[1]), secretB, c.row)
	}
	// One that was refused does not stand in the way of the right one.
	rows := read(t, "user,secret\nana,nonsense\nana,"+secretA+"\n")
	require.Error(t, rows[0].Err)
	require.NoError(t, rows[1].Err)
	// Nor with spaces around it, which make it another one.
	rows = read(t, "tenant,user,secret\nacme ,ana,"+secretA+"\nacme,ana,"+secretB+"\nacme,mary ann,"+secretA+"\n")
	require.ErrorIs(t, rows[0].Err, importfile.ErrSpaces)
	require.Equal(t, "acme ", rows[0].ID.Tenant)
	require.NoError(t, rows[1].Err)
	require.NoError(t, rows[2].Err)
	// An id may look like a secret, as some products' do.
	rows = read(t, "user,secret\n"+secretB+","+secretA+"\n")
	require.NoError(t, rows[0].Err)
}

func TestLines(t *testing.T) {
	rows := read(t, "user,name,secret\nana,\"two\nlines\","+secretA+"\n\nben,x,"+secretB+"\n")
	require.Equal(t, 2, rows[0].Line)
	require.Equal(t, 5, rows[1].Line)
}

// Without the right headings nobody knows which column is the secret.
func TestRefusedFiles(t *testing.T) {
	for text, is := range map[string]error{
		"":                                   importfile.ErrHeader,
		"\n":                                 importfile.ErrHeader,
		"ana," + secretA + "\n":              importfile.ErrHeader,
		"user,name\n":                        importfile.ErrHeader,
		"secret\n":                           importfile.ErrHeader,
		"user,secret,colour\n":               importfile.ErrHeader,
		"user,secret,uri\n":                  importfile.ErrHeader,
		"user,secret,\n":                     importfile.ErrHeader,
		"us\"er," + secretA + "\n":           importfile.ErrHeader,
		"user,secret\nana,\xff\xfe\n":        importfile.ErrText,
		"PK\x03\x04\x14\x00\x08\x08\xa1\xb2": importfile.ErrText,
	} {
		_, err := importfile.Read(strings.NewReader(text))
		require.ErrorIs(t, err, is, "%q", text)
		require.NotContains(t, err.Error(), secretA)
	}
	_, err := importfile.Read(strings.NewReader("user,secret\n" + strings.Repeat("x", 64<<20)))
	require.ErrorIs(t, err, importfile.ErrLong)
	f, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	_, err = importfile.Read(f)
	require.Error(t, err)
}

// FuzzRead: whatever the file is, no row has both a key and an error, accounts
// that are kept are valid and unlike each other, and nothing that is refused or
// shown repeats a secret.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"tenant,user,name,secret\nacme,ana,phone," + secretA + "\n",
		"user;uri\nana;otpauth://totp/x?secret=" + secretA + "\n",
		"user,secret,digits,period,algorithm\nana," + secretA + ",8,60,sha-256\nana," + secretB + ",,,\n",
		"user,secret\n\"a\nb\"," + secretA + "\n" + secretA + ",x\n",
		"secret,user\n\"" + secretA,
		"\ufeffid\tsecret\n1\t" + secretA + "\r\n2\t" + strings.ToLower(secretB),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seq, err := importfile.Read(strings.NewReader(text))
		if err != nil {
			require.NotContains(t, err.Error(), secretA)
			return
		}
		seen := make(map[store.AccountID]bool)
		for row := range seq {
			require.Equal(t, row.Err != nil, row.Key.IsZero())
			require.Positive(t, row.Line)
			if row.Err != nil {
				require.NotContains(t, row.Err.Error(), secretA)
				require.NotContains(t, row.Err.Error(), secretB)
				continue
			}
			require.NoError(t, row.ID.Validate())
			require.Equal(t, store.AccountID{Tenant: strings.TrimSpace(row.ID.Tenant), User: strings.TrimSpace(row.ID.User)}, row.ID)
			require.False(t, seen[row.ID])
			seen[row.ID] = true
			require.NotContains(t, strings.ToLower(row.ID.User+row.ID.Tenant+row.Name), "otpauth:")
		}
	})
}
