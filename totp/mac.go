package totp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
)

// HMAC (RFC 2104) hashes the key twice for each message: once as ipad, once as opad, each
// filling exactly one block. For a key that is used for one check, both blocks are on the
// stack and are hashed with each message. A key that lives longer keeps the states of the
// hash after them, which halves the work for a message as short as a counter. crypto/hmac
// uses the same trick, but allocates for it and binds it to an object that only one
// goroutine may use.

// A block is key material xored with a pad, and room for the message after it.
type block [sha512.BlockSize + sha512.Size]byte

var ipad, opad = padding(0x36), padding(0x5c)

func padding(pad byte) (b block) {
	copy(b[:], bytes.Repeat([]byte{pad}, sha512.BlockSize))
	return b
}

// noSHA1 is the reason why this mode of Go forbids SHA-1, or nil: with
// GODEBUG=fips140=only, Write returns an error, and Sum has a panic that must never be
// reached. The mode applies to the whole process.
var noSHA1 = func() error {
	_, err := sha1.New().Write([]byte{0}) //nolint:gosec // the algorithm of RFC 6238
	return err
}()

// available refuses an algorithm that this mode of Go forbids.
func (a Algorithm) available() error {
	if a == SHA1 && noSHA1 != nil {
		return unavailable(noSHA1)
	}
	return nil
}

// pads makes the two blocks of a key. Its caller clears them.
func (a Algorithm) pads(inner, outer *block, key []byte) {
	*inner, *outer = ipad, opad
	if len(key) > algorithms[a].block {
		var hashed [sha512.Size]byte
		defer clear(hashed[:])
		key = hashed[:a.sum(&hashed, key)]
	}
	subtle.XORBytes(inner[:], inner[:], key)
	subtle.XORBytes(outer[:], outer[:], key)
}

// sum hashes data and returns the size of the hash. None of it escapes to the heap.
func (a Algorithm) sum(dst *[sha512.Size]byte, data []byte) int {
	switch a {
	case SHA256:
		sum := sha256.Sum256(data)
		return copy(dst[:], sum[:])
	case SHA512:
		*dst = sha512.Sum512(data)
		return len(dst)
	default:
		sum := sha1.Sum(data) //nolint:gosec // the algorithm of RFC 6238
		return copy(dst[:], sum[:])
	}
}

// once computes the codes of a key that is used for the first time, and perhaps the last.
func (m *material) once(values []uint32, first uint64) {
	a := m.params.Algorithm
	size, end := algorithms[a].block, algorithms[a].block+8
	var inner, outer block
	a.pads(&inner, &outer, m.secret)
	var sum [sha512.Size]byte
	for i := range values {
		binary.BigEndian.PutUint64(inner[size:end], first+uint64(i))
		n := a.sum(&sum, inner[:end])
		copy(outer[size:], sum[:n])
		a.sum(&sum, outer[:size+n])
		values[i] = truncate(sum[:n], m.params.Digits)
	}
	clear(inner[:])
	clear(outer[:])
}

// byModule computes the codes inside Go's FIPS 140-3 module. Its SHA-2 under an HMAC of our own would not be an approved
// service.
func (m *material) byModule(values []uint32, first uint64) {
	h := hmac.New(algorithms[m.params.Algorithm].make, m.secret)
	var message [8]byte
	var sum [sha512.Size]byte
	for i := range values {
		binary.BigEndian.PutUint64(message[:], first+uint64(i))
		h.Reset()
		h.Write(message[:])
		values[i] = truncate(h.Sum(sum[:0]), m.params.Digits)
	}
}

// mac is the state that a key keeps when it is used more than once.
type mac struct {
	inner, outer []byte // states that have absorbed key^ipad and key^opad
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

// newMAC absorbs key.
func newMAC(a Algorithm, key []byte) (*mac, error) {
	s, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release(s)
	var inner, outer block
	a.pads(&inner, &outer, key)
	defer clear(inner[:])
	defer clear(outer[:])
	m := new(mac)
	size := algorithms[a].block
	if m.inner, err = s.absorb(inner[:size]); err != nil {
		return nil, err
	}
	if m.outer, err = s.absorb(outer[:size]); err != nil {
		return nil, err
	}
	return m, nil
}

// acquire takes a scratch out of the pool; release gives it back.
func (a Algorithm) acquire() (*scratch, error) {
	if s, ok := pools[a].Get().(*scratch); ok {
		return s, nil
	}
	d, ok := algorithms[a].make().(digest)
	if !ok { // promised by the documentation of each hash's New
		return nil, fmt.Errorf("%w: %v cannot save its state", ErrParams, a)
	}
	return &scratch{digest: d}, nil
}

func (a Algorithm) release(s *scratch) { pools[a].Put(s) }

// absorb returns the state of the hash after one block.
func (s *scratch) absorb(block []byte) ([]byte, error) {
	s.digest.Reset()
	if _, err := s.digest.Write(block); err != nil {
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

// codes is [material.once] from the states.
func (m *mac) codes(p Params, values []uint32, first uint64) error {
	s, err := p.Algorithm.acquire()
	if err != nil {
		return err
	}
	defer p.Algorithm.release(s)
	for i := range values {
		sum, err := m.sum(s, first+uint64(i))
		if err != nil {
			return err
		}
		values[i] = truncate(sum, p.Digits)
	}
	return nil
}

// sum returns the HMAC of counter as eight bytes, big-endian (RFC 4226, section 5.2). It is valid until s is used again.
func (m *mac) sum(s *scratch, counter uint64) ([]byte, error) {
	binary.BigEndian.PutUint64(s.message[:], counter)
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
