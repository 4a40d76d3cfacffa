package keyring

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	prefix  = "totpflow-keys-1"
	keySize = 32

	// maxKeys bounds a ring. An operator who needs more has forgotten to retire keys, and
	// every old key is one more that can leak.
	maxKeys = 32
	// maxText bounds the text that Parse reads; a full ring has 1,768 bytes at most.
	maxText = 4096
)

// keyID names a key in envelopes and tags. It is random: a number counted up
// would give two independent rings the same ids, and an envelope of one would look broken
// to the other instead of foreign.
type keyID [4]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

type key struct {
	id     keyID
	secret [keySize]byte
}

// keyset is the content of a ring string, newest key first.
type keyset struct {
	suite suite
	epoch uint32
	keys  []key
}

// Generate makes a new ring of one random 256-bit key and returns its string
// form, which is a secret. The suite is AES-256-GCM when the process runs in
// FIPS 140-3 mode, otherwise XChaCha20-Poly1305; the epoch is 1.
func Generate() string {
	s := keyset{suite: suiteXChaCha, epoch: 1}
	if fips140.Enabled() {
		s.suite = suiteAESGCM
	}
	return s.withNewKey().encode()
}

// Rotate returns the ring string s with a new random key in front: the new key
// seals and signs, the others still open and verify. Suite and epoch stay.
//
// It returns [ErrMalformed] when s cannot be parsed and [ErrLimit] when the
// ring already holds 32 keys. With an error it returns s itself: a caller who writes back
// the result must not lose the keys.
func Rotate(s string) (string, error) {
	ks, err := decode(s)
	if err != nil {
		return s, err
	}
	if len(ks.keys) >= maxKeys {
		return s, fmt.Errorf("%w: %d keys", ErrLimit, maxKeys)
	}
	return ks.withNewKey().encode(), nil
}

// RaiseEpoch returns the ring string s with the next epoch. Do this after a database was
// restored from a backup: it ends every token that carries the epoch, even those which
// the backup remembers as valid.
//
// It returns [ErrMalformed] when s cannot be parsed and [ErrLimit] when no
// epoch is left, and with an error s itself.
func RaiseEpoch(s string) (string, error) {
	ks, err := decode(s)
	if err != nil {
		return s, err
	}
	if ks.epoch == math.MaxUint32 {
		return s, fmt.Errorf("%w: the epoch is at its maximum", ErrLimit)
	}
	ks.epoch++
	return ks.encode(), nil
}

// Retire returns the ring string s without the key of this id (as [Ring.IDs] spells it).
// Everything that the key sealed or signed is refused from then on, so reseal first,
// until no record is [Ring.Stale].
//
// It returns [ErrMalformed] when s cannot be parsed, [ErrNewest] for the newest
// key, and [ErrUnknownKey] for an id that the ring does not hold. With an error
// it returns s itself.
func Retire(s, id string) (string, error) {
	ks, err := decode(s)
	if err != nil {
		return s, err
	}
	i := slices.IndexFunc(ks.keys, func(k key) bool { return k.id.String() == id })
	switch i {
	case -1:
		return s, ErrUnknownKey
	case 0:
		return s, ErrNewest
	}
	ks.keys = slices.Delete(ks.keys, i, i+1)
	return ks.encode(), nil
}

// withNewKey returns the set with a fresh random key in front.
func (s keyset) withNewKey() keyset {
	var k key
	rand.Read(k.secret[:]) // never returns an error
	for rand.Read(k.id[:]); s.has(k.id); {
		rand.Read(k.id[:])
	}
	s.keys = append([]key{k}, s.keys...)
	return s
}

func (s keyset) has(id keyID) bool {
	return slices.ContainsFunc(s.keys, func(k key) bool { return k.id == id })
}

func (s keyset) encode() string {
	words := make([]string, len(s.keys))
	for i, k := range s.keys {
		words[i] = k.id.String() + "." + base64.RawURLEncoding.EncodeToString(k.secret[:])
	}
	return fmt.Sprintf("%s:%s:%d:%s", prefix, s.suite, s.epoch, strings.Join(words, ","))
}

// decode accepts exactly what encode writes, and one line end after it, which
// editors and `>` leave in files. Errors never quote the text: it is a secret,
// and start-up errors go to logs.
func decode(text string) (keyset, error) {
	if len(text) > maxText {
		return keyset{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxText)
	}
	fields := strings.Split(trimLineEnd(text), ":")
	if fields[0] != prefix {
		return keyset{}, fmt.Errorf("%w: does not begin with %s", ErrMalformed, prefix)
	}
	if len(fields) != 4 {
		return keyset{}, fmt.Errorf("%w: not four fields", ErrMalformed)
	}
	var s keyset
	var ok bool
	if s.suite, ok = parseSuite(fields[1]); !ok {
		return keyset{}, fmt.Errorf("%w: unknown suite", ErrMalformed)
	}
	epoch, err := strconv.ParseUint(fields[2], 10, 32)
	if err != nil || epoch == 0 || strconv.FormatUint(epoch, 10) != fields[2] {
		return keyset{}, fmt.Errorf("%w: epoch is not a number from 1", ErrMalformed)
	}
	s.epoch = uint32(epoch)

	words := strings.Split(fields[3], ",")
	if len(words) > maxKeys {
		return keyset{}, fmt.Errorf("%w: more than %d keys", ErrMalformed, maxKeys)
	}
	for i, word := range words {
		k, err := decodeKey(word)
		if err == nil {
			err = s.admits(k)
		}
		if err != nil {
			return keyset{}, fmt.Errorf("%w: key %d: %w", ErrMalformed, i+1, err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// decodeKey reads "id.secret".
func decodeKey(word string) (key, error) {
	id, secret, ok := strings.Cut(word, ".")
	if !ok {
		return key{}, fmt.Errorf("not of the form id.secret")
	}
	var k key
	if n, err := hex.Decode(k.id[:], []byte(id[:min(len(id), 2*len(k.id))])); err != nil ||
		n != len(k.id) || k.id.String() != id {
		return key{}, fmt.Errorf("id is not 8 lower-case hexadecimal digits")
	}
	// DecodeString skips line breaks and ignores stray bits at the end, hence
	// the comparison with the canonical spelling.
	b, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil || len(b) != keySize || base64.RawURLEncoding.EncodeToString(b) != secret {
		return key{}, fmt.Errorf("secret is not %d bytes in base64url", keySize)
	}
	copy(k.secret[:], b)
	return k, nil
}

// admits refuses keys that only look like one more key: a placeholder of zero
// bytes, which anybody can guess; an id twice, of which one could never open;
// and a secret twice, which would let one id's tags pass under the other.
func (s keyset) admits(k key) error {
	if subtle.ConstantTimeCompare(k.secret[:], make([]byte, keySize)) == 1 {
		return fmt.Errorf("secret is all zero")
	}
	for _, other := range s.keys {
		if other.id == k.id {
			return fmt.Errorf("id appears twice")
		}
		if subtle.ConstantTimeCompare(other.secret[:], k.secret[:]) == 1 {
			return fmt.Errorf("secret appears twice")
		}
	}
	return nil
}

// trimLineEnd removes one line end, "\n" or "\r\n".
func trimLineEnd(s string) string {
	if t, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(t, "\r")
	}
	return s
}
