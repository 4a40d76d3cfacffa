//go:build !race

// The race detector makes sync.Pool forget on purpose, so allocations can be counted only without it.

package totp_test

import (
	"crypto/fips140"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

func TestNoAllocations(t *testing.T) {
	at, w, dst := time.Unix(now, 0), totp.Standard(), make([]byte, 0, 8)
	for _, a := range []totp.Algorithm{totp.SHA1, totp.SHA256, totp.SHA512} {
		if fips140.Enabled() && a != totp.SHA1 {
			continue // the module's HMAC allocates
		}
		key := parse(t, seed20, totp.Params{Algorithm: a})
		s := key.Step(at)
		first, right, second := code(t, key, s-1), code(t, key, s), code(t, key, s+1)
		for name, f := range map[string]func(){
			"accept":      func() { _, _ = key.Verify(right, at, 0, w) },
			"refuse":      func() { _, _ = key.Verify("000000", at, 0, w) },
			"replay":      func() { _, _ = key.Verify(right, at, s, w) },
			"malformed":   func() { _, _ = key.Verify("12345a", at, 0, w) },
			"pair":        func() { _, _ = key.VerifyPair(first, right, at, 0, w) },
			"pair refuse": func() { _, _ = key.VerifyPair(second, right, at, 0, w) },
			"append":      func() { _, _ = key.AppendCode(dst, at) },
			"equal":       func() { _ = key.Equal(key) },
		} {
			require.Zero(t, testing.AllocsPerRun(200, f), "%v %s", a, name)
		}
	}
}
