package totp

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	// minSecret is RFC 4226, R6: "The length of the shared secret MUST be at least 128 bits."
	minSecret = 16 // bytes
	// minWeak is the length that many systems have given out. Such keys are read from
	// exports only, see [Key.Weak].
	minWeak = 10 // bytes
)

// Key is a shared secret together with its [Params]. Make one with [NewKey], [ParseSecret] or [ParseURI]. A Key never
// changes, is cheap to copy and safe for concurrent use. The zero Key accepts no code and
// returns [ErrNoKey].
//
// The second use of a Key prepares the hash of the secret for all later uses; keep a Key
// that is used for many codes.
//
// Keys cannot be compared with ==; use [Key.Equal]. A Key is never reflect.DeepEqual to
// another, nor to itself.
type Key struct {
	// The secret hides behind a function because redacting methods are not enough: fmt does not call them on an
	// unexported field of the caller's struct and prints the bytes found there. Printers
	// do not look into closures.
	reveal func() *material
}

// material is the content that a Key hides. Params and secret do not change once it is
// made.
type material struct {
	params Params
	secret []byte
	served atomic.Bool         // whether a code was computed: for another one it may be worth making a mac
	mac    atomic.Pointer[mac] // nil until it is worth it
	room   [sha512.Size]byte   // room for a secret that fits
}

// NewKey draws a new secret from crypto/rand, as long as the hash: 160 bits for SHA-1, 256 for SHA-256, 512 for SHA-512
// (RFC 4226, R6; RFC 6238, section 5.1). Give each user, and each authenticator of a user, a key of its own
// (RFC 6238, R5). The error is [ErrParams], or [ErrSecret] if no secret could be drawn.
func NewKey(p Params) (Key, error) { return newKey(p, rand.Reader) }

// newKey is NewKey with the source of randomness as an argument.
func newKey(p Params, random io.Reader) (Key, error) {
	p, err := p.complete()
	if err != nil {
		return Key{}, err
	}
	m := new(material)
	secret := m.room[:algorithms[p.Algorithm].size]
	// A bare Read may stop early without an error and leave zeros that an attacker knows.
	if _, err := io.ReadFull(random, secret); err != nil {
		return Key{}, fmt.Errorf("%w: drawing it: %w", ErrSecret, err)
	}
	return m.build(secret, p, minSecret)
}

// build makes a Key that owns secret, of at least so many bytes, and can be used at once. p is complete.
func (m *material) build(secret []byte, p Params, least int) (Key, error) {
	if err := p.Algorithm.available(); err != nil {
		return Key{}, err
	}
	return m.hide(secret, p, least)
}

// hide is build for a Key that may never be used: a record that contains it must be
// readable in any mode of Go.
func (m *material) hide(secret []byte, p Params, least int) (Key, error) {
	if len(secret) < least {
		return Key{}, fmt.Errorf("%w: shorter than %d bits", ErrSecret, 8*least)
	}
	// All zeros come from a broken source of randomness or a column that was read
	// wrongly, and are what an attacker guesses first.
	var any byte
	for _, b := range secret {
		any |= b
	}
	if any == 0 {
		return Key{}, fmt.Errorf("%w: all zeros", ErrSecret)
	}
	m.params, m.secret = p, secret
	return Key{reveal: func() *material { return m }}, nil
}

// absorbed returns the MAC under the secret. Two goroutines that need it first make it twice.
func (m *material) absorbed() (*mac, error) {
	if ready := m.mac.Load(); ready != nil {
		return ready, nil
	}
	fresh, err := newMAC(m.params.Algorithm, m.secret)
	if err == nil {
		m.mac.Store(fresh)
	}
	return fresh, err
}

// IsZero reports whether k is the zero Key, which has no secret.
func (k Key) IsZero() bool { return k.reveal == nil }

// Params returns the parameters with the defaults filled in. Those of the zero Key are zero.
func (k Key) Params() Params {
	if k.IsZero() {
		return Params{}
	}
	return k.reveal().params
}

// Weak reports whether the secret is shorter than the 128 bits of RFC 4226, R6. Such keys
// come from other systems by [ReadURI] and [ReadSecret] only: accept them for a limited
// time, and lead their owners to a new key. Five codes of six digits single out a secret
// of 80 bits, so that anyone who has seen them and has a great deal of hardware can
// compute it. The zero Key is not weak.
func (k Key) Weak() bool { return !k.IsZero() && len(k.reveal().secret) < minSecret }

// Sample reports whether the secret is an example from documentation, which somebody
// copied instead of making their own. [ReadURI] and [ReadSecret] refuse it with
// [ErrSample].
func (k Key) Sample() bool { return samples[k.Secret()] }

// SameSecret reports whether both keys have the same secret, whatever the parameters: six digits of a secret give away the
// last six of its eight. Timing and zero keys are as in [Key.Equal].
func (k Key) SameSecret(other Key) bool {
	return !k.IsZero() && !other.IsZero() && subtle.ConstantTimeCompare(k.reveal().secret, other.reveal().secret) == 1
}

// Equal reports whether both keys have the same secret and the same parameters. The time it takes depends on the
// secrets' lengths, not on their bytes. A zero Key equals nothing, not even another: two missing keys do not match.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return false
	}
	a, b := k.reveal(), other.reveal()
	return subtle.ConstantTimeCompare(a.secret, b.secret) == 1 && a.params == b.params
}
