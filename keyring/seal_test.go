package keyring_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// refused asserts that nothing opens, and with which error.
func refused(t testing.TB, r *keyring.Ring, want error, purpose string, sealed []byte, ad ...string) {
	t.Helper()
	plaintext, err := r.Open(purpose, sealed, ad...)
	require.ErrorIs(t, err, keyring.ErrOpen)
	if want != nil {
		require.ErrorIs(t, err, want)
	}
	require.Nil(t, plaintext)
}

func TestSealOpen(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			r := mustParse(t, s)
			for _, plaintext := range [][]byte{nil, {0}, []byte("secret"), bytes.Repeat([]byte("x"), 64<<10)} {
				before := slices.Clone(plaintext)
				sealed := r.Seal("record", plaintext, "acme", "ann")
				require.Equal(t, before, plaintext, "the caller's bytes stay")
				kept := slices.Clone(sealed)
				got, err := r.Open("record", sealed, "acme", "ann")
				require.NoError(t, err)
				require.Equal(t, string(plaintext), string(got))
				require.Equal(t, kept, sealed, "the envelope stays")
				require.NotEqual(t, sealed, r.Seal("record", plaintext, "acme", "ann"), "nonces differ")
				require.False(t, r.Stale(sealed))
			}
		})
	}
}

// An attacker who can write to the store moves sealed records around.
func TestOpenRefusesSwaps(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			r := mustParse(t, s)
			sealed := r.Seal("record", []byte("secret"), "ab", "c")
			swaps := []struct {
				name, purpose string
				ad            []string
			}{
				{"other purpose", "challenge", []string{"ab", "c"}},
				{"purpose is a prefix", "recor", []string{"ab", "c"}},
				{"no purpose", "", []string{"ab", "c"}},
				{"other user", "record", []string{"ab", "d"}},
				{"other tenant", "record", []string{"ax", "c"}},
				{"border moved", "record", []string{"a", "bc"}},
				{"border gone", "record", []string{"abc"}},
				{"order", "record", []string{"c", "ab"}},
				{"empty field behind", "record", []string{"ab", "c", ""}},
				{"empty field in front", "record", []string{"", "ab", "c"}},
				{"field missing", "record", []string{"ab"}},
				{"no fields", "record", nil},
				{"length bytes in a field", "record", []string{"ab\x00\x00\x00\x00\x00\x00\x00\x01c"}},
			}
			require.NotEmpty(t, swaps)
			for _, c := range swaps {
				t.Run(c.name, func(t *testing.T) { refused(t, r, keyring.ErrBroken, c.purpose, sealed, c.ad...) })
			}
			refused(t, mustParse(t, keyring.Generate()), keyring.ErrUnknownKey, "record", sealed, "ab", "c")
		})
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			r := mustParse(t, s)
			sealed := r.Seal("record", []byte("secret"), "acme", "ann")
			for bit := range 8 * len(sealed) {
				b := slices.Clone(sealed)
				b[bit/8] ^= 1 << (bit % 8)
				refused(t, r, nil, "record", b, "acme", "ann")
			}
			for n := range sealed {
				refused(t, r, nil, "record", sealed[:n], "acme", "ann")
				refused(t, r, nil, "record", sealed[n+1:], "acme", "ann")
			}
			for _, more := range [][]byte{{0}, {1}, {0xff}, make([]byte, 16), sealed} {
				refused(t, r, keyring.ErrBroken, "record", slices.Concat(sealed, more), "acme", "ann")
				refused(t, r, nil, "record", slices.Concat(more, sealed), "acme", "ann")
			}
			refused(t, r, keyring.ErrBroken, "record", nil, "acme", "ann")
		})
	}
}

func TestOpenNamesTheReason(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			r := mustParse(t, s)
			sealed := r.Seal("record", []byte("secret"))
			set := func(i int, v byte) []byte {
				b := slices.Clone(sealed)
				b[i] = v
				return b
			}
			for v := range 256 {
				if v != 1 {
					refused(t, r, keyring.ErrUnknownSuite, "record", set(0, byte(v)))
				}
				if v != 1 && v != 2 {
					refused(t, r, keyring.ErrUnknownSuite, "record", set(1, byte(v)))
				}
			}
			// Relabelling an envelope as the other suite gains nothing.
			refused(t, r, keyring.ErrBroken, "record", set(1, 3-sealed[1]))
			refused(t, r, keyring.ErrUnknownKey, "record", set(2, sealed[2]^1))
		})
	}
}

// Not even an attacker who knows one of the keys can pass a seal of one key off as that
// of another: the id is authenticated.
func TestKeyIDIsAuthenticated(t *testing.T) {
	old := keyring.Generate()
	s, err := keyring.Rotate(old)
	require.NoError(t, err)
	r := mustParse(t, s)
	sealed := r.Seal("record", []byte("secret"))
	other := mustParse(t, old).Seal("record", nil)
	refused(t, r, keyring.ErrBroken, "record", slices.Concat(other[:6], sealed[6:]))
}

func TestRotation(t *testing.T) {
	for suite, oldText := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			newText, err := keyring.Rotate(oldText)
			require.NoError(t, err)
			older, newer := mustParse(t, oldText), mustParse(t, newText)
			was := older.Seal("record", []byte("secret"), "acme", "ann")
			tag := older.MAC("token", "ann")

			// The old key opens and verifies, but its envelopes are stale.
			plaintext, err := newer.Open("record", was, "acme", "ann")
			require.NoError(t, err)
			require.Equal(t, "secret", string(plaintext))
			require.NoError(t, newer.VerifyMAC("token", tag, "ann"))
			require.False(t, older.Stale(was))
			require.True(t, newer.Stale(was))

			// The newest key seals and signs.
			now := newer.Seal("record", plaintext, "acme", "ann")
			require.False(t, newer.Stale(now))
			require.NotEqual(t, was[2:6], now[2:6])
			require.NotEqual(t, tag, newer.MAC("token", "ann"))
			refused(t, older, keyring.ErrUnknownKey, "record", now, "acme", "ann")
			require.ErrorIs(t, older.VerifyMAC("token", newer.MAC("token", "ann"), "ann"), keyring.ErrUnknownKey)

			// Retired: its seals and tags are refused, those of the others stay valid.
			text, err := keyring.Retire(newText, older.IDs()[0])
			require.NoError(t, err)
			after := mustParse(t, text)
			refused(t, after, keyring.ErrUnknownKey, "record", was, "acme", "ann")
			require.ErrorIs(t, after.VerifyMAC("token", tag, "ann"), keyring.ErrUnknownKey)
			_, err = after.Open("record", now, "acme", "ann")
			require.NoError(t, err)
		})
	}
}

func TestSuiteExchanged(t *testing.T) {
	rings := both(keyring.Generate())
	x, a := mustParse(t, rings["xchacha20-poly1305"]), mustParse(t, rings["aes-256-gcm"])
	for _, pair := range [][2]*keyring.Ring{{x, a}, {a, x}} {
		sealed := pair[0].Seal("record", []byte("secret"))
		plaintext, err := pair[1].Open("record", sealed)
		require.NoError(t, err)
		require.Equal(t, "secret", string(plaintext))
		require.True(t, pair[1].Stale(sealed), "to be sealed again under the suite of the ring")
		require.NoError(t, pair[1].VerifyMAC("token", pair[0].MAC("token", "x"), "x"))
	}
}

func TestRaisedEpochStillOpens(t *testing.T) {
	s := keyring.Generate()
	raised, err := keyring.RaiseEpoch(s)
	require.NoError(t, err)
	sealed := mustParse(t, s).Seal("record", []byte("secret"))
	_, err = mustParse(t, raised).Open("record", sealed)
	require.NoError(t, err)
	require.False(t, mustParse(t, raised).Stale(sealed))
}

func TestStaleOfGarbage(t *testing.T) {
	r := mustParse(t, keyring.Generate())
	for _, b := range [][]byte{nil, {}, {1}, {1, 1, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 99)} {
		require.True(t, r.Stale(b))
	}
}

func TestZeroRingRefuses(t *testing.T) {
	live := mustParse(t, keyring.Generate())
	for name, r := range map[string]*keyring.Ring{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			refused(t, r, keyring.ErrUnknownKey, "p", live.Seal("p", nil))
			require.ErrorIs(t, r.VerifyMAC("p", live.MAC("p")), keyring.ErrUnknownKey)
			require.True(t, r.Stale(live.Seal("p", nil)))
			require.Zero(t, r.Epoch())
			require.Empty(t, r.IDs())
			// An envelope that nobody could open again must not reach a store.
			require.Panics(t, func() { r.Seal("p", nil) })
			require.Panics(t, func() { r.MAC("p") })
		})
	}
}

// A host that builds purposes from requests must not fill the memory.
func TestSubkeysAreBounded(t *testing.T) {
	r := mustParse(t, keyring.Generate())
	for i := range 1000 {
		purpose := strings.Repeat("x", i)
		got, err := r.Open(purpose, r.Seal(purpose, []byte("secret")))
		require.NoError(t, err)
		require.Equal(t, "secret", string(got))
		require.NoError(t, r.VerifyMAC(purpose, r.MAC(purpose)))
	}
	require.Equal(t, 256, keyring.Subkeys(r))
}
