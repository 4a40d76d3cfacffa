package totp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// foreign are URIs as other programs write them, and what has to come out. Where no source is named, the case is ours.
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
		"otpauth://totp/alice?&secret=" + seed20 + "&algorithm=&digits=&period=&encoder=&",
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

// What is in doubt about the key is refused, however patient the reader.
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
		"a short secret":                   {"otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP", totp.ErrSecret},
		"no base32":                        {"otpauth://totp/alice?secret=" + seed20[:31] + "1", totp.ErrSecret},
		"not canonical":                    {"otpauth://totp/alice?secret=" + seed20 + "GF", totp.ErrSecret},
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

// Whatever ParseURI accepts, ReadURI reads to the same; and whatever ReadURI returns survives Key.URI and ParseURI.
func FuzzReadURI(f *testing.F) {
	for _, v := range foreign {
		f.Add(v.uri)
	}
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
		if refused == nil {
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
		again, label2, err := totp.ParseURI(written)
		require.NoError(t, err)
		require.True(t, again.Equal(key))
		require.Equal(t, label, label2)
	})
}
