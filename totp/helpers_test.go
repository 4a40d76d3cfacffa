package totp_test

import (
	"encoding/base32"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func encode(raw []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
}

// requireSilent fails if an error repeats a part of the input, which may be a secret: any
// eight bytes of it that do not occur in the package's own messages.
func requireSilent(t testing.TB, err error, input string) {
	const own = "begin with otpauth://totp/ secret issuer algorithm digits period Acme alice"
	for i := 0; i+8 <= len(input); i++ {
		if part := input[i : i+8]; !strings.Contains(own, part) {
			require.NotContains(t, err.Error(), part)
		}
	}
	require.NotContains(t, err.Error(), "\n")
}

func decode(t testing.TB, secret string) []byte {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	require.NoError(t, err)
	return raw
}

// allocated returns how many bytes f allocates on the heap. The minimum of a few runs
// leaves out what other goroutines allocated.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
