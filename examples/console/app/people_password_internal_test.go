package app

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only a hash that this program has made is compared with a password. Anything else in
// its place lets nobody in: an empty key would match every password.
func TestVerifyPassword(t *testing.T) {
	hash := hashPassword("correct horse")
	ok, err := verifyPassword(hash, "correct horse")
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = verifyPassword(hash, "correct horses")
	require.NoError(t, err)
	require.False(t, ok)

	key := strings.LastIndex(hash, "$") + 1
	for name, other := range map[string]string{
		"nothing":      "",
		"no key":       hash[:key],
		"a short key":  hash[:key+20],
		"no passes":    strings.Replace(hash, "t=2", "t=0", 1),
		"no lanes":     strings.Replace(hash, "p=1", "p=0", 1),
		"another kind": strings.Replace(hash, "argon2id", "argon2i", 1),
		"a password":   "correct horse",
	} {
		require.NotEqual(t, hash, other, name)
		ok, err := verifyPassword(other, "correct horse")
		require.EqualError(t, err, "not the hash of a password", name)
		require.False(t, ok, name)
	}
}
