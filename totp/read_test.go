package totp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// foreign are URIs as other programs write them, and what must be read from them. A case
// without a source is ours.
var foreign = []struct {
	why, uri string
	label    totp.Label
	params   totp.Params // of seed20, beside the defaults
}{
	{"Key URI format, its example",
		"otpauth://totp/ACME%20Co:john.doe@email.com?secret=" + seed20 + "&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30",
		totp.Label{Issuer: "ACME Co", Account: "john.doe@email.com"}, totp.Params{}},
	{"FreeOTP: image and color; other programs: icon",
		"otpauth://totp/Acme:alice?secret=" + seed20 + "&image=https%3A%2F%2Facme.example%2Flogo.png%3Fa=b&color=FF0000&icon=x&issuer=Acme",
		totp.Label{Issuer: "Acme", Account: "alice"}, totp.Params{}},
	{"net/url's QueryEscape and PHP's urlencode: a space is +",
		"otpauth://totp/Acme:alice?issuer=Acme+Corp&secret=GEZD+GNBV+GY3T+QOJQ+GEZD+GNBV+GY3T+QOJQ",
		totp.Label{Issuer: "Acme Corp", Account: "alice"}, totp.Params{}},
	{"a plus that is part of an address",
		"otpauth://totp/Acme:alice+backup@example.com?secret=" + seed20,
		totp.Label{Issuer: "Acme", Account: "alice+backup@example.com"}, totp.Params{}},
	{"case",
		"OtpAuth://TOTP/Acme:Alice?SECRET=" + strings.ToLower(seed20) + "&Issuer=Acme&Algorithm=sha256&DIGITS=8&Period=60",
		totp.Label{Issuer: "Acme", Account: "Alice"}, totp.Params{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute}},
	{"padding, plain and escaped",
		"otpauth://totp/alice?secret=" + seed20 + "%3D%3D==",
		totp.Label{Account: "alice"}, totp.Params{}},
	{"the issuer of the parameter, not of the prefix",
		"otpauth://totp/Old%20name:alice?secret=" + seed20 + "&issuer=New%20name",
		totp.Label{Issuer: "New name", Account: "alice"}, totp.Params{}},
	{"the first issuer of two",
		"otpauth://totp/alice?secret=" + seed20 + "&issuer=One&issuer=Two",
		totp.Label{Issuer: "One", Account: "alice"}, totp.Params{}},
	{"no account", "otpauth://totp/?secret=" + seed20 + "&issuer=Acme", totp.Label{Issuer: "Acme", Account: "unnamed"}, totp.Params{}},
	{"an issuer only", "otpauth://totp/Acme:?secret=" + seed20, totp.Label{Issuer: "Acme", Account: "unnamed"}, totp.Params{}},
	{"an empty issuer", "otpauth://totp/:alice?secret=" + seed20 + "&issuer=", totp.Label{Account: "alice"}, totp.Params{}},
	{"no label", "otpauth://totp?secret=" + seed20, totp.Label{Account: "unnamed"}, totp.Params{}},
	{"empty parameters",
		"otpauth://totp/alice?&secret=" + seed20 + "&algorithm=&digits=&period=&encoder=&epoch=&",
		totp.Label{Account: "alice"}, totp.Params{}},
	{"a line of a file", " otpauth://totp/alice?secret=" + seed20 + "\r\n", totp.Label{Account: "alice"}, totp.Params{}},
	{"raw characters, and a percent sign that escapes nothing",
		"otpauth://totp/Größe & Söhne:100% alice%2?secret=" + seed20 + "&issuer=Größe 7%&note=50%",
		totp.Label{Issuer: "Größe 7%", Account: "100% alice%2"}, totp.Params{}},
	{"more colons", "otpauth://totp/Acme:%20host%3A8443:alice?secret=" + seed20, totp.Label{Issuer: "Acme", Account: "host 8443 alice"}, totp.Params{}},
	{"names that would make a screen lie",
		"otpauth://totp/%E2%80%AEemcA%00:alice%0D%0Alevel%3Derror%FF?secret=" + seed20,
		totp.Label{Issuer: "emcA", Account: "alicelevel=error"}, totp.Params{}},
	{"names that are too long, cut between characters",
		"otpauth://totp/" + strings.Repeat("a", 127) + "ü:" + strings.Repeat("ü", 127) + "%20%20%20?secret=" + seed20 + "&x=1",
		totp.Label{Issuer: strings.Repeat("a", 127), Account: strings.Repeat("ü", 127)}, totp.Params{}},
	{"a name with a space where it is cut",
		"otpauth://totp/" + strings.Repeat("a", 255) + "%20alice?secret=" + seed20,
		totp.Label{Account: strings.Repeat("a", 255)}, totp.Params{}},
	{"escapes in the name of a parameter, as net/url reads them",
		"otpauth://totp/alice?%73ecret=" + seed20 + "&d%69gits=8",
		totp.Label{Account: "alice"}, totp.Params{Digits: 8}},
	{"an ampersand escaped for HTML",
		"otpauth://totp/Acme:alice?secret=" + seed20 + "&amp;issuer=Acme&amp;digits=8&amp;algorithm=SHA256",
		totp.Label{Issuer: "Acme", Account: "alice"}, totp.Params{Algorithm: totp.SHA256, Digits: 8}},
	{"twice, and as numbers",
		"otpauth://totp/alice?secret=" + seed20 + "&amp;amp;digits=8&#38;period=60&#x26;algorithm=sha512&#038;AMP;issuer=Acme",
		totp.Label{Issuer: "Acme", Account: "alice"}, totp.Params{Algorithm: totp.SHA512, Digits: 8, Period: time.Minute}},
	{"spaces around names",
		"otpauth://totp/alice?secret=" + seed20 + "&%20digits=8&+period=60&algorithm%20=sha256",
		totp.Label{Account: "alice"}, totp.Params{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute}},
	{"an ampersand escaped for a URI before a name",
		"otpauth://totp/alice?secret=" + seed20 + "&%26digits=8",
		totp.Label{Account: "alice"}, totp.Params{Digits: 8}},
	{"pyotp's interval", "otpauth://totp/alice?secret=" + seed20 + "&interval=60", totp.Label{Account: "alice"}, totp.Params{Period: time.Minute}},
	{"otplib's step", "otpauth://totp/alice?secret=" + seed20 + "&step=60", totp.Label{Account: "alice"}, totp.Params{Period: time.Minute}},
	{"algo", "otpauth://totp/alice?secret=" + seed20 + "&algo=SHA256", totp.Label{Account: "alice"}, totp.Params{Algorithm: totp.SHA256}},
	{"alg", "otpauth://totp/alice?secret=" + seed20 + "&alg=SHA256", totp.Label{Account: "alice"}, totp.Params{Algorithm: totp.SHA256}},
	{"hash", "otpauth://totp/alice?secret=" + seed20 + "&Hash=SHA-512", totp.Label{Account: "alice"}, totp.Params{Algorithm: totp.SHA512}},
	{"digit", "otpauth://totp/alice?secret=" + seed20 + "&digit=8", totp.Label{Account: "alice"}, totp.Params{Digits: 8}},
	{"time from where everybody counts it, the type again",
		"otpauth://totp/alice?secret=" + seed20 + "&epoch=0&T0=0&offset=0&type=TOTP&size=",
		totp.Label{Account: "alice"}, totp.Params{}},
	{"what apps keep beside the key: andOTP, FreeOTP, IBM, 2FAS",
		"otpauth://totp/alice?secret=" + seed20 + "&image=x&color=FF0000&lock=true&codeDisplay=3&counter=0&tags=work&backgroundColor=1&icon=y&source=manual",
		totp.Label{Account: "alice"}, totp.Params{}},
	{"a semicolon and a number sign in a name for people",
		"otpauth://totp/alice?secret=" + seed20 + "&issuer=Smith; Sons#1",
		totp.Label{Issuer: "Smith; Sons#1", Account: "alice"}, totp.Params{}},
	{"after it what sets nothing",
		"otpauth://totp/alice?secret=" + seed20 + "&issuer=Acme;a=b&note=x#digits",
		totp.Label{Issuer: "Acme;a=b", Account: "alice"}, totp.Params{}},
	{"a secret of another spelling",
		"otpauth://totp/alice?secret=%EF%BB%BFgezd%C2%A0gnbv%E2%80%93gy3t+qojq%0Agezdgnbvgy3tqojq",
		totp.Label{Account: "alice"}, totp.Params{}},
	{"names of algorithms", "otpauth://totp/alice?secret=" + seed20 + "&algorithm=HmacSHA512", totp.Label{Account: "alice"}, totp.Params{Algorithm: totp.SHA512}},
	{"a counter that a key of time has no use for",
		"otpauth://totp/alice?secret=" + seed20 + "&counter=0",
		totp.Label{Account: "alice"}, totp.Params{}},
}

func TestReadURI(t *testing.T) {
	for _, v := range foreign {
		key, label, err := totp.ReadURI(v.uri)
		require.NoError(t, err, v.why)
		require.Equal(t, v.label, label, v.why)
		require.True(t, parse(t, seed20, v.params).Equal(key), v.why)
	}
}

// A refusal names the label that it is about.
func TestReadURISaysWhichName(t *testing.T) {
	for query, why := range map[string]string{
		"epoch=100": "epoch is not 0", "t0=1": "t0 is not 0", "offset=30": "offset is not 0", "size=8": "size may be", "type=hotp": "type is not totp",
		"encoder=steam": "encoder", "timeStep=60": "with step in its name", "otpLength=8": "with length in its name",
		"issuer=a;digits=8": "after ; or #", "issuer=a;offset=30": "after ; or #", "digits=6&digit=6": "digits given twice", "interval=30&step=30": "period given twice",
	} {
		_, _, err := totp.ReadURI("otpauth://totp/alice?secret=" + seed20 + "&" + query)
		require.ErrorIs(t, err, totp.ErrURI, query)
		require.ErrorContains(t, err, why, query)
	}
}

// Keys of 80 to 127 bits exist for imports from another system, and nowhere else.
func TestWeakKeys(t *testing.T) {
	const weak80, weak120 = "KRSXG5CTMVRXEZLU", "KRSXG5CTMVRXEZLUKRSXG5BR"
	for _, secret := range []string{weak80, weak120, "ABCDEFGHIJKLMNOPQRSTUVWX"} {
		read, label, err := totp.ReadURI("otpauth://totp/Acme:alice?digits=8&secret=" + secret)
		require.NoError(t, err)
		byHand, err := totp.ReadSecret(strings.ToLower(secret), totp.Params{Digits: 8})
		require.NoError(t, err)
		require.True(t, read.Equal(byHand))
		require.True(t, read.Weak())
		require.False(t, read.Sample())
		uri, err := read.URI(label)
		require.NoError(t, err)
		stored, label2, err := totp.ParseStored(uri)
		require.NoError(t, err)
		require.True(t, read.Equal(stored) && stored.Weak())
		require.Equal(t, label, label2)

		_, _, err = totp.ParseURI(uri)
		require.ErrorContains(t, err, "shorter than 128 bits")
		_, err = totp.ParseSecret(secret, totp.Params{})
		require.ErrorContains(t, err, "shorter than 128 bits")
	}
	for _, secret := range []string{"KRSXG5CTMVRXEZI", "MZXW6YTB", ""} { // 72 bits and less
		_, err := totp.ReadSecret(secret, totp.Params{})
		require.ErrorIs(t, err, totp.ErrSecret)
		require.ErrorContains(t, err, "shorter than 80 bits")
		_, _, err = totp.ParseStored("otpauth://totp/alice?secret=" + secret)
		require.ErrorIs(t, err, totp.ErrURI)
	}
	_, err := totp.ReadSecret(strings.Repeat("A", 16), totp.Params{})
	require.ErrorContains(t, err, "all zeros")
	_, err = totp.ReadSecret(seed20, totp.Params{Digits: 9})
	require.ErrorIs(t, err, totp.ErrParams)
	for _, strong := range []totp.Key{parse(t, seed20, totp.Params{}), parse(t, "AEBAGBAFAYDQQCIKBMGA2DQPCA", totp.Params{}), {}} {
		require.False(t, strong.Weak())
	}
}

// The secrets of tutorials must not be used by anybody, whether they are long enough or
// not and however they are spelled.
func TestSamples(t *testing.T) {
	for _, secret := range []string{
		"JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ",
		"base32secret3232", "KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD", "OQB6ZZGYHCPSX4AK", "MFRGGZDFMZTWQ2LK",
	} {
		key, err := totp.ReadSecret(secret, totp.Params{})
		require.ErrorIs(t, err, totp.ErrSample, secret)
		require.ErrorIs(t, err, totp.ErrSecret, secret)
		require.True(t, key.IsZero())
		requireSilent(t, err, secret)
		_, _, err = totp.ReadURI("otpauth://totp/alice?secret=" + strings.ReplaceAll(secret, " ", "%20"))
		require.ErrorIs(t, err, totp.ErrSample, secret)
		require.ErrorIs(t, err, totp.ErrURI, secret)
	}
	require.True(t, parse(t, "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ", totp.Params{}).Sample())
	require.False(t, parse(t, seed20, totp.Params{}).Sample())
	require.False(t, totp.Key{}.Sample())
	made, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	require.False(t, made.Sample())
}

// A URI that leaves the key in doubt is refused, however patient the reader.
func TestReadURIRefuses(t *testing.T) {
	const good = "otpauth://totp/Acme:alice?secret=" + seed20
	for why, v := range map[string]struct {
		uri  string
		want error
	}{
		"nothing":                          {"", totp.ErrURI},
		"another scheme":                   {"https://totp/alice?secret=" + seed20, totp.ErrURI},
		"hotp":                             {"otpauth://hotp/alice?counter=1&secret=" + seed20, totp.ErrURI},
		"hotp in capitals":                 {"otpauth://HOTP/alice?counter=1&secret=" + seed20, totp.ErrURI},
		"Steam's type":                     {"otpauth://steam/Steam:alice?secret=" + seed20, totp.ErrURI},
		"Steam's codes":                    {"otpauth://totp/Steam:alice?issuer=Steam&encoder=steam&secret=" + seed20, totp.ErrURI},
		"a type that begins like ours":     {"otpauth://totps/alice?secret=" + seed20, totp.ErrURI},
		"no parameters":                    {"otpauth://totp/alice", totp.ErrSecret},
		"no secret":                        {"otpauth://totp/alice?issuer=Acme", totp.ErrSecret},
		"an empty secret":                  {"otpauth://totp/alice?secret=", totp.ErrSecret},
		"the secret of every tutorial":     {"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP", totp.ErrSample},
		"a short secret":                   {"otpauth://totp/alice?secret=" + seed20[:15], totp.ErrSecret},
		"time from elsewhere":              {good + "&epoch=100", totp.ErrURI},
		"t0":                               {good + "&T0=1", totp.ErrURI},
		"an offset":                        {good + "&offset=-30", totp.ErrURI},
		"a size":                           {good + "&size=8", totp.ErrURI},
		"a type":                           {good + "&type=hotp", totp.ErrURI},
		"digits after a semicolon":         {good + "&issuer=Acme;digits=8", totp.ErrURI},
		"digits after an escaped one":      {good + "&note=x&amp;a;digits=8", totp.ErrURI},
		"digits in a fragment":             {good + "&issuer=Acme#digits=8", totp.ErrURI},
		"an alias in a fragment":           {good + "&x#&y#step=60", totp.ErrURI},
		"digits and digit":                 {good + "&digits=6&digit=8", totp.ErrURI},
		"period and interval":              {good + "&period=30&interval=60", totp.ErrURI},
		"algorithm and hash":               {good + "&algorithm=SHA1&hash=SHA256", totp.ErrURI},
		"an alias of tomorrow":             {good + "&digitCount=8", totp.ErrURI},
		"another":                          {good + "&time_step=60", totp.ErrURI},
		"and another":                      {good + "&hmac=SHA256", totp.ErrURI},
		"a secret in two steps":            {good + "&2step_salt=8", totp.ErrURI},
		"an unknown encoding":              {good + "&encoding=hex", totp.ErrURI},
		"a name with the secret":           {good + "&secret" + seed32 + "=1", totp.ErrURI},
		"no base32":                        {"otpauth://totp/alice?secret=" + seed20[:31] + "1", totp.ErrSecret},
		"a symbol lost":                    {"otpauth://totp/alice?secret=" + seed20 + "G", totp.ErrSecret},
		"zeros":                            {"otpauth://totp/alice?secret=" + strings.Repeat("A", 32), totp.ErrSecret},
		"the secret twice":                 {good + "&secret=" + seed20, totp.ErrURI},
		"the secret twice, in two cases":   {good + "&Secret=" + seed32, totp.ErrURI},
		"the secret twice, one escaped":    {good + "&%73ecret=" + seed32, totp.ErrURI},
		"the secret twice, one empty":      {"otpauth://totp/alice?secret=&secret=" + seed20, totp.ErrURI},
		"digits twice":                     {good + "&digits=6&digits=6", totp.ErrURI},
		"period twice":                     {good + "&period=30&Period=30", totp.ErrURI},
		"algorithm twice":                  {good + "&algorithm=SHA1&algorithm=SHA1", totp.ErrURI},
		"five digits":                      {good + "&digits=5", totp.ErrParams},
		"nine digits":                      {good + "&digits=9", totp.ErrParams},
		"no digits":                        {good + "&digits=0", totp.ErrParams},
		"digits with a sign":               {good + "&digits=%2B6", totp.ErrParams},
		"digits after a space":             {good + "&digits=+6", totp.ErrParams},
		"digits as a word":                 {good + "&digits=six", totp.ErrParams},
		"a period too short":               {good + "&period=14", totp.ErrParams},
		"a period too long":                {good + "&period=121", totp.ErrParams},
		"a period of milliseconds":         {good + "&period=30000", totp.ErrParams},
		"a period with a fragment":         {good + "&period=30#", totp.ErrParams},
		"MD5":                              {good + "&algorithm=MD5", totp.ErrParams},
		"a letter that only folds to ours": {good + "&algorithm=%C5%BFHA1", totp.ErrParams},
		"longer than 4096 bytes":           {good + "&image=" + strings.Repeat("x", 4096), totp.ErrURI},
	} {
		key, label, err := totp.ReadURI(v.uri)
		require.ErrorIs(t, err, totp.ErrURI, why)
		require.ErrorIs(t, err, v.want, why)
		require.NotErrorIs(t, err, totp.ErrLabel, why)
		require.True(t, key.IsZero(), why)
		require.Zero(t, label, why)
		requireSilent(t, err, v.uri)
	}
}

// If ParseURI accepts a text and its secret is not from documentation, ReadURI reads the
// same from it; and whatever ReadURI returns survives Key.URI and ParseStored.
func FuzzReadURI(f *testing.F) {
	for _, v := range foreign {
		f.Add(v.uri)
	}
	for _, query := range []string{"&epoch=0&t0=1", "&amp;#38;digits=8", "&x;y#step=60", "&2step_salt=8", "&type=TOTP&size=8"} {
		f.Add("otpauth://totp/alice?secret=" + seed20 + query)
	}
	f.Add("otpauth://totp/alice?secret=KRSXG5CTMVRXEZLU&issuer=a;b")
	for _, v := range load[struct {
		text
		Expect, Issuer, Account, Secret, Algorithm, Canonical, Why string
		Digits, Period                                             int
	}](f, "uri.json") {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, uri string) {
		key, label, err := totp.ReadURI(uri)
		strict, strictLabel, refused := totp.ParseURI(uri)
		if refused == nil && strict.Sample() {
			require.ErrorIs(t, err, totp.ErrSample)
		} else if refused == nil {
			require.NoError(t, err)
			require.True(t, strict.Equal(key))
			require.Equal(t, strictLabel, label)
		}
		if err != nil {
			require.ErrorIs(t, err, totp.ErrURI)
			require.True(t, key.IsZero())
			require.Zero(t, label)
			return
		}
		written, err := key.URI(label)
		require.NoError(t, err)
		again, label2, err := totp.ParseStored(written)
		require.NoError(t, err)
		require.True(t, again.Equal(key))
		require.Equal(t, label, label2)
		_, _, err = totp.ParseURI(written)
		require.Equal(t, key.Weak(), err != nil)
	})
}
