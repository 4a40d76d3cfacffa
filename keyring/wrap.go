package keyring

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Wrapper encrypts a ring string under a key that this program does not hold:
// that of a KMS, an HSM or a Tink keyset.
//
// Wrap returns a ciphertext that Unwrap turns back with the same associated
// data ad, and only with that; a KMS calls it the encryption context. Unwrap
// must return an error for a ciphertext that was altered. Both must return when
// ctx ends, and must not keep or change their arguments.
type Wrapper interface {
	Wrap(ctx context.Context, plaintext, ad []byte) ([]byte, error)
	Unwrap(ctx context.Context, ciphertext, ad []byte) ([]byte, error)
}

// A wrapped ring is one line as well:
//
//	totpflow-wrapped-keys-1:<ciphertext of the ring string, base64url without padding>
const (
	wrappedPrefix = "totpflow-wrapped-keys-1:"
	// wrapAD keeps a ciphertext that the same KMS key made for something else
	// from being read as a ring.
	wrapAD = "totpflow-wrapped-keys-1"
	// maxWrapped bounds what ParseWrapped decodes and sends to the KMS.
	maxWrapped = 64 << 10
)

var errNoWrapper = errors.New("keyring: no Wrapper")

// Wrap returns the ring string s encrypted by w, to be stored where s itself must not be.
// To rotate a wrapped ring, wrap the result of [Rotate] again.
//
// It returns [ErrMalformed] when s cannot be parsed, and errors of w wrapped.
func Wrap(ctx context.Context, w Wrapper, s string) (string, error) {
	if w == nil {
		return "", errNoWrapper
	}
	ks, err := decode(s)
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("keyring: wrap: %w", err)
	}
	ct, err := w.Wrap(ctx, []byte(ks.encode()), []byte(wrapAD))
	if err != nil {
		return "", fmt.Errorf("keyring: wrap: %w", err)
	}
	text := wrappedPrefix + base64.RawURLEncoding.EncodeToString(ct)
	if len(ct) == 0 || len(text) > maxWrapped {
		return "", errors.New("keyring: wrap: the Wrapper returned nothing, or too much")
	}
	return text, nil
}

// ParseWrapped reads a ring that [Wrap] has written; it asks w once. One line
// end after it is accepted.
//
// It returns [ErrMalformed] when s or its content is not a ring, and errors of w
// wrapped: a program that cannot unwrap its keys cannot start.
func ParseWrapped(ctx context.Context, w Wrapper, s string) (*Ring, error) {
	if w == nil {
		return nil, errNoWrapper
	}
	body, ok := strings.CutPrefix(trimLineEnd(s), wrappedPrefix)
	if !ok || len(s) > maxWrapped {
		return nil, fmt.Errorf("%w: does not begin with %s, or is too long", ErrMalformed, wrappedPrefix)
	}
	ct, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(ct) == 0 || base64.RawURLEncoding.EncodeToString(ct) != body {
		return nil, fmt.Errorf("%w: not base64url", ErrMalformed)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("keyring: unwrap: %w", err)
	}
	text, err := w.Unwrap(ctx, ct, []byte(wrapAD))
	if err != nil {
		return nil, fmt.Errorf("keyring: unwrap: %w", err)
	}
	return Parse(string(text))
}
