package importfile_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

const (
	secretA = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	secretB = "ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR"
	secretC = "NNSWCYTVMNUGC3TMN5XGOZLSMFXGI43P"
	secretD = "MFZXIYLOMRXW2YLSMNUGC3TEMFZGCZTM"
)

func read(t *testing.T, text string) []importfile.Row {
	t.Helper()
	rows, err := importfile.Read(strings.NewReader(text), nil)
	require.NoError(t, err)
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
		"as documented":             "tenant,user,name,secret\nacme,ana,phone," + secretA + "\n",
		"another order":             "secret,name,user,tenant\n" + secretA + ",phone,ana,acme\n",
		"Windows":                   "\ufefftenant,user,name,secret\r\nacme,ana,phone," + secretA + "\r\n",
		"semicolons":                "Tenant;User;Name;Secret\nacme;ana;phone;" + secretA,
		"tabs":                      "tenant\tuser\tname\tsecret\nacme\tana\tphone\t" + secretA + "\n",
		"quotes":                    "\"tenant\",\"user\",\"name\",\"secret\"\n\"acme\",\"ana\",\"phone\",\"" + secretA + "\"\n",
		"other headings":            "customer,user_id,device,otpauth_url\nacme,ana,phone," + secretA + "\n",
		"grouped, lower":            "tenant,user,name,secret\nacme,ana, phone ,gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n",
		"defaults said":             "tenant,user,name,secret,digits,period,algorithm\nacme,ana,phone," + secretA + ",6,30,SHA1\n",
		"defaults left out":         "tenant,user,name,secret,digits,period,algorithm\nacme,ana,phone," + secretA + ", ,,\n",
		"URI":                       "tenant,user,name,secret\nacme,ana,phone,otpauth://totp/Old%20Portal:ana?secret=" + secretA + "&issuer=Old%20Portal&image=x\n",
		"URI and columns":           "tenant,user,name,secret,digits\nacme,ana,phone,OTPAUTH://totp/x?secret=" + secretA + ",6\n",
		"a line of Excel's":         "sep=;\ntenant;user;name;secret;;\nacme;ana;phone;" + secretA + ";;\n",
		"columns that do not count": "Issuer,Tenant,Model,User,Name,,Secret,Notes\nOld,acme,C200,ana,phone,8," + secretA + ",x\n",
		"short lines":               "tenant,user,name,secret,notes\nacme,ana,phone," + secretA + "\n",
		"blank lines":               "tenant,user,name,secret\n\nacme,ana,phone," + secretA + "\n\n",
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
		{strings.Repeat("ab.", 80) + "," + secretA + ",,,", store.ErrID},
		{" ben," + secretA + ",,,", importfile.ErrSpaces},
		{"ben\u00a0," + secretA + ",,,", importfile.ErrSpaces},
		{"ben,,,,", totp.ErrSecret},
		{"ben,GEZDGNBVGY3TQ,,,", totp.ErrSecret},
		{"ben,JBSWY3DPEHPK3PXP,,,", totp.ErrSample},
		{"ben,0189,,,", totp.ErrSecret},
		{"ben," + secretB + ",5,,", totp.ErrParams},
		{"ben," + secretB + ",six,,", importfile.ErrNumber},
		{"ben," + secretB + ",0,,", importfile.ErrNumber},
		{"ben," + secretB + ",-6,,", importfile.ErrNumber},
		{"ben," + secretB + ",,0,", importfile.ErrNumber},
		{"ben," + secretB + ",,1e3,", importfile.ErrNumber},
		{"ben," + secretB + ",,99999,", importfile.ErrNumber},
		{"ben," + secretB + ",,600,", totp.ErrParams},
		{"ben," + secretB + ",,,MD5", totp.ErrParams},
		{"ben,otpauth://hotp/x?secret=" + secretB + "&counter=1,,,", totp.ErrURI},
		{"ben,otpauth://totp/x?secret=" + secretA + "&secret=" + secretB + ",,,", totp.ErrURI},
		{"ben,otpauth://totp/x?secret=" + secretB + "&digits=8,6,,", importfile.ErrWithURI},
		{"ben,otpauth://totp/x?secret=" + secretB + ",,60,", importfile.ErrWithURI},
		{"ben,otpauth://totp/x?secret=" + secretB + ",,,SHA256", importfile.ErrWithURI},
		{"ana," + secretA + ",,,", importfile.ErrTwice},
		{"ben," + secretC + ",,", csv.ErrFieldCount},
		{"ben," + secretC + ",,,,8", csv.ErrFieldCount},
		{`be"n,` + secretC + ",,,", csv.ErrBareQuote},
	} {
		rows := read(t, "user,secret,digits,period,algorithm\nana,"+secretA+",,,\n"+c.row+"\neva,"+secretD+",,,\n")
		require.Len(t, rows, 3, c.row)
		require.NoError(t, rows[0].Err)
		require.NoError(t, rows[2].Err)
		require.ErrorIs(t, rows[1].Err, c.is, c.row)
		require.Equal(t, importfile.Row{Line: 3, Err: rows[1].Err}, rows[1], "nothing but the line is told")
		require.NotContains(t, rows[1].Err.Error(), "ben", c.row)
		for _, s := range []string{secretA, secretB, secretC} {
			require.NotContains(t, fmt.Sprintf("%+v", rows[1]), s, c.row)
		}
	}
	// A row that was refused does not stand in the way of the right one.
	rows := read(t, "user,secret\nana,nonsense\nana,"+secretA+"\n")
	require.Error(t, rows[0].Err)
	require.NoError(t, rows[1].Err)
	// Nor with spaces around it, which make it another one.
	rows = read(t, "tenant,user,secret\nacme ,ana,"+secretA+"\nacme,ana,"+secretB+"\nacme,mary ann,"+secretC+"\n")
	require.ErrorIs(t, rows[0].Err, importfile.ErrSpaces)
	require.NoError(t, rows[1].Err)
	require.NoError(t, rows[2].Err)
}

// Rows of one account are several authenticators, as many as it can have.
func TestSeveralOfOneAccount(t *testing.T) {
	text := "user,name,secret\n"
	for i := range 6 {
		text += fmt.Sprintf("ana,phone %d,%s\n", i, otherSecret(i))
	}
	rows := read(t, text+"ana,again,"+otherSecret(0)+"\nben,,"+otherSecret(6)+"\n")
	for i, row := range rows {
		switch i {
		case 5:
			require.ErrorIs(t, row.Err, enroll.ErrTooManyAuthenticators)
		case 6:
			require.ErrorIs(t, row.Err, importfile.ErrTwice)
		default:
			require.NoError(t, row.Err)
		}
	}
	require.Equal(t, "phone 1", rows[1].Name)
}

// Nobody knows the owner of a secret that stands for two accounts, in whatever form.
func TestSharedSecret(t *testing.T) {
	rows := read(t, "tenant,user,secret\nacme,ana,"+secretA+"\nglobex,ana,"+strings.ToLower(secretA)+"\nacme,eva,otpauth://totp/x?digits=8&secret="+secretA+"\nacme,ben,"+secretB+"\n")
	for _, row := range rows[:3] {
		require.ErrorIs(t, row.Err, importfile.ErrShared)
		require.Empty(t, row.ID)
	}
	require.NoError(t, rows[3].Err)
}

func otherSecret(i int) string { return secretB[:len(secretB)-1] + string("ABCDEFGH"[i]) }

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
		"sep=;\n":                            importfile.ErrHeader,
		"ana," + secretA + "\n":              importfile.ErrHeader,
		"user,name\n":                        importfile.ErrHeader,
		"secret\n":                           importfile.ErrHeader,
		"user,secret,uri\n":                  importfile.ErrHeader,
		"user,email,secret\n":                importfile.ErrHeader,
		"user,secret,colour\n":               importfile.ErrHeading,
		"us\"er," + secretA + "\n":           importfile.ErrHeader,
		"user,secret\nana,\xff\xfe\n":        importfile.ErrText,
		"PK\x03\x04\x14\x00\x08\x08\xa1\xb2": importfile.ErrText,
	} {
		_, err := importfile.Read(strings.NewReader(text), nil)
		require.ErrorIs(t, err, is, "%q", text)
		require.NotContains(t, err.Error(), secretA)
	}
	_, err := importfile.Read(strings.NewReader("user,secret\n"+strings.Repeat("x", 64<<20)), nil)
	require.ErrorIs(t, err, importfile.ErrLong)
	f, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	_, err = importfile.Read(f, nil)
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
		rows, err := importfile.Read(strings.NewReader(text), nil)
		if err != nil {
			require.NotContains(t, err.Error(), secretA)
			return
		}
		accounts := make(map[store.AccountID]int)
		for _, row := range rows {
			require.Equal(t, row.Err != nil, row.Key.IsZero())
			require.Positive(t, row.Line)
			if row.Err != nil {
				require.Empty(t, row.ID)
				require.Empty(t, row.Name)
				require.NotContains(t, row.Err.Error(), secretA)
				require.NotContains(t, row.Err.Error(), secretB)
				continue
			}
			require.NoError(t, row.ID.Validate())
			require.Equal(t, store.AccountID{Tenant: strings.TrimSpace(row.ID.Tenant), User: strings.TrimSpace(row.ID.User)}, row.ID)
			accounts[row.ID]++
			require.LessOrEqual(t, accounts[row.ID], enroll.MaxAuthenticators)
			require.NotContains(t, strings.ToLower(row.ID.User+row.ID.Tenant+row.Name), "otpauth:")
			require.NotContains(t, strings.ToUpper(row.ID.User+row.ID.Tenant+row.Name), secretA)
		}
	})
}
