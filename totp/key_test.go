package totp_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

func TestAlgorithmNames(t *testing.T) {
	for a, name := range map[totp.Algorithm]string{totp.SHA1: "SHA1", totp.SHA256: "SHA256", totp.SHA512: "SHA512"} {
		require.Equal(t, name, a.String())
		parsed, err := totp.ParseAlgorithm(name)
		require.NoError(t, err)
		require.Equal(t, a, parsed)
	}
	require.Equal(t, "Algorithm(3)", totp.Algorithm(3).String())
	for name, a := range map[string]totp.Algorithm{
		"sha1": totp.SHA1, "SHA-1": totp.SHA1, "HmacSHA1": totp.SHA1, "hmac-sha-1": totp.SHA1, "SHA_1": totp.SHA1,
		"Sha256": totp.SHA256, "SHA-256": totp.SHA256, "sha_256": totp.SHA256, "HMACSHA256": totp.SHA256, "HMAC-SHA-256": totp.SHA256, "HMAC SHA256": totp.SHA256,
		"sha512": totp.SHA512, "SHA-512": totp.SHA512, "HmacSHA512": totp.SHA512, "HMAC/SHA-512": totp.SHA512,
	} {
		parsed, err := totp.ParseAlgorithm(name)
		require.NoError(t, err, name)
		require.Equal(t, a, parsed, name)
	}
	for _, name := range []string{
		"", "MD5", "SHA", "SHA256 ", "\u017fHA1", "SHA1\x00", "HMAC", "HmacMD5", "SHA--1", "SHA224", "SHA384", "SHA2-256", "SHA3-256", "S-HA1",
		"HMAC--SHA1", "HMAC-SHA-256 ", "SHA1SHA1", "-SHA1", "256", "-256",
	} {
		_, err := totp.ParseAlgorithm(name)
		require.ErrorIs(t, err, totp.ErrParams, "%q", name)
	}
}

// Secrets are as long as the hash, never repeat and have as many ones as zeros: a
// generator that forgets a byte, a bit or its seed fails here.
func TestNewKeyBits(t *testing.T) {
	const n = 20_000
	for a, size := range map[totp.Algorithm]int{totp.SHA1: 160, totp.SHA256: 256, totp.SHA512: 512} {
		seen, ones := make(map[string]bool, n), make([]int, size)
		for range n {
			key, err := totp.NewKey(totp.Params{Algorithm: a})
			require.NoError(t, err)
			raw := decode(t, key.Secret())
			require.Len(t, raw, size/8)
			require.False(t, seen[string(raw)])
			seen[string(raw)] = true
			for i := range ones {
				ones[i] += int(raw[i/8] >> (i % 8) & 1)
			}
		}
		for i, count := range ones { // 6.4 standard deviations of a fair coin
			require.InDelta(t, n/2, count, 452, "bit %d of %v", i, a)
		}
	}
}

func TestEqual(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	for name, c := range map[string]struct {
		other totp.Key
		equal bool
	}{
		"itself":         {key, true},
		"parsed again":   {parse(t, seed20, totp.Params{Digits: 6, Period: 30 * time.Second}), true},
		"another secret": {parse(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR", totp.Params{}), false},
		"a longer one":   {parse(t, seed32, totp.Params{}), false},
		"digits":         {parse(t, seed20, totp.Params{Digits: 8}), false},
		"period":         {parse(t, seed20, totp.Params{Period: time.Minute}), false},
		"algorithm":      {parse(t, seed20, totp.Params{Algorithm: totp.SHA256}), false},
		"zero":           {totp.Key{}, false},
	} {
		require.Equal(t, c.equal, key.Equal(c.other), name)
		require.Equal(t, c.equal, c.other.Equal(key), name)
	}
}

// The parameters do not matter for the secret, and no key has that of the zero Key.
func TestSameSecret(t *testing.T) {
	key := parse(t, seed20, totp.Params{})
	for name, c := range map[string]struct {
		one, other totp.Key
		same       bool
	}{
		"itself":           {key, key, true},
		"other parameters": {key, parse(t, seed20, totp.Params{Digits: 8, Period: time.Minute}), true},
		"another secret":   {key, parse(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR", totp.Params{}), false},
		"a longer one":     {key, parse(t, seed32, totp.Params{}), false},
		"zero":             {key, totp.Key{}, false},
		"both zero":        {totp.Key{}, totp.Key{}, false},
	} {
		require.Equal(t, c.same, c.one.SameSecret(c.other), name)
		require.Equal(t, c.same, c.other.SameSecret(c.one), name)
	}
}

// One Key in many goroutines, beside others of the same algorithm that share the pool of hashes.
func TestConcurrentUse(t *testing.T) {
	type task struct {
		key  totp.Key
		want []string
	}
	var tasks []task
	for i, secret := range []string{seed20, seed32, seed64, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR"} {
		k := task{key: parse(t, secret, totp.Params{Algorithm: totp.Algorithm(i % 3)})}
		for s := range totp.Step(50) {
			k.want = append(k.want, code(t, k.key, s+1))
		}
		tasks = append(tasks, k)
	}
	var wg sync.WaitGroup
	for range 4 {
		for _, k := range tasks {
			wg.Go(func() {
				for s, want := range k.want {
					at := k.key.Start(totp.Step(s + 1))
					got, err := k.key.Code(at)
					if err != nil || got != want {
						t.Errorf("step %d: %q, %v", s+1, got, err)
					}
					if step, err := k.key.Verify(want, at, 0, totp.Window{}); err != nil || step != totp.Step(s+1) {
						t.Errorf("step %d: %d, %v", s+1, step, err)
					}
				}
			})
		}
	}
	wg.Wait()
}

// How many codes identify a secret: each of six digits leaves one secret in a million.
func TestCodesThatSingleOutASecret(t *testing.T) {
	left := func(bits float64, codes int) float64 { return math.Exp2(bits) / math.Pow(1e6, float64(codes)) }
	require.Greater(t, left(80, 4), 1.0)
	require.Less(t, left(80, 5), 1e-5)
	require.Greater(t, left(128, 6), 1.0)
}
