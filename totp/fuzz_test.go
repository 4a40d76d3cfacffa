package totp_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
	"github.com/totpflow/totpflow/totp"
)

// Input that ParseSecret accepts is the canonical text of its bytes, whatever the
// spelling, except for bits after the last byte.
func FuzzParseSecret(f *testing.F) {
	for _, v := range load[struct {
		text
		Expect, Why string
		Bytes       string `json:"bytes_hex"`
	}](f, "secret.json") {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, secret string) {
		key, err := totp.ParseSecret(secret, totp.Params{})
		read, refused := totp.ReadSecret(secret, totp.Params{})
		if err != nil {
			require.ErrorIs(t, err, totp.ErrSecret)
			require.True(t, key.IsZero())
			require.Equal(t, refused == nil, read.Weak(), "all that is read beside is weak")
			return
		}
		require.True(t, refused == nil && read.Equal(key) || key.Sample() && errors.Is(refused, totp.ErrSample))
		text, err := typed.Append(nil, secret)
		require.NoError(t, err)
		plain := strings.TrimRight(strings.ToUpper(string(text)), "=")
		require.Len(t, key.Secret(), len(plain))
		last := len(plain) - 1
		require.Equal(t, plain[:last], key.Secret()[:last])
		if left := len(plain) * 5 % 8; left == 0 {
			require.Equal(t, plain, key.Secret())
		} else {
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
			symbol := strings.IndexByte(alphabet, plain[last])
			require.Equal(t, alphabet[symbol>>left<<left], key.Secret()[last])
		}
		require.GreaterOrEqual(t, len(decode(t, key.Secret())), 16)
		require.True(t, parse(t, key.Secret(), totp.Params{}).Equal(key))
	})
}

// An accepted URI means the same to this package, to itself written again, and to net/url: each of our parameters at most
// once, the secret exactly once, no other.
func FuzzParseURI(f *testing.F) {
	for _, v := range load[struct {
		text
		Expect, Issuer, Account, Secret, Algorithm, Canonical, Why string
		Digits, Period                                             int
	}](f, "uri.json") {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, uri string) {
		key, label, err := totp.ParseURI(uri)
		if err != nil {
			require.ErrorIs(t, err, totp.ErrURI)
			require.True(t, key.IsZero())
			require.Zero(t, label)
			return
		}
		requireOurs(t, uri, key)
		written, err := key.URI(label)
		require.NoError(t, err)
		requireOurs(t, written, key)
		again, label2, err := totp.ParseURI(written)
		require.NoError(t, err)
		require.True(t, again.Equal(key))
		require.Equal(t, label, label2)
		rewritten, err := again.URI(label2)
		require.NoError(t, err)
		require.Equal(t, written, rewritten, "writing is canonical")
	})
}

// requireOurs reads uri with another parser.
func requireOurs(t *testing.T, uri string, key totp.Key) {
	u, err := url.Parse(uri)
	require.NoError(t, err)
	require.Equal(t, "otpauth", u.Scheme)
	require.Equal(t, "totp", u.Host)
	query, err := url.ParseQuery(u.RawQuery)
	require.NoError(t, err)
	for name, values := range query {
		require.Contains(t, []string{"secret", "issuer", "algorithm", "digits", "period"}, name)
		require.Len(t, values, 1, name)
	}
	require.Len(t, query["secret"], 1)
	require.True(t, parse(t, query.Get("secret"), key.Params()).Equal(key), "the other parser has the same secret")
}

// Every accepted label comes back as it was, and none adds or changes a parameter.
func FuzzLabelRoundTrip(f *testing.F) {
	n := 0
	for _, v := range load[struct{ Issuer, Account, Expect, URI, Why string }](f, "label.json") {
		f.Add(v.Issuer, v.Account, uint8(n), uint8(n), uint8(n))
		n++
	}
	f.Add("Acme\xff", "alice", uint8(0), uint8(0), uint8(0))
	f.Add("Evil&secret="+seed32+"&x=", "a?b#c/d%", uint8(1), uint8(2), uint8(60))
	f.Fuzz(func(t *testing.T, issuer, account string, algorithm, digits, period uint8) {
		p := totp.Params{Algorithm: totp.Algorithm(algorithm % 3), Digits: 6 + int(digits%3), Period: time.Duration(15+period%106) * time.Second}
		key, label := parse(t, seed20, p), totp.Label{Issuer: issuer, Account: account}
		uri, err := key.URI(label)
		clean := label.Clean()
		if clean.Account != "" {
			_, err := key.URI(clean)
			require.NoError(t, err, "a clean label is never refused")
			require.Equal(t, clean, clean.Clean())
		}
		if err != nil {
			require.ErrorIs(t, err, totp.ErrLabel)
			require.Empty(t, uri)
			return
		}
		require.Equal(t, label, clean, "one that is not refused is clean")
		require.True(t, utf8.ValidString(issuer+account))
		require.NotContains(t, issuer+account, ":")
		for _, c := range []byte(uri) {
			require.True(t, ' ' < c && c < 0x7f && c != '+', "%q", c)
		}
		back, label2, err := totp.ParseURI(uri)
		require.NoError(t, err)
		require.Equal(t, label, label2)
		require.True(t, back.Equal(key))
		requireOurs(t, uri, key)
	})
}

// Every character of the basic plane, and a sample of the others, in the middle of a name: accepted and kept, or refused.
func TestLabelEveryCharacter(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	refused := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		name := "a" + string(r) + "b"
		if !utf8.ValidRune(r) { // a surrogate, which string would replace
			name = string([]byte{'a', 0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f, 'b'})
		}
		label := totp.Label{Issuer: name, Account: name}
		uri, err := key.URI(label)
		if err != nil {
			require.ErrorIs(t, err, totp.ErrLabel)
			refused++
			continue
		}
		if _, back, err := totp.ParseURI(uri); err != nil || back != label {
			t.Fatalf("%U: %+v, %v", r, back, err)
		}
		if r > 0xffff {
			r += 250
		}
	}
	const colon, surrogates, controls, bidirectional, separators = 1, 2048, 65, 12, 2
	require.Equal(t, colon+surrogates+controls+bidirectional+separators, refused)
}

// No spelling is a code of its own: an accepted text has the digits of the step for which
// it is accepted, and no other spelling of them passes afterwards.
func FuzzVerify(f *testing.F) {
	for _, v := range load[struct {
		text
		Digits      int
		Expect, Why string
	}](f, "code.json") {
		f.Add(v.bytes(f), int64(59), int64(0), uint8(v.Digits))
	}
	keys := map[int]totp.Key{}
	for digits := 6; digits <= 8; digits++ {
		keys[digits] = parse(f, seed20, totp.Params{Digits: digits})
	}
	f.Fuzz(func(t *testing.T, input string, unix, after int64, digits uint8) {
		n := 6 + int(digits)%3
		key, at, w := keys[n], time.Unix(unix, 0), totp.Standard()
		step, err := key.Verify(input, at, totp.Step(after), w)
		if err != nil {
			require.Equal(t, totp.Step(after), step)
			known := errors.Is(err, totp.ErrMalformedCode) || errors.Is(err, totp.ErrRejected) ||
				errors.Is(err, totp.ErrAlreadyUsed) || errors.Is(err, totp.ErrTime)
			require.True(t, known, "%v", err)
			return
		}
		require.Greater(t, step, totp.Step(after))
		require.LessOrEqual(t, step-key.Step(at), totp.Step(1))
		require.GreaterOrEqual(t, step-key.Step(at), totp.Step(-1))
		plain := code(t, key, step)
		require.Len(t, plain, n)
		read, err := typed.Append(nil, input)
		require.NoError(t, err)
		require.Equal(t, plain, string(read))
		for _, spelling := range []string{input, plain, plain[:3] + " " + plain[3:], "-" + plain} {
			_, err = key.Verify(spelling, at, step, w)
			require.ErrorIs(t, err, totp.ErrAlreadyUsed)
		}
	})
}

// A byte script drives clock and codes against the plainest model: check each step of the
// window, and remember the used ones. Whatever the order, a step is accepted at most
// once, steps only grow, and a right and fresh code passes.
func FuzzVerifyHistory(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 1, 2, 0x80, 0, 0x81, 1, 0x40, 2})
	f.Add([]byte{2, 1, 0, 0xc0, 2, 1, 0, 0xff, 5, 6, 7})
	key := parse(f, seed20, totp.Params{})
	f.Fuzz(func(t *testing.T, script []byte) {
		at, last, used := time.Unix(now, 0), totp.Step(0), map[totp.Step]bool{}
		for i, b := range script[:min(len(script), 64)] {
			if b >= 0x80 { // the clock moves, by -31 s to +32 s
				at = at.Add(time.Duration(int(b&0x3f)-31) * time.Second)
				continue
			}
			w := totp.Window{Past: int(b>>4) % 3, Future: int(b>>6) % 2}
			wish := key.Step(at) + totp.Step(b%7) - 3
			first, second := code(t, key, wish-1), code(t, key, wish)
			pair := i%3 == 2
			expected := totp.Step(0)
			for s := key.Step(at) - totp.Step(w.Past); s <= key.Step(at)+totp.Step(w.Future); s++ {
				inside := !pair || s-1 > last && code(t, key, s-1) == first
				if inside && s > last && code(t, key, s) == second {
					expected = s
				}
			}
			step, err := key.Verify(second, at, last, w)
			if pair {
				step, err = key.VerifyPair(first, second, at, last, w)
			}
			require.Equal(t, max(expected, last), step)
			require.Equal(t, expected != 0, err == nil)
			if err == nil {
				require.False(t, used[step])
				require.Greater(t, step, last)
				used[step], last = true, step
			}
		}
		require.LessOrEqual(t, len(used), len(script))
	})
}

// An algorithm has the name that it is written with, in upper or lower case of ASCII,
// with or without HMAC before it, and no other.
func FuzzParseAlgorithm(f *testing.F) {
	for _, name := range []string{"SHA1", "sha256", "Sha512", "\u017fha1", "MD5", "SHA-1", "SHA1 ", "", "HmacSHA512", "hmac_sha-256", "HMAC--SHA1"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		a, err := totp.ParseAlgorithm(name)
		if err != nil {
			require.ErrorIs(t, err, totp.ErrParams)
			require.Zero(t, a)
			return
		}
		require.Regexp(t, `^([Hh][Mm][Aa][Cc][-_ /]?)?[Ss][Hh][Aa][-_ /]?`+a.String()[len("SHA"):]+`$`, name)
		_, err = totp.NewKey(totp.Params{Algorithm: a})
		require.NoError(t, err)
	})
}
