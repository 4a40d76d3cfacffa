package guide

import (
	"context"

	"github.com/totpflow/totpflow/keyring"
)

// region kms
// A kms has the two calls that every key management service has. The context is bound to
// the ciphertext: decryption with another context fails.
type kms interface {
	Encrypt(ctx context.Context, keyID string, plaintext, encryptionContext []byte) ([]byte, error)
	Decrypt(ctx context.Context, keyID string, ciphertext, encryptionContext []byte) ([]byte, error)
}

// wrapper lets a KMS hold the key that wraps the ring.
type wrapper struct {
	client kms
	keyID  string
}

func (w wrapper) Wrap(ctx context.Context, ring, ad []byte) ([]byte, error) {
	return w.client.Encrypt(ctx, w.keyID, ring, ad)
}

func (w wrapper) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	return w.client.Decrypt(ctx, w.keyID, wrapped, ad)
}

// newWrappedRing returns a new ring for the configuration. Call it once.
func newWrappedRing(ctx context.Context, w wrapper) (string, error) {
	return keyring.Wrap(ctx, w, keyring.Generate())
}

// openRing opens the ring when the program starts.
func openRing(ctx context.Context, w wrapper, configured string) (*keyring.Ring, error) {
	return keyring.ParseWrapped(ctx, w, configured)
}

// endregion
