package totp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// Algorithm is the hash function under HMAC (RFC 6238, section 1.2). The zero value is [SHA1].
//
// SHA-1 is broken for signatures, not for HMAC: what breaks it are collisions, and a code is not made of them.
type Algorithm uint8

// The algorithms of RFC 6238. Several apps compute SHA-1 whatever the URI says: see the package comment.
const (
	SHA1   Algorithm = iota // the default, and the only one that every app has
	SHA256                  // HMAC-SHA-256
	SHA512                  // HMAC-SHA-512
)

var algorithms = [...]struct {
	name string
	size int // bytes of the hash, which is the key length that RFC 6238, section 5.1, asks for
	make func() hash.Hash
}{
	SHA1:   {"SHA1", sha1.Size, sha1.New},
	SHA256: {"SHA256", sha256.Size, sha256.New},
	SHA512: {"SHA512", sha512.Size, sha512.New},
}

// ParseAlgorithm reads the name that a key URI gives to an algorithm: SHA1, SHA256 or SHA512, in upper or lower case
// (servers write both). Anything else is [ErrParams], among it the MD5 that some apps offer.
func ParseAlgorithm(name string) (Algorithm, error) {
	for a, known := range algorithms {
		// EqualFold knows Unicode, where U+017F folds to "s"; equal lengths leave only ASCII.
		if len(name) == len(known.name) && strings.EqualFold(name, known.name) {
			return Algorithm(a), nil
		}
	}
	return 0, fmt.Errorf("%w: unknown algorithm", ErrParams)
}

// String returns the name as a key URI has it: "SHA1", "SHA256" or "SHA512".
func (a Algorithm) String() string {
	if !a.known() {
		return "Algorithm(" + strconv.Itoa(int(a)) + ")"
	}
	return algorithms[a].name
}

func (a Algorithm) known() bool { return int(a) < len(algorithms) }
