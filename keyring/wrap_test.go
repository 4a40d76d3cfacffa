package keyring_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
)

// kms takes the place of a key management service: it really encrypts, and it can be down
// or slow.
type kms struct {
	aead  cipher.AEAD
	fault error
	slow  bool
	calls int
}

func newKMS(t testing.TB) *kms {
	t.Helper()
	b, err := aes.NewCipher([]byte("the KMS keeps this key to itself"))
	require.NoError(t, err)
	a, err := cipher.NewGCMWithRandomNonce(b)
	require.NoError(t, err)
	return &kms{aead: a}
}

func (k *kms) answer(ctx context.Context) error {
	k.calls++
	if k.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return k.fault
}

func (k *kms) Wrap(ctx context.Context, plaintext, ad []byte) ([]byte, error) {
	if err := k.answer(ctx); err != nil {
		return nil, err
	}
	return k.aead.Seal(nil, nil, plaintext, ad), nil
}

func (k *kms) Unwrap(ctx context.Context, ciphertext, ad []byte) ([]byte, error) {
	if err := k.answer(ctx); err != nil {
		return nil, err
	}
	return k.aead.Open(nil, nil, ciphertext, ad)
}

var _ keyring.Wrapper = (*kms)(nil)

func TestWrap(t *testing.T) {
	for suite, s := range both(keyring.Generate()) {
		t.Run(suite, func(t *testing.T) {
			k := newKMS(t)
			wrapped, err := keyring.Wrap(t.Context(), k, s+"\n")
			require.NoError(t, err)
			require.Regexp(t, `^totpflow-wrapped-keys-1:[A-Za-z0-9_-]+$`, wrapped)
			require.NotContains(t, wrapped, strings.Split(s, ".")[1])

			for _, text := range []string{wrapped, wrapped + "\n", wrapped + "\r\n"} {
				r, err := keyring.ParseWrapped(t.Context(), k, text)
				require.NoError(t, err)
				_, err = r.Open("p", mustParse(t, s).Seal("p", nil))
				require.NoError(t, err)
			}
			require.Equal(t, 4, k.calls, "asked once each")
		})
	}
}

func TestWrapperFaults(t *testing.T) {
	ring := keyring.Generate()
	wrapped, err := keyring.Wrap(t.Context(), newKMS(t), ring)
	require.NoError(t, err)

	both := func(t *testing.T, ctx context.Context, w keyring.Wrapper, want error) {
		t.Helper()
		text, err := keyring.Wrap(ctx, w, ring)
		require.ErrorIs(t, err, want)
		require.Empty(t, text)
		r, err := keyring.ParseWrapped(ctx, w, wrapped)
		require.ErrorIs(t, err, want)
		require.Nil(t, r)
	}
	t.Run("error", func(t *testing.T) {
		down := errors.New("access denied")
		k := newKMS(t)
		k.fault = down
		both(t, t.Context(), k, down)
	})
	t.Run("timeout", func(t *testing.T) {
		k := newKMS(t)
		k.slow = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		both(t, ctx, k, context.DeadlineExceeded)
	})
	t.Run("cancelled before", func(t *testing.T) {
		k := newKMS(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		both(t, ctx, k, context.Canceled)
		require.Zero(t, k.calls)
	})
	t.Run("no wrapper", func(t *testing.T) {
		_, err := keyring.Wrap(t.Context(), nil, ring)
		require.Error(t, err)
		_, err = keyring.ParseWrapped(t.Context(), nil, wrapped)
		require.Error(t, err)
	})
	t.Run("malformed ring is not sent", func(t *testing.T) {
		k := newKMS(t)
		_, err := keyring.Wrap(t.Context(), k, ring+"x")
		require.ErrorIs(t, err, keyring.ErrMalformed)
		require.Zero(t, k.calls)
	})
}

// answers is a Wrapper that returns what it was told to.
type answers []byte

func (a answers) Wrap(context.Context, []byte, []byte) ([]byte, error)   { return a, nil }
func (a answers) Unwrap(context.Context, []byte, []byte) ([]byte, error) { return a, nil }

func TestWrapperNonsense(t *testing.T) {
	for _, a := range []answers{nil, {}, make(answers, 1<<20)} {
		text, err := keyring.Wrap(t.Context(), a, keyring.Generate())
		require.Error(t, err)
		require.Empty(t, text)
	}
	for _, a := range []answers{nil, {}, answers("nonsense"), make(answers, 1<<20)} {
		r, err := keyring.ParseWrapped(t.Context(), a, "totpflow-wrapped-keys-1:AAAA")
		require.ErrorIs(t, err, keyring.ErrMalformed)
		require.Nil(t, r)
	}
}

func TestParseWrappedRefuses(t *testing.T) {
	k := newKMS(t)
	ring := keyring.Generate()
	wrapped, err := keyring.Wrap(t.Context(), k, ring)
	require.NoError(t, err)
	k.calls = 0
	cases := map[string]string{
		"empty":           "",
		"a plain ring":    ring,
		"unknown version": strings.Replace(wrapped, "keys-1", "keys-2", 1),
		"no content":      "totpflow-wrapped-keys-1:",
		"space":           wrapped + " ",
		"line end inside": wrapped[:40] + "\n" + wrapped[40:],
		"padding":         wrapped + "=",
		"other alphabet":  wrapped + "++++",
		"too long":        wrapped + strings.Repeat("A", 1<<20),
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := keyring.ParseWrapped(t.Context(), k, s)
			require.ErrorIs(t, err, keyring.ErrMalformed)
			require.Nil(t, r)
		})
	}
	require.Zero(t, k.calls, "the KMS is not asked about nonsense")

	// A text that the KMS key encrypted for another program is not a ring.
	foreign, err := k.Wrap(t.Context(), []byte(ring), []byte("another program"))
	require.NoError(t, err)
	stolen, err := keyring.Wrap(t.Context(), answers(foreign), ring)
	require.NoError(t, err)
	_, err = keyring.ParseWrapped(t.Context(), k, stolen)
	require.Error(t, err)

	// Nor is a text that was altered.
	head := len("totpflow-wrapped-keys-1:")
	for i := head; i < len(wrapped); i++ {
		b := []byte(wrapped)
		b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
		_, err := keyring.ParseWrapped(t.Context(), k, string(b))
		require.Error(t, err)
	}
}
