package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is the AEAD of an envelope; its number is the envelope's second byte.
type suite uint8

const (
	suiteXChaCha suite = 1
	suiteAESGCM  suite = 2
)

// suiteNames are the words of the ring string, which also go into HKDF.
var suiteNames = map[suite]string{
	suiteXChaCha: "xchacha20-poly1305",
	suiteAESGCM:  "aes-256-gcm",
}

func (s suite) String() string { return suiteNames[s] }

func parseSuite(word string) (suite, bool) {
	for s, name := range suiteNames {
		if name == word {
			return s, true
		}
	}
	return 0, false
}

// newAEAD returns an AEAD that draws its own nonces: NonceSize is zero, Seal
// puts the nonce in front of the ciphertext and Open takes it from there. A caller can
// then not repeat one by mistake, which for both suites would reveal the authentication
// key.
//
// GCM keys each message with the same subkey rather than one derived per
// message: a derivation would lift the limit of 2³² seals, but a library of
// this size does not reach it, and [cipher.NewGCMWithRandomNonce] is the
// construction whose nonces the FIPS module itself vouches for.
//
// The error is ErrUnknownSuite, or that of FIPS 140-3 enforcement.
func (s suite) newAEAD(key []byte) (cipher.AEAD, error) {
	switch s {
	case suiteXChaCha:
		a, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, err
		}
		return randomNonce{a}, nil
	case suiteAESGCM:
		b, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(b)
	}
	return nil, ErrUnknownSuite
}

// randomNonce does for XChaCha20-Poly1305 what NewGCMWithRandomNonce does for
// AES-GCM. At 192 bits random nonces need no counting.
type randomNonce struct{ aead cipher.AEAD }

func (n randomNonce) NonceSize() int { return 0 }

func (n randomNonce) Overhead() int { return n.aead.NonceSize() + n.aead.Overhead() }

func (n randomNonce) Seal(dst, _, plaintext, ad []byte) []byte {
	var nonce [chacha20poly1305.NonceSizeX]byte
	rand.Read(nonce[:]) // never returns an error
	return n.aead.Seal(append(dst, nonce[:]...), nonce[:], plaintext, ad)
}

func (n randomNonce) Open(dst, _, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < n.aead.NonceSize() {
		return nil, ErrBroken
	}
	nonce, ct := sealed[:n.aead.NonceSize()], sealed[n.aead.NonceSize():]
	return n.aead.Open(dst, nonce, ct, ad)
}
