package importfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/importfile"
	"github.com/totpflow/totpflow/store"
)

// The headings of exports, in any spelling, and rows with an id and a secret below
// them.
func TestHeadings(t *testing.T) {
	for header, row := range map[string]string{
		"Issuer,Username,Algorithm,Digits,Period,Secret":                "Old Portal,ana,SHA1,6,30," + secretB,
		"upn,serial number,secret key,time interval,manufacturer,model": "ana,GALT11420104," + secretB + ",30,Contoso,HardwareKey",
		"Account,Key,Type,Step,Algo,Counter":                            "ana," + secretB + ",TOTP,30,sha-1,0",
		"EMAIL,Secret Key,Interval,Hash,OTP Length,Notes":               "ana," + secretB + ",30s,HmacSHA1,6,told by phone",
		"user_id,otpauth-url,folder,favorite,icon":                      "ana,otpauth://totp/x?secret=" + secretB + ",a,1,x",
		"login;secret;;":                    "ana;" + secretB + ";;",
		" User Name \tSECRET_OR_URI\tModel": "ana\t" + secretB + "\tC200",
		"id,uri,manufacturer,issuer,created,updated,tags,group,color,comment": "ana," + secretB + ",,,,,,,,",
	} {
		rows := read(t, header+"\n"+row+"\n")
		require.Len(t, rows, 1, header)
		require.NoError(t, rows[0].Err, header)
		require.Equal(t, store.AccountID{User: "ana"}, rows[0].ID, header)
		require.Equal(t, secretB, rows[0].Key.Secret(), header)
		require.Equal(t, 6, rows[0].Key.Params().Digits, header)
	}
}

// An error about the headings names the wrong one and the known ones, and repeats nothing
// that may not be a heading.
func TestHeadingErrors(t *testing.T) {
	const export = "otpauth-migration://offline?data=CjMKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZSABKAEwAg"
	for _, c := range []struct{ header, says, lacks string }{
		{"user,secret,otp_secret", "heading 3 (`otp_secret`) is not known: known headings are user, tenant, name, secret, digits, period, algorithm, type", ""},
		{"user,secret,colour,shade", "heading 3 (`colour`) is not known", "shade"},
		{"colour,user,secret,shade", "heading 1 (`colour`) is not known", "shade"},
		{"user,secret, colour ", "heading 3 (`colour`) is not known", ""},
		{"user,secret,gezdgnbv gytqojqa", "heading 3 is not known", "gezdgnbv"},
		{"user,secret,Valid From", "heading 3 (`Valid From`) is not known", ""},
		{"user,secret," + secretA, "heading 3 is not known", secretA},
		{"user," + strings.ToLower(secretA) + ",secret", "heading 2 is not known", strings.ToLower(secretA)},
		{"user,secret,krsx gsct mvrx ezlu", "heading 3 is not known", "krsx"},
		{"user,secret,totpflowsecret:x", "heading 3 is not known", "totpflowsecret"},
		{"user,secret,abcdefghijklmnopqrst", "heading 3 is not known", "abcdef"},
		{"user,email,secret", "headings 1 and 2 name the same column (user)", ""},
		{"user,colour", "heading 2 (`colour`) is not known", ""},
		{"user,name", "secret is missing", ""},
		{"secret,notes", "user is missing", ""},
		{"ana," + secretA, "cell 2 looks like base32", secretA},
		{"token02, 746f7470666c6f772d6578616d706c652d303031, totp, 6, 30", "cell 2 looks like hex", "746f"},
		{export, "cell 1 looks like a Google export", "CjMK"},
		{"ana,steam://" + secretB, "cell 2 looks like a Steam secret", secretB},
		{"ana,bXkgc2VjcmV0IHRleHQgb2YgMjA=", "cell 2 looks like base64", "bXkg"},
		{"ana,hunter2", "the first line must name the columns", "hunter2"},
	} {
		_, err := importfile.Read(strings.NewReader(c.header+"\nana,ben\n"), nil)
		require.ErrorContains(t, err, c.says, c.header)
		if c.lacks != "" {
			require.NotContains(t, err.Error(), c.lacks, c.header)
		}
	}
}
