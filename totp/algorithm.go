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
// SHA-1 is broken for signatures, not for HMAC: the attacks are collisions, which do not
// help to find a code.
type Algorithm uint8

// The algorithms of RFC 6238. Several apps compute SHA-1 whatever the URI says: see the package comment.
const (
	SHA1   Algorithm = iota // the default, and the only one that every app supports
	SHA256                  // HMAC-SHA-256
	SHA512                  // HMAC-SHA-512
)

var algorithms = [...]struct {
	name        string
	size, block int // bytes of the hash, which is the key length that RFC 6238, section 5.1, asks for, and of its block
	make        func() hash.Hash
}{
	SHA1:   {"SHA1", sha1.Size, sha1.BlockSize, sha1.New},
	SHA256: {"SHA256", sha256.Size, sha256.BlockSize, sha256.New},
	SHA512: {"SHA512", sha512.Size, sha512.BlockSize, sha512.New},
}

// ParseAlgorithm reads the name that a key URI, an export or a library gives to an algorithm: SHA1, SHA256 or SHA512, in
// upper or lower case, also as "SHA-256", "SHA_256", "HmacSHA256" and "HMAC-SHA-256".
// Every other name is [ErrParams], including the MD5 that some apps offer.
func ParseAlgorithm(name string) (Algorithm, error) {
	if len(name) > maxAlgorithm {
		return 0, fmt.Errorf("%w: unknown algorithm", ErrParams)
	}
	name = lower(name)
	if rest, ok := strings.CutPrefix(name, "hmac"); ok {
		name = withoutSeparator(rest)
	}
	if number, ok := strings.CutPrefix(name, "sha"); ok {
		name = "SHA" + withoutSeparator(number)
		for a, known := range algorithms {
			if name == known.name {
				return Algorithm(a), nil
			}
		}
	}
	return 0, fmt.Errorf("%w: unknown algorithm", ErrParams)
}

// maxAlgorithm is the length of the longest name, "HMAC-SHA-256".
const maxAlgorithm = 12

func withoutSeparator(s string) string {
	if s != "" && strings.IndexByte("-_ /", s[0]) >= 0 {
		return s[1:]
	}
	return s
}

// String returns the name as key URIs spell it: "SHA1", "SHA256" or "SHA512".
func (a Algorithm) String() string {
	if !a.known() {
		return "Algorithm(" + strconv.Itoa(int(a)) + ")"
	}
	return algorithms[a].name
}

func (a Algorithm) known() bool { return int(a) < len(algorithms) }
