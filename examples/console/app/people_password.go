package app

import (
	"errors"
	"runtime"

	"github.com/alexedwards/argon2id"
)

// costs are the costs of new password hashes: OWASP's first choice for Argon2id with
// which a small server can still sign in many people. Hashes carry their own costs, so
// these can be raised.
var costs = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// slots limits how many passwords are checked at once: each check takes 19 MiB, and
// anyone can send a sign-in form.
var slots = make(chan struct{}, max(2, runtime.NumCPU()))

func hashPassword(password string) string {
	hash, _ := argon2id.CreateHash(password, costs) // fails only if crypto/rand does, which never happens
	return hash
}

// verifyPassword reports whether the hash belongs to this password. A hash that we made
// has a key and costs. With an empty key the library would accept any password, and
// without costs it would panic.
func verifyPassword(hash, password string) (bool, error) {
	if p, _, key, err := argon2id.DecodeHash(hash); err != nil || p.Iterations == 0 || p.Parallelism == 0 || len(key) < 16 {
		return false, errors.New("not the hash of a password")
	}
	slots <- struct{}{}
	defer func() { <-slots }()
	return argon2id.ComparePasswordAndHash(password, hash)
}
