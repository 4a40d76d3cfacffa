//go:build !race

// The race detector makes sync.Pool forget on purpose, so allocations can be counted only without it.

package trust_test

import (
	"crypto/fips140"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/trust"
)

// A check allocates once, for the text that the tag covers. In FIPS 140-3 mode the module's HMAC allocates too.
func TestAllocations(t *testing.T) {
	if fips140.Enabled() {
		return
	}
	_, r := newRing(t)
	token, browser := trust.Issue(r, ann, "Firefox on Linux", now)
	known := []trust.Browser{browser}
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		_, _ = trust.Check(r, ann, token, known, now, trust.DefaultAge)
	}), 1.0)
}
