package totp

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha512"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
)

// mac is HMAC (RFC 2104) under one key, for messages of one counter.
//
// HMAC hashes the key twice for each message: once as ipad, once as opad, each filling exactly one block. Both are done
// here once and kept as marshalled hash states, which halves the work for a message as short as a counter. crypto/hmac
// does the same trick, but allocates for it and binds it to an object that only one goroutine may use.
type mac struct {
	algorithm    Algorithm
	inner, outer []byte // states that have absorbed key^ipad and key^opad
	module       []byte // the key itself, if HMAC has to run inside the FIPS 140-3 module, otherwise nil
}

// scratch is the memory that one computation needs. It is pooled, because arguments of a hash.Hash escape to the heap.
type scratch struct {
	digest  digest
	message [8]byte
	sum     [sha512.Size]byte
}

type digest interface {
	hash.Hash
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

var pools [len(algorithms)]sync.Pool

// newMAC absorbs key. It fails if this build or mode of Go does not let the algorithm be used: with GODEBUG=fips140=only
// SHA-1 answers Write with an error, and Sum with a panic that must never be reached.
func newMAC(a Algorithm, key []byte) (*mac, error) {
	s, err := newScratch(a)
	if err != nil {
		return nil, err
	}
	m := &mac{algorithm: a}
	// The module's SHA-2 under an HMAC of our own would not be an approved service, so there crypto/hmac does
	// it, slower. SHA-1 is in no Go module: nothing is gained.
	if fips140.Enabled() && a != SHA1 {
		m.module = key
	}
	block := make([]byte, s.digest.BlockSize())
	defer clear(block)
	if len(key) > len(block) {
		if _, err := s.digest.Write(key); err != nil {
			return nil, unavailable(err)
		}
		s.digest.Sum(block[:0])
	} else {
		copy(block, key)
	}
	if m.inner, err = s.absorb(block, 0x36); err != nil {
		return nil, err
	}
	if m.outer, err = s.absorb(block, 0x5c); err != nil {
		return nil, err
	}
	return m, nil
}

func newScratch(a Algorithm) (*scratch, error) {
	d, ok := algorithms[a].make().(digest)
	if !ok { // promised by the documentation of each hash's New
		return nil, fmt.Errorf("%w: %v cannot save its state", ErrParams, a)
	}
	return &scratch{digest: d}, nil
}

// absorb returns the state of the hash after one block of key material xored with pad.
func (s *scratch) absorb(block []byte, pad byte) ([]byte, error) {
	xored := make([]byte, len(block))
	defer clear(xored)
	for i, b := range block {
		xored[i] = b ^ pad
	}
	s.digest.Reset()
	if _, err := s.digest.Write(xored); err != nil {
		return nil, unavailable(err)
	}
	state, err := s.digest.MarshalBinary()
	if err != nil {
		return nil, unavailable(err)
	}
	return state, nil
}

func unavailable(err error) error {
	return fmt.Errorf("%w: algorithm not available: %w", ErrParams, err)
}

// acquire takes a scratch out of the pool; release gives it back.
func (m *mac) acquire() (*scratch, error) {
	if s, ok := pools[m.algorithm].Get().(*scratch); ok {
		return s, nil
	}
	return newScratch(m.algorithm)
}

func (m *mac) release(s *scratch) { pools[m.algorithm].Put(s) }

// sum returns the HMAC of counter as eight bytes, big-endian (RFC 4226, section 5.2). It is valid until s is used again.
func (m *mac) sum(s *scratch, counter uint64) ([]byte, error) {
	binary.BigEndian.PutUint64(s.message[:], counter)
	if m.module != nil {
		h := hmac.New(algorithms[m.algorithm].make, m.module)
		h.Write(s.message[:])
		return h.Sum(s.sum[:0]), nil
	}
	inner, err := s.resume(m.inner, s.message[:])
	if err != nil {
		return nil, err
	}
	return s.resume(m.outer, inner)
}

// resume restores state, appends data to it and returns the hash. UnmarshalBinary overwrites all that the digest was
// used for before, so that nothing of another key's computation can reach this one.
func (s *scratch) resume(state, data []byte) ([]byte, error) {
	if err := s.digest.UnmarshalBinary(state); err != nil {
		return nil, unavailable(err)
	}
	if _, err := s.digest.Write(data); err != nil {
		return nil, unavailable(err)
	}
	return s.digest.Sum(s.sum[:0]), nil
}
