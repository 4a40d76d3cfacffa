package keyring_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// A person who has damaged a ring learns where, and the error shows nothing of the ring.
func TestMalformedSaysWhere(t *testing.T) {
	const head, id, secret = "totpflow-keys-1:aes-256-gcm:7:", "5d2c8f07", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	for text, want := range map[string]string{
		head + id:                                      "key 1: not of the form id.secret",
		head + "5D2C8F07." + secret:                    "key 1: id is not 8 lower-case hexadecimal digits",
		head + "5d2c8f0." + secret:                     "key 1: id is not 8 lower-case hexadecimal digits",
		head + id + "." + secret + ",x." + secret:      "key 2: id is not 8 lower-case hexadecimal digits",
		head + id + "." + secret[:42]:                  "key 1: secret is not 32 bytes in base64url",
		head + id + "." + secret + ",":                 "key 2: not of the form id.secret",
		head + id + "." + strings.Repeat("A", 43):      "key 1: secret is all zero",
		strings.Repeat("x", 4097):                      "longer than 4096 bytes",
		strings.Repeat("x", 4096):                      "does not begin with totpflow-keys-1",
		"totpflow-keys-1:aes-256-gcm:4294967296:" + id: "epoch is not a number from 1",
	} {
		_, err := keyring.Parse(text)
		require.ErrorIs(t, err, keyring.ErrMalformed)
		require.EqualError(t, err, keyring.ErrMalformed.Error()+": "+want)
	}
}

// The key of an envelope is named in its first six bytes, if a ring could
// have written them.
func TestKeyIDOfAHeader(t *testing.T) {
	r := mustParse(t, goldenRings["aes-256-gcm"])
	sealed := r.Seal("record", nil)
	id, err := keyring.KeyID(sealed[:6])
	require.NoError(t, err)
	require.Equal(t, r.IDs()[0], id)
	for _, suite := range []byte{0, 3, 255} {
		sealed[1] = suite
		_, err = keyring.KeyID(sealed)
		require.ErrorIs(t, err, keyring.ErrUnknownSuite)
		require.True(t, r.Stale(sealed))
	}
}

// A refusal matches its own error and ErrOpen, and no other.
func TestRefusalsAreDistinct(t *testing.T) {
	all := []error{keyring.ErrBroken, keyring.ErrUnknownKey, keyring.ErrUnknownSuite}
	for i, a := range all {
		require.ErrorIs(t, a, keyring.ErrOpen)
		require.NotErrorIs(t, a, keyring.ErrMalformed)
		for j, b := range all {
			if i != j {
				require.NotErrorIs(t, a, b)
			}
		}
	}
}

// An empty ring seals nothing, and the panic says why.
func TestZeroRingSaysWhatItIs(t *testing.T) {
	for _, r := range []*keyring.Ring{nil, {}} {
		require.PanicsWithValue(t, "keyring: use of a Ring that Parse did not return", func() { r.Seal("p", nil) })
		require.PanicsWithValue(t, "keyring: use of a Ring that Parse did not return", func() { r.MAC("p") })
	}
}

// A subkey is derived once for its purpose, which is what makes a seal quick.
func TestSubkeysAreKept(t *testing.T) {
	r := mustParse(t, keyring.Generate())
	for range 3 {
		sealed := r.Seal("record", nil)
		_, err := r.Open("record", sealed)
		require.NoError(t, err)
		require.NoError(t, r.VerifyMAC("record", r.MAC("record")))
		require.Equal(t, 2, keyring.Subkeys(r))
	}
}

// padding is a Wrapper whose ciphertexts have this length.
type padding int

// Wrap implements [keyring.Wrapper].
func (n padding) Wrap(_ context.Context, plaintext, _ []byte) ([]byte, error) {
	return append(bytes.Clone(plaintext), make([]byte, int(n)-len(plaintext))...), nil
}

// Unwrap implements [keyring.Wrapper].
func (n padding) Unwrap(_ context.Context, ciphertext, _ []byte) ([]byte, error) {
	return bytes.TrimRight(ciphertext, "\x00"), nil
}

// Wrapped keys have at most 64 KiB, and ParseWrapped reads everything that Wrap writes.
func TestWrappedBound(t *testing.T) {
	const most = (64<<10 - len("totpflow-wrapped-keys-1:")) / 4 * 3
	text, err := keyring.Wrap(t.Context(), padding(most), goldenRings["aes-256-gcm"])
	require.NoError(t, err)
	require.Len(t, text, 64<<10)
	_, err = keyring.ParseWrapped(t.Context(), padding(most), text)
	require.NoError(t, err)
	_, err = keyring.ParseWrapped(t.Context(), padding(most), text+"\n")
	require.ErrorIs(t, err, keyring.ErrMalformed)
	_, err = keyring.Wrap(t.Context(), padding(most+1), goldenRings["aes-256-gcm"])
	require.Error(t, err)
}
