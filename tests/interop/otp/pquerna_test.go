package otp

import (
	"testing"
	"time"

	"github.com/pquerna/otp"
	theirs "github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

func options(p totp.Params, skew uint) theirs.ValidateOpts {
	return theirs.ValidateOpts{
		Period: uint(p.Period / time.Second), Skew: skew, Digits: otp.Digits(p.Digits),
		Algorithm: map[totp.Algorithm]otp.Algorithm{
			totp.SHA1: otp.AlgorithmSHA1, totp.SHA256: otp.AlgorithmSHA256, totp.SHA512: otp.AlgorithmSHA512}[p.Algorithm],
	}
}

// Codes and verdicts equal those of pquerna/otp, which most Go programs use. It does not
// keep the last step, and so accepts a code again.
func TestPquernaCodes(t *testing.T) {
	random := seeded(3)
	n := 0
	for range 2000 {
		key := random.key(t)
		at, p := time.Unix(1000+random.Int64N(1<<34), random.Int64N(1e9)), key.Params()
		text, err := theirs.GenerateCodeCustom(key.Secret(), at, options(p, 0))
		require.NoError(t, err)
		require.Equal(t, text, code(t, key, at), "%s %+v at %d", key.Secret(), p, at.Unix())
		for off := -2; off <= 2; off++ {
			typed := code(t, key, at.Add(time.Duration(off)*p.Period))
			ok, err := theirs.ValidateCustom(typed, key.Secret(), at, options(p, 1))
			require.NoError(t, err)
			step, err := key.Verify(typed, at, 0, totp.Standard())
			require.Equal(t, ok, err == nil, "offset %d of %+v at %v", off, p, at)
			if ok {
				_, err = key.Verify(typed, at, step, totp.Standard())
				require.ErrorIs(t, err, totp.ErrAlreadyUsed)
				n++
			}
		}
	}
	require.Equal(t, 3*2000, n)
}

var labels = []totp.Label{
	{Issuer: "Acme", Account: "alice"}, {Issuer: "Acme Backup", Account: "alice@example.com"}, label,
	{Issuer: "M\u00fcller", Account: "张伟"}, {Issuer: "100%", Account: "a+b"}, {Issuer: "a/b", Account: "c/d?e#f"},
	{Issuer: "Evil&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Account: "x?secret=y&issuer=z"}, {Issuer: "بنك", Account: "🙂"},
}

// They read the URIs that we write: same secret, same parameters, same names.
func TestPquernaReadsOurs(t *testing.T) {
	random := seeded(4)
	for range 50 {
		for _, l := range labels {
			key := random.key(t)
			uri, err := key.URI(l)
			require.NoError(t, err)
			read, err := otp.NewKeyFromURL(uri)
			require.NoError(t, err)
			require.Equal(t, key.Secret(), read.Secret(), uri)
			require.Equal(t, l.Issuer, read.Issuer(), uri)
			require.Equal(t, l.Account, read.AccountName(), uri)
			want := options(key.Params(), 0)
			require.Equal(t, want.Digits, read.Digits())
			require.Equal(t, uint64(want.Period), read.Period())
			require.Equal(t, want.Algorithm, read.Algorithm())
			require.Equal(t, "totp", read.Type())
		}
	}
}

// We read the URIs that they write, or refuse them: v1.5.0 leaves "&" and "=" in an
// issuer as they are, so that an issuer can smuggle in another secret. The two sides
// never read different keys.
func TestWeReadPquerna(t *testing.T) {
	read, refused := 0, 0
	for _, l := range labels {
		for _, p := range []totp.Params{{}, {Digits: 8, Period: time.Minute}, {Algorithm: totp.SHA512}} {
			full, err := totp.NewKey(p)
			require.NoError(t, err)
			o := options(full.Params(), 0)
			made, err := theirs.Generate(theirs.GenerateOpts{
				Issuer: l.Issuer, AccountName: l.Account, Period: o.Period, Digits: o.Digits, Algorithm: o.Algorithm, SecretSize: 20})
			require.NoError(t, err)
			key, label, err := totp.ParseURI(made.URL())
			if err != nil {
				require.ErrorIs(t, err, totp.ErrURI)
				require.Contains(t, l.Issuer+l.Account, "&", "%s: %v", made.URL(), err)
				refused++
				continue
			}
			require.Equal(t, made.Secret(), key.Secret())
			require.Equal(t, full.Params(), key.Params())
			require.Equal(t, l, label)
			read++
		}
	}
	require.Equal(t, 6*3, read)
	require.Equal(t, 2*3, refused)
}
