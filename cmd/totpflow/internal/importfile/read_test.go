package importfile_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
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
		"URI and all columns":       "tenant,user,name,secret,digits,period,algorithm\nacme,ana,phone,otpauth://totp/x?secret=" + secretA + ",6,30,SHA1\n",
		"empty cells behind":        "tenant,user,name,secret\nacme,ana,phone," + secretA + ", ,\n",
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

// An otpauth URI brings its own parameters, unless a column says otherwise.
func TestParamsOfURIs(t *testing.T) {
	rows := read(t, "user,secret,digits,period,algorithm\nana,otpauth://totp/x?digits=8&period=60&algorithm=SHA256&secret="+secretB+",,,\n")
	require.NoError(t, rows[0].Err)
	require.True(t, key(t, secretB, totp.Params{Digits: 8, Period: time.Minute, Algorithm: totp.SHA256}).Equal(rows[0].Key))
}

// A row that cannot be used has a reason, and the others are read.
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
		{"ben," + secretB + ",99999999999999999999,,", importfile.ErrNumber},
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
	// A row that was refused does not prevent the right one.
	rows := read(t, "user,secret\nana,nonsense\nana,"+secretA+"\n")
	require.Error(t, rows[0].Err)
	require.NoError(t, rows[1].Err)
	// Nor with spaces around it, which make it a different one.
	rows = read(t, "tenant,user,secret\nacme ,ana,"+secretA+"\nacme,ana,"+secretB+"\nacme,mary ann,"+secretC+"\n")
	require.ErrorIs(t, rows[0].Err, importfile.ErrSpaces)
	require.NoError(t, rows[1].Err)
	require.NoError(t, rows[2].Err)
}

// A secret in another encoding would make a key that no phone has. The error says which
// encoding it may be, which helps an administrator to find the right export.
func TestEncodings(t *testing.T) {
	for secret, c := range map[string]struct {
		is   error
		says string
	}{
		"otpauth-migration://offline?data=CjMK":    {importfile.ErrEncoding, "a Google export"},
		"steam://" + secretB:                       {importfile.ErrEncoding, "a Steam secret"},
		"746f7470666c6f772d6578616d706c652d303031": {importfile.ErrEncoding, "hex"},
		"bXkgc2VjcmV0IHRleHQgb2YgMjA=":             {importfile.ErrEncoding, "base64"},
		"2a3b4c5d6e7f2a3b4c5d6e7f2a3b4c5d6e7f2a3b": {importfile.ErrDoubtful, "hex or base32?"},
		"KqLmAbCdEfGhIjKlMnOpQrStUvWxYz23":         {importfile.ErrDoubtful, "base32 or base64?"},
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQ0JQ":         {totp.ErrSecret, ""}, // base32 with a slip
		"0189":                                     {totp.ErrSecret, ""},
	} {
		rows := read(t, "user,secret\nana,"+secretA+"\nben,"+secret+"\neva,"+secret+"\n")
		require.NoError(t, rows[0].Err)
		for _, row := range rows[1:] { // each has its own reason
			require.ErrorIs(t, row.Err, c.is, secret)
			require.ErrorContains(t, row.Err, c.says, secret)
			require.NotContains(t, row.Err.Error(), secret)
		}
	}
	rows := read(t, "user,secret\nana,2a3b4c5d6e7f2a3b4c5da\n")
	require.NoError(t, rows[0].Err, "an odd number of digits is not hex")
}

// Codes by counter are another kind of authenticator.
func TestTypes(t *testing.T) {
	rows := read(t, "user,secret,type,counter\nana,"+secretA+",TOTP,0\nben,"+secretB+",hotp,\neva,"+secretC+",,7\n")
	require.NoError(t, rows[0].Err)
	require.ErrorIs(t, rows[1].Err, importfile.ErrType)
	require.ErrorIs(t, rows[2].Err, importfile.ErrType)
}

// A secret in the column of users would be shown to everybody who sees a list of them. A
// single one is refused; if half of a column is secrets, two headings are exchanged.
func TestSecretsInOtherColumns(t *testing.T) {
	const hex = "746f7470666c6f772d6578616d706c652d303031"
	for _, c := range []struct {
		users []string
		says  string // "": only its row is refused
	}{
		{[]string{secretB, "ben", "eva"}, ""},
		{[]string{hex, secretB, "ben", "eva"}, "the user column, in 2 of 4 lines (like hex)"},
		{[]string{secretB, hex, "ben", "eva", "hal"}, ""},
		{[]string{secretB, "", " "}, "the user column, in 1 of 1 lines (like base32)"},
	} {
		text := "user,secret\n"
		for i, user := range c.users {
			text += user + "," + otherSecret(i) + "\n"
		}
		rows, err := importfile.Read(strings.NewReader(text), nil)
		if c.says != "" {
			require.ErrorIs(t, err, importfile.ErrSecrets)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), secretB)
			continue
		}
		require.NoError(t, err)
		require.ErrorIs(t, rows[0].Err, importfile.ErrLooksSecret)
		require.ErrorContains(t, rows[0].Err, "(base32)")
		require.NotContains(t, rows[0].Err.Error(), secretB)
		require.NoError(t, rows[len(rows)-1].Err)
	}
	rows := read(t, "user,name,secret\nana,"+secretB+","+secretA+"\n")
	require.ErrorIs(t, rows[0].Err, importfile.ErrName)
}

// If the secret looks like an id, the user may be the secret, whatever it looks like.
func TestIDInTheColumnOfSecrets(t *testing.T) {
	const id, text = "GEZDGNBVGY3TQOJQGEZDGNBVGA", "horse#battery#st"
	for row, bad := range map[string]bool{
		text + "," + id: true, text + ", " + id + " ": true, text + "," + strings.ToLower(id): true,
		text + "," + secretA: false, text + ",ABCDEFGHIJKLMNOPQRSTUVWX01": false, text[:15] + "," + id: false,
		"Maximilian Mustermann," + id: false, "maximilian@acme.example," + id: false, "123e4567-e89b-12d3-a456-426614174000," + id: false,
	} {
		rows := read(t, "user,secret\n"+row+"\nben,"+secretB+"\neva,"+secretC+"\n")
		require.Equal(t, bad, errors.Is(rows[0].Err, importfile.ErrLooksSecret), row)
	}
}

// Rows of one account are several authenticators, up to its limit.
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

// Nobody knows the owner of a secret that is given for two accounts, in whatever form.
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
		"":                         importfile.ErrHeader,
		"\n":                       importfile.ErrHeader,
		"sep=;\n":                  importfile.ErrHeader,
		"ana," + secretA + "\n":    importfile.ErrHeader,
		"user,name\n":              importfile.ErrHeader,
		"secret\n":                 importfile.ErrHeader,
		"user,secret,uri\n":        importfile.ErrHeader,
		"user,email,secret\n":      importfile.ErrHeader,
		"user,secret,colour\n":     importfile.ErrHeading,
		"us\"er," + secretA + "\n": importfile.ErrHeader,
		"user,secret,no\"te\nana," + secretA + ",x\n": importfile.ErrHeader,
		"user,secret\nana,\xff\xfe\n":                 importfile.ErrText,
		"PK\x03\x04\x14\x00\x08\x08\xa1\xb2":          importfile.ErrText,
	} {
		_, err := importfile.Read(strings.NewReader(text), nil)
		require.ErrorIs(t, err, is, "%q", text)
		require.NotContains(t, err.Error(), secretA)
	}
	_, err := importfile.Read(strings.NewReader("user,secret\n"+strings.Repeat("x", 64<<20)), nil)
	require.ErrorIs(t, err, importfile.ErrLong)
	_, err = importfile.Read(strings.NewReader(strings.Repeat("x", 64<<20-1)+"\xff"), nil)
	require.ErrorIs(t, err, importfile.ErrText, "it is as long as may be")
	f, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer f.Close()
	_, err = importfile.Read(f, nil)
	require.Error(t, err)
	broken := errors.New("the disk is broken")
	_, err = importfile.Read(io.MultiReader(strings.NewReader("user,secret\nana,"+secretA+"\n"), iotest.ErrReader(broken)), nil)
	require.ErrorIs(t, err, broken, "half of a file is not imported")
}

// FuzzRead: whatever the file is, no row has both a key and an error, accepted accounts
// are valid and distinct, and nothing that is refused or shown repeats a secret.
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
