package app

import (
	"errors"
	"runtime"

	"github.com/alexedwards/argon2id"
)

// costs of new password hashes: OWASP's first choice for Argon2id that still lets a small
// server sign in many people. Hashes carry their own, so that these can be raised.
var costs = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// slots bounds how many passwords are checked at once: each takes 19 MiB, and anybody can
// send a sign-in form.
var slots = make(chan struct{}, max(2, runtime.NumCPU()))

func hashPassword(password string) string {
	hash, _ := argon2id.CreateHash(password, costs) // fails where crypto/rand does, which never does
	return hash
}

// verifyPassword reports whether the hash is one of this password. A hash of our own has a
// key and costs: the library takes an empty key for that of any password, and panics
// without costs.
func verifyPassword(hash, password string) (bool, error) {
	if p, _, key, err := argon2id.DecodeHash(hash); err != nil || p.Iterations == 0 || p.Parallelism == 0 || len(key) < 16 {
		return false, errors.New("not the hash of a password")
	}
	slots <- struct{}{}
	defer func() { <-slots }()
	return argon2id.ComparePasswordAndHash(password, hash)
}
