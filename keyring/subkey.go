package keyring

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
)

// No key of a ring is used directly. Each use and purpose has a subkey,
//
//	HKDF-SHA-256(secret, no salt, "totpflow-keys-1/seal/" + suite + "/" + purpose)
//	HKDF-SHA-256(secret, no salt, "totpflow-keys-1/mac/hmac-sha-256/" + purpose)
//
// so that an envelope of one purpose is noise to another, and no secret is ever used for
// two algorithms. The purpose comes last: whatever bytes it holds, two different ones
// never give the same info. The salt may be empty, because the secret is already
// uniformly random (RFC 5869, section 3.1).

func deriveSubkey(k *key, use, purpose string) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, k.secret[:], nil, prefix+"/"+use+"/"+purpose, keySize)
	if err != nil {
		return nil, fmt.Errorf("keyring: HKDF: %w", err)
	}
	return b, nil
}

// aead returns the AEAD of a suite, key and purpose.
func (s *state) aead(su suite, k *key, purpose string) (cipher.AEAD, error) {
	at := slot{use: su, id: k.id, purpose: purpose}
	if v, ok := s.subkeys.get(at); ok {
		return v.aead, nil
	}
	b, err := deriveSubkey(k, "seal/"+su.String(), purpose)
	if err != nil {
		return nil, err
	}
	a, err := su.newAEAD(b)
	if err != nil {
		return nil, err
	}
	s.subkeys.put(at, subkey{aead: a})
	return a, nil
}

// macKey returns the HMAC key of a key and purpose.
func (s *state) macKey(k *key, purpose string) ([]byte, error) {
	at := slot{use: useMAC, id: k.id, purpose: purpose}
	if v, ok := s.subkeys.get(at); ok {
		return v.mac, nil
	}
	b, err := deriveSubkey(k, "mac/hmac-sha-256", purpose)
	if err != nil {
		return nil, err
	}
	s.subkeys.put(at, subkey{mac: b})
	return b, nil
}

// cache keeps subkeys, as deriving costs more than sealing. It is bounded:
// purposes are meant to be a few constants, but a host that builds them from
// requests must lose speed, not memory.
type cache struct {
	mu sync.RWMutex
	m  map[slot]subkey // guarded by mu; a value does not change once it is in
}

const maxSubkeys = 256

// useMAC stands beside the suites, none of which has the number zero.
const useMAC suite = 0

type slot struct {
	use     suite
	id      keyID
	purpose string
}

// subkey is one of the two.
type subkey struct {
	aead cipher.AEAD
	mac  []byte
}

func (c *cache) get(at slot) (subkey, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.m[at]
	return v, ok
}

func (c *cache) put(at slot, v subkey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxSubkeys {
		return
	}
	if c.m == nil {
		c.m = make(map[slot]subkey)
	}
	c.m[at] = v
}

// appendFields appends each field after its length, 8 bytes big-endian. The result can be
// read back in one way only, so that ("ab", "c") and ("a", "bc") differ, and ("a") and
// ("a", "") too: without this a user could choose a name that turns one tenant's token
// into another's.
func appendFields(dst []byte, fields []string) []byte {
	for _, f := range fields {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(f)))
		dst = append(dst, f...)
	}
	return dst
}
