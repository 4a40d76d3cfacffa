package keyring_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// FuzzParse checks that an accepted ring has one spelling: Rotate, which writes the ring
// again, repeats every byte of it.
func FuzzParse(f *testing.F) {
	good := goldenRings["aes-256-gcm"]
	f.Add(good)
	f.Add(goldenRings["xchacha20-poly1305"] + "\n")
	f.Add(strings.Replace(good, "4294967295", "01", 1))
	f.Add(strings.ToUpper(good))
	f.Add(good + "," + good)
	f.Add("totpflow-keys-1:aes-256-gcm:1:")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := keyring.Parse(s)
		if err != nil {
			require.True(t, errors.Is(err, keyring.ErrMalformed) || errors.Is(err, keyring.ErrUnknownSuite))
			require.Nil(t, r)
			return
		}
		text := strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
		rotated, err := keyring.Rotate(s)
		if errors.Is(err, keyring.ErrLimit) {
			return
		}
		require.NoError(t, err)
		was, is := strings.Split(text, ":"), strings.Split(rotated, ":")
		require.Equal(t, was[:3], is[:3])
		_, older, ok := strings.Cut(is[3], ",")
		require.True(t, ok)
		require.Equal(t, was[3], older)
		require.Equal(t, r.IDs(), mustParse(t, rotated).IDs()[1:])
	})
}

// FuzzOpen checks that a sealed value opens unchanged, and does not open after any change
// of one bit, of purpose or of associated data.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("secret"), "record", "acme", "ann", uint32(0), true)
	f.Add([]byte{}, "", "", "", uint32(99), false)
	f.Add([]byte{0}, "p", "ab", "c", uint32(1<<31), false)
	rings := both(keyring.Generate())
	x, a := mustParse(f, rings["xchacha20-poly1305"]), mustParse(f, rings["aes-256-gcm"])
	f.Fuzz(func(t *testing.T, plaintext []byte, purpose, tenant, user string, bit uint32, aes bool) {
		r := x
		if aes {
			r = a
		}
		sealed := r.Seal(purpose, plaintext, tenant, user)
		for _, opener := range []*keyring.Ring{x, a} {
			got, err := opener.Open(purpose, sealed, tenant, user)
			require.NoError(t, err)
			require.Equal(t, string(plaintext), string(got))
		}
		flipped := slices.Clone(sealed)
		i := int(bit) % (8 * len(flipped))
		flipped[i/8] ^= 1 << (i % 8)
		refused(t, r, nil, purpose, flipped, tenant, user)
		refused(t, r, nil, purpose, sealed[:int(bit)%len(sealed)], tenant, user)
		refused(t, r, keyring.ErrBroken, purpose+"x", sealed, tenant, user)
		refused(t, r, keyring.ErrBroken, purpose, sealed, tenant+user)
		if user != "" { // the border moves by one byte
			refused(t, r, keyring.ErrBroken, purpose, sealed, tenant+user[:1], user[1:])
		}
		if tenant != user {
			refused(t, r, keyring.ErrBroken, purpose, sealed, user, tenant)
		}
	})
}

// FuzzOpenGarbage checks that nothing opens that this ring has not sealed.
func FuzzOpenGarbage(f *testing.F) {
	r := mustParse(f, keyring.Generate())
	for _, s := range readGolden(f).Seals {
		f.Add(unhex(f, s.Envelope))
	}
	f.Add([]byte{})
	f.Add(r.Seal("other purpose", nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		refused(t, r, nil, "record", sealed)
		r.Stale(sealed)
	})
}

// FuzzVerifyMAC checks that the only valid tag of some fields is the one of MAC, and that
// the reference agrees.
func FuzzVerifyMAC(f *testing.F) {
	s := goldenRings["aes-256-gcm"]
	r := mustParse(f, s)
	f.Add("token", "acme", "ann", r.MAC("token", "acme", "ann"))
	f.Add("", "", "", []byte{})
	f.Add("token", "ab", "c", r.MAC("token", "a", "bc"))
	f.Fuzz(func(t *testing.T, purpose, tenant, user string, tag []byte) {
		right := r.MAC(purpose, tenant, user)
		require.Equal(t, refMAC(t, s, purpose, tenant, user), right)
		err := r.VerifyMAC(purpose, tag, tenant, user)
		if slices.Equal(tag, right) {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, keyring.ErrOpen)
		}
		if user != "" {
			require.ErrorIs(t, r.VerifyMAC(purpose, right, tenant+user[:1], user[1:]), keyring.ErrBroken)
		}
	})
}

// FuzzParseWrapped checks that a ring comes only from a text that Wrap made, in its one
// spelling.
func FuzzParseWrapped(f *testing.F) {
	k, s := newKMS(f), goldenRings["aes-256-gcm"]
	wrapped, err := keyring.Wrap(f.Context(), k, s)
	require.NoError(f, err)
	f.Add(wrapped)
	f.Add(wrapped + "\n")
	f.Add(wrapped + "=")
	f.Add(strings.TrimPrefix(wrapped, "totpflow-wrapped-keys-1:"))
	f.Add(wrapped[:40] + "\n" + wrapped[40:])
	f.Add("totpflow-wrapped-keys-1:")
	f.Add(s)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := keyring.ParseWrapped(t.Context(), k, text)
		plain := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		if err != nil {
			require.NotEqual(t, wrapped, plain)
			require.Nil(t, r)
			return
		}
		require.Equal(t, mustParse(t, s).IDs(), r.IDs(), "the KMS knows of no other")
		body, ok := strings.CutPrefix(plain, "totpflow-wrapped-keys-1:")
		require.True(t, ok)
		sealed, err := base64.RawURLEncoding.Strict().DecodeString(body)
		require.NoError(t, err)
		require.Equal(t, body, base64.RawURLEncoding.EncodeToString(sealed), "one spelling")
	})
}

// FuzzKeyID checks that an id is read only from bytes that a ring could have written, and
// that it names the key that sealed them.
func FuzzKeyID(f *testing.F) {
	r := mustParse(f, goldenRings["aes-256-gcm"])
	f.Add(r.Seal("record", []byte("secret")))
	f.Add([]byte{})
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		id, err := keyring.KeyID(sealed)
		if err != nil {
			require.ErrorIs(t, err, keyring.ErrOpen)
			require.Empty(t, id)
			refused(t, r, nil, "record", sealed)
			return
		}
		require.Regexp(t, "^[0-9a-f]{8}$", id)
		if slices.Contains(r.IDs(), id) {
			refused(t, r, keyring.ErrBroken, "other purpose", sealed)
		} else {
			refused(t, r, keyring.ErrUnknownKey, "record", sealed)
		}
	})
}

// FuzzRetire checks that a ring loses the one key that is named, and never the newest or
// the only one.
func FuzzRetire(f *testing.F) {
	s, err := keyring.Rotate(goldenRings["aes-256-gcm"])
	require.NoError(f, err)
	ids := mustParse(f, s).IDs()
	f.Add(s, ids[1])
	f.Add(s, ids[0])
	f.Add(goldenRings["aes-256-gcm"], ids[1])
	f.Add(s, "")
	f.Add("totpflow-keys-1:", ids[1])
	f.Fuzz(func(t *testing.T, ring, id string) {
		before, malformed := keyring.Parse(ring)
		raised, err := keyring.RaiseEpoch(ring)
		if malformed != nil {
			require.Error(t, err)
		} else if err == nil {
			require.Equal(t, before.Epoch()+1, mustParse(t, raised).Epoch())
			require.Equal(t, before.IDs(), mustParse(t, raised).IDs())
		}
		left, err := keyring.Retire(ring, id)
		if err != nil {
			require.Equal(t, ring, left)
			return
		}
		require.NoError(t, malformed)
		i := slices.Index(before.IDs(), id)
		require.Positive(t, i, "not the newest")
		require.Equal(t, slices.Delete(before.IDs(), i, i+1), mustParse(t, left).IDs())
		require.Equal(t, before.Epoch(), mustParse(t, left).Epoch())
	})
}
