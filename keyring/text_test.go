package keyring_test

import (
	"crypto/fips140"
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/transitions"
	"github.com/totpflow/totpflow/keyring"
)

const (
	secretA = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	secretB = "__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA"
)

// both returns the ring with the same content in each suite.
func both(ring string) map[string]string {
	out := map[string]string{}
	for _, suite := range []string{"xchacha20-poly1305", "aes-256-gcm"} {
		out[suite] = withSuite(ring, suite)
	}
	return out
}

// withSuite replaces the suite word, as the documentation allows.
func withSuite(ring, suite string) string {
	parts := strings.Split(ring, ":")
	parts[1] = suite
	return strings.Join(parts, ":")
}

func TestGenerate(t *testing.T) {
	suite := "xchacha20-poly1305"
	if fips140.Enabled() {
		suite = "aes-256-gcm"
	}
	form := regexp.MustCompile(`^totpflow-keys-1:` + suite + `:1:[0-9a-f]{8}\.[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 1000 {
		s := keyring.Generate()
		require.Regexp(t, form, s)
		_, keys := refKeys(t, s)
		id, secret := string(keys[0].id), string(keys[0].secret)
		require.Len(t, secret, 32)
		require.False(t, seen[secret])
		seen[secret] = true
		seen[id] = true
		require.Equal(t, uint32(1), mustParse(t, s).Epoch())
	}
	// Ids are random: among 1,000 of 2³², more than one pair has odds of 1e-8.
	require.GreaterOrEqual(t, len(seen), 1998)
}

func TestParseRefuses(t *testing.T) {
	good := "totpflow-keys-1:aes-256-gcm:1:5d2c8f07." + secretA
	second := ",9b01aa3e." + secretB
	zero := strings.Repeat("A", 43)
	full := good
	for i := range 31 {
		full += fmt.Sprintf(",%08x.%s", i, base64.RawURLEncoding.EncodeToString(
			[]byte(fmt.Sprintf("%032d", i))))
	}
	for _, ok := range []string{good, good + "\n", good + "\r\n", good + second, full,
		"totpflow-keys-1:xchacha20-poly1305:4294967295:5d2c8f07." + secretA} {
		_, err := keyring.Parse(ok)
		require.NoError(t, err)
	}

	cases := map[string]string{
		"empty":                        "",
		"only a line end":              "\n",
		"prefix only":                  "totpflow-keys-1",
		"unknown version":              strings.Replace(good, "keys-1", "keys-2", 1),
		"other case of the prefix":     strings.Replace(good, "totpflow", "Totpflow", 1),
		"unknown suite":                strings.Replace(good, "aes-256-gcm", "aes-128-gcm", 1),
		"no suite":                     strings.Replace(good, "aes-256-gcm", "", 1),
		"suite in upper case":          strings.Replace(good, "aes-256-gcm", "AES-256-GCM", 1),
		"epoch zero":                   strings.Replace(good, ":1:", ":0:", 1),
		"epoch empty":                  strings.Replace(good, ":1:", "::", 1),
		"epoch with zeros in front":    strings.Replace(good, ":1:", ":01:", 1),
		"epoch with a sign":            strings.Replace(good, ":1:", ":+1:", 1),
		"epoch negative":               strings.Replace(good, ":1:", ":-1:", 1),
		"epoch with underscore":        strings.Replace(good, ":1:", ":1_0:", 1),
		"epoch too large":              strings.Replace(good, ":1:", ":4294967296:", 1),
		"epoch in Arabic-Indic digits": strings.Replace(good, ":1:", ":١:", 1),
		"no keys":                      "totpflow-keys-1:aes-256-gcm:1:",
		"field missing":                "totpflow-keys-1:aes-256-gcm:1",
		"field too many":               good + ":",
		"space in front":               " " + good,
		"space behind":                 good + " ",
		"two line ends":                good + "\n\n",
		"carriage return alone":        good + "\r",
		"line end in the middle":       strings.Replace(good, ":1:", ":1:\n", 1),
		"line end inside the secret":   good[:len(good)-4] + "\n" + good[len(good)-4:],
		"comma behind":                 good + ",",
		"comma in front":               strings.Replace(good, ":1:", ":1:,", 1),
		"key without id":               "totpflow-keys-1:aes-256-gcm:1:" + secretA,
		"id too short":                 strings.Replace(good, "5d2c8f07", "5d2c8f0", 1),
		"id too long":                  strings.Replace(good, "5d2c8f07", "5d2c8f0700", 1),
		"id in upper case":             strings.Replace(good, "5d2c8f07", "5D2C8F07", 1),
		"id not hexadecimal":           strings.Replace(good, "5d2c8f07", "5d2c8f0g", 1),
		"id empty":                     strings.Replace(good, "5d2c8f07", "", 1),
		"secret short":                 good[:len(good)-1],
		"secret of 16 bytes":           "totpflow-keys-1:aes-256-gcm:1:5d2c8f07.AAECAwQFBgcICQoLDA0ODw",
		"secret long":                  good + "A",
		"secret of 33 bytes":           "totpflow-keys-1:aes-256-gcm:1:5d2c8f07." + base64.RawURLEncoding.EncodeToString(make([]byte, 33)),
		"secret empty":                 "totpflow-keys-1:aes-256-gcm:1:5d2c8f07.",
		"secret padded":                good + "=",
		"secret with stray bits":       good[:len(good)-1] + "9", // "8" and "9" differ in a bit that is unused
		"secret in the other alphabet": strings.Replace(good+second, "__79", "//79", 1),
		"secret all zero":              strings.Replace(good, secretA, zero, 1),
		"older secret all zero":        good + ",9b01aa3e." + zero,
		"id twice":                     good + ",5d2c8f07." + secretB,
		"secret twice":                 good + ",9b01aa3e." + secretA,
		"key twice":                    good + ",5d2c8f07." + secretA,
		"too many keys":                full + second,
		"too long":                     good + strings.Repeat("A", 1<<20),
		"a NUL":                        good + "\x00",
		"invalid UTF-8":                good + "\xff",
		"wrapped":                      "totpflow-wrapped-keys-1:AAAA",
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := keyring.Parse(s)
			require.ErrorIs(t, err, keyring.ErrMalformed)
			require.Nil(t, r)
			// Start-up errors go to logs.
			require.NotContains(t, err.Error(), secretA[:8])
			for _, change := range []func(string) (string, error){keyring.Rotate, keyring.RaiseEpoch,
				func(s string) (string, error) { return keyring.Retire(s, "9b01aa3e") }} {
				out, err := change(s)
				require.ErrorIs(t, err, keyring.ErrMalformed)
				require.Equal(t, s, out, "what was given")
			}
		})
	}
}

func TestRotateRaiseRetire(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		first := mustParse(t, s).IDs()[0]

		rotated, err := keyring.Rotate(s + "\n")
		require.NoError(t, err)
		head, keys, _ := strings.Cut(s, ":1:")
		require.True(t, strings.HasPrefix(rotated, head+":1:"), "suite and epoch stay")
		require.True(t, strings.HasSuffix(rotated, ","+keys), "the old key stays, behind the new one")
		ids := mustParse(t, rotated).IDs()
		require.Len(t, ids, 2)
		require.Equal(t, first, ids[1])

		raised, err := keyring.RaiseEpoch(rotated)
		require.NoError(t, err)
		require.Equal(t, strings.Replace(rotated, ":1:", ":2:", 1), raised)
		require.Equal(t, uint32(2), mustParse(t, raised).Epoch())

		retired, err := keyring.Retire(raised, first)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(raised, ","+keys), retired)

		for _, id := range []string{ids[0], strings.ToUpper(ids[0]) + "x"} {
			out, err := keyring.Retire(retired, id)
			require.Error(t, err)
			require.Equal(t, retired, out)
		}
		_, err = keyring.Retire(retired, ids[0])
		require.ErrorIs(t, err, keyring.ErrNewest)
		_, err = keyring.Retire(retired, first)
		require.ErrorIs(t, err, keyring.ErrUnknownKey)
		_, err = keyring.Retire(retired, "")
		require.ErrorIs(t, err, keyring.ErrUnknownKey)
		require.NotEmpty(t, suite)
	}
}

func TestRotateAndRaiseEnd(t *testing.T) {
	s := keyring.Generate()
	var err error
	for range 31 {
		s, err = keyring.Rotate(s)
		require.NoError(t, err)
	}
	require.Len(t, mustParse(t, s).IDs(), 32)
	_, err = keyring.Rotate(s)
	require.ErrorIs(t, err, keyring.ErrLimit)

	last := strings.Replace(s, ":1:", fmt.Sprintf(":%d:", uint32(math.MaxUint32)), 1)
	_, err = keyring.RaiseEpoch(last)
	require.ErrorIs(t, err, keyring.ErrLimit)
}

// With an error each call returns the ring that it was given: a program that writes the
// result back keeps its keys.
func TestErrorsKeepTheRing(t *testing.T) {
	full := keyring.Generate()
	for range 31 {
		var err error
		full, err = keyring.Rotate(full)
		require.NoError(t, err)
	}
	last := strings.Replace(keyring.Generate(), ":1:", fmt.Sprintf(":%d:", uint32(math.MaxUint32)), 1)
	calls := map[string]struct {
		call   func(string) (string, error)
		refuse []string
	}{
		"Rotate":     {keyring.Rotate, []string{"", "no ring", full}},
		"RaiseEpoch": {keyring.RaiseEpoch, []string{"", "no ring", last}},
		"Retire":     {func(s string) (string, error) { return keyring.Retire(s, "00000000") }, []string{"", "no ring", full}},
		// These return another kind of value than they are given, which must not be
		// stored in its place: Wrap would have clear keys written where ciphertext
		// belongs.
		"Wrap": {}, "Ring.Open": {},
	}
	names, err := transitions.Of(".")
	require.NoError(t, err)
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)), "a call that replaces a state is missing here")
	for name, c := range calls {
		for _, ring := range c.refuse {
			out, err := c.call(ring)
			require.Error(t, err, name)
			require.Equal(t, ring, out, name)
		}
	}
}
