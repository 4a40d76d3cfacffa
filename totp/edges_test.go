package totp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// A URI is refused for what is wrong with it, which is all that its reader learns.
func TestURIReasons(t *testing.T) {
	const head, query = "otpauth://totp/", "?secret=" + seed32
	strict := func(uri string) error { _, _, err := totp.ParseURI(uri); return err }
	loose := func(uri string) error { _, _, err := totp.ReadURI(uri); return err }
	for name, c := range map[string]struct {
		read func(string) error
		uri  string
		want string
	}{
		"nothing asked":                            {strict, head + "a", "no parameters"},
		"a percent alone":                          {strict, head + "a%" + query, "badly escaped"},
		"half an escape":                           {strict, head + "a%4" + query, "badly escaped"},
		"no first digit":                           {strict, head + "a%z1" + query, "badly escaped"},
		"no second digit":                          {strict, head + "a%4z" + query, "badly escaped"},
		"a character to escape":                    {strict, head + "a<b" + query, "badly escaped"},
		"a line end that is none":                  {strict, head + "a" + query + "%zA", "secret is empty or badly escaped"},
		"too long":                                 {strict, head + strings.Repeat("a", 4096) + query, "longer than 4096 bytes"},
		"too long, loosely":                        {loose, head + strings.Repeat("a", 4096) + query, "longer than 4096 bytes"},
		"a secret twice, loosely":                  {loose, head + "a" + query + "&secret=" + seed32, "secret given twice"},
		"another kind, loosely":                    {loose, head + "a" + query + "&encoder=steam", "encoder: codes of another kind"},
		"a secret that is too long":                {strict, head + "a" + query + strings.Repeat("A", 1024), "longer than 1024 bytes"},
		"a period that overflows to half a minute": {strict, head + "a" + query + "&period=36028797018963998", "bad number"},
		"bits left over in a secret":               {strict, head + "a?secret=S46SQCPPTCNPROMHWYBDCTBZXV", "not canonical base32"},
		"a secret that is none":                    {strict, head + "a?secret=1", "symbol 1 is 0, 1, 8 or 9"},
	} {
		err := c.read(c.uri)
		require.ErrorIs(t, err, totp.ErrURI, name)
		require.ErrorContains(t, err, c.want, name)
	}
}

// The longest URI is read, and one that is longer by a byte is not.
func TestURIOfTheGreatestLength(t *testing.T) {
	const uri = "otpauth://totp/a?secret=" + seed32
	for length, long := range map[int]bool{4096: false, 4097: true} {
		_, _, err := totp.ParseURI(uri + "&" + strings.Repeat("x", length-len(uri)-1))
		require.ErrorIs(t, err, totp.ErrURI)
		require.Equal(t, long, strings.Contains(err.Error(), "longer"))
		_, _, err = totp.ReadURI(uri + "&" + strings.Repeat("x", length-len(uri)-1))
		require.Equal(t, long, err != nil)
	}
}

// Only characters that need it are escaped. All others are accepted unescaped, and
// escapes may have lower-case or upper-case hexadecimal digits.
func TestEscapingToTheLastCharacter(t *testing.T) {
	const plain = "azAZ09-._~"
	key := parse(t, seed20, totp.Params{})
	uri, err := key.URI(totp.Label{Account: plain})
	require.NoError(t, err)
	require.Contains(t, uri, "/"+plain+"?")
	for written, account := range map[string]string{"a!b": "a!b", "a%2fb": "a/b", "a%2Fb": "a/b", "%6a%6A": "jj", "a!$&'()*+,;=@/": "a!$&'()*+,;=@/"} {
		_, label, err := totp.ParseURI("otpauth://totp/" + written + "?secret=" + seed32)
		require.NoError(t, err, written)
		require.Equal(t, account, label.Account)
	}
	for written, account := range map[string]string{"a%4zb": "a%4zb", "a%z4b": "a%z4b", "a%": "a%", "a%4": "a%4"} {
		_, label, err := totp.ReadURI("otpauth://totp/" + written + "?secret=" + seed32)
		require.NoError(t, err, written)
		require.Equal(t, account, label.Account)
	}
}

// A name of the greatest length stays whole, a longer one is cut where a character
// ends.
func TestReadURICutsNames(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("a", 256):       strings.Repeat("a", 256),
		strings.Repeat("a", 257):       strings.Repeat("a", 256),
		strings.Repeat("a", 255) + "é": strings.Repeat("a", 255),
	} {
		_, label, err := totp.ReadURI("otpauth://totp/" + name + "?secret=" + seed32)
		require.NoError(t, err)
		require.Equal(t, want, label.Account)
	}
}
