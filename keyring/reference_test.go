package keyring_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"
)

// The reference writes envelopes and tags from the drawings in the documentation alone,
// down to HKDF, so that the package is compared with its documentation and not with
// itself.

// refKey is one key of a ring string.
type refKey struct{ id, secret []byte }

// refKeys splits a ring string.
func refKeys(t testing.TB, ring string) (suite string, keys []refKey) {
	t.Helper()
	parts := strings.Split(ring, ":")
	require.Len(t, parts, 4)
	for _, word := range strings.Split(parts[3], ",") {
		id, err := hex.DecodeString(word[:8])
		require.NoError(t, err)
		secret, err := base64.RawURLEncoding.DecodeString(word[9:])
		require.NoError(t, err)
		keys = append(keys, refKey{id, secret})
	}
	return parts[1], keys
}

// refHKDF is RFC 5869 for one block of output.
func refHKDF(secret, salt, info []byte) []byte {
	extract := hmac.New(sha256.New, salt)
	extract.Write(secret)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write(info)
	expand.Write([]byte{1})
	return expand.Sum(nil)
}

func refFields(fields []string) []byte {
	var b []byte
	for _, f := range fields {
		b = binary.BigEndian.AppendUint64(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

// refSeal seals under the first key of the ring with a nonce chosen by the test.
func refSeal(t testing.TB, ring, purpose string, nonce, plaintext []byte, ad ...string) []byte {
	t.Helper()
	suite, keys := refKeys(t, ring)
	subkey := refHKDF(keys[0].secret, nil, []byte("totpflow-keys-1/seal/"+suite+"/"+purpose))
	var a cipher.AEAD
	var number byte
	var err error
	switch suite {
	case "xchacha20-poly1305":
		number = 1
		a, err = chacha20poly1305.NewX(subkey)
	case "aes-256-gcm":
		number = 2
		var b cipher.Block
		b, err = aes.NewCipher(subkey)
		require.NoError(t, err)
		a, err = cipher.NewGCM(b)
	default:
		require.Fail(t, "unknown suite", suite)
	}
	require.NoError(t, err)
	header := append([]byte{1, number}, keys[0].id...)
	out := append(append([]byte(nil), header...), nonce...)
	return a.Seal(out, nonce, plaintext, append(header, refFields(ad)...))
}

// refMAC signs under the first key of the ring.
func refMAC(t testing.TB, ring, purpose string, fields ...string) []byte {
	t.Helper()
	_, keys := refKeys(t, ring)
	subkey := refHKDF(keys[0].secret, nil, []byte("totpflow-keys-1/mac/hmac-sha-256/"+purpose))
	h := hmac.New(sha256.New, subkey)
	h.Write(refFields(fields))
	return h.Sum(append([]byte(nil), keys[0].id...))
}

// RFC 5869, appendix A.1 and A.3, first 32 bytes of OKM.
func TestReferenceHKDF(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	ikm := unhex(strings.Repeat("0b", 22))
	require.Equal(t, unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"),
		refHKDF(ikm, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9")))
	require.Equal(t, unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
		refHKDF(ikm, nil, nil))
}
