package guide

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// A box is a KMS in memory with one key.
type box struct {
	cipher.AEAD
	down bool
}

func newBox(t *testing.T) *box {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return &box{AEAD: aead}
}

func (b *box) Encrypt(_ context.Context, _ string, plaintext, encryptionContext []byte) ([]byte, error) {
	return b.Seal(nil, nil, plaintext, encryptionContext), nil
}

func (b *box) Decrypt(_ context.Context, _ string, ciphertext, encryptionContext []byte) ([]byte, error) {
	if b.down {
		return nil, errors.New("the KMS is down")
	}
	return b.Open(nil, nil, ciphertext, encryptionContext)
}

// Only the KMS that wrapped the ring opens it, and without the KMS a program cannot
// start.
func TestKMS(t *testing.T) {
	here := newBox(t)
	configured, err := newWrappedRing(t.Context(), wrapper{here, "totpflow"})
	require.NoError(t, err)
	ring, err := openRing(t.Context(), wrapper{here, "totpflow"}, configured)
	require.NoError(t, err)
	require.Len(t, ring.IDs(), 1)
	_, err = openRing(t.Context(), wrapper{newBox(t), "totpflow"}, configured)
	require.Error(t, err)
	here.down = true
	_, err = openRing(t.Context(), wrapper{here, "totpflow"}, configured)
	require.ErrorContains(t, err, "the KMS is down")
}
