package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hashPassword returns a salted hash of Argon2id that is slow to guess.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, by its contract
	return encode(salt) + "$" + encode(derive(password, salt))
}

func passwordMatches(stored, password string) bool {
	salt, hash, _ := strings.Cut(stored, "$")
	raw, err := base64.RawStdEncoding.DecodeString(salt)
	return err == nil && subtle.ConstantTimeCompare([]byte(encode(derive(password, raw))), []byte(hash)) == 1
}

func derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }
