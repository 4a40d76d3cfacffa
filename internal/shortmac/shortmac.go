// Package shortmac computes HMAC-SHA-256 (RFC 2104, FIPS 198-1) of messages of a few
// hundred bytes on the stack: crypto/hmac makes nine allocations for each, which take
// most of the time of a short message.
package shortmac

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
)

// room is the size of a message that needs no heap.
const room = 448

type block [sha256.BlockSize]byte

var ipad, opad = block(bytes.Repeat([]byte{0x36}, sha256.BlockSize)), block(bytes.Repeat([]byte{0x5c}, sha256.BlockSize))

// Sum returns the tag of data. In FIPS 140-3 mode Go's module computes it, since its hash
// under an HMAC of our own would not be an approved service.
func Sum(key, data []byte) (tag [sha256.Size]byte) {
	if fips140.Enabled() || len(key) > sha256.BlockSize {
		h := hmac.New(sha256.New, key)
		c := bytes.Clone(data) // so that data can stay on the caller's stack
		h.Write(c)
		clear(c)
		return [sha256.Size]byte(h.Sum(nil))
	}
	var space [sha256.BlockSize + room]byte
	inner := append(append(space[:0], ipad[:]...), data...)
	subtle.XORBytes(inner, inner[:len(key)], key)
	tag = sha256.Sum256(inner)

	outer := [sha256.BlockSize + sha256.Size]byte{}
	copy(outer[:], opad[:])
	subtle.XORBytes(outer[:], outer[:len(key)], key)
	copy(outer[sha256.BlockSize:], tag[:])
	tag = sha256.Sum256(outer[:])
	clear(inner)
	clear(outer[:])
	return tag
}
