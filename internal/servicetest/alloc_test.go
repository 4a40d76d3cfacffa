//go:build !race

// The race detector makes sync.Pool forget on purpose, so allocations can be counted only without it.

package servicetest_test

import (
	"crypto/fips140"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
)

// Allocations of the two calls of a second step. A closure, a copy or a text for each
// field is cheap to add and hard to find again.
func TestAllocationsOfFlows(t *testing.T) {
	if fips140.Enabled() {
		return // the module's HMAC allocates
	}
	h := newHarness(t, trusting)
	phone, _ := h.Enroll(ana)
	h.year(ana, phone, 2, 20)
	h.Clock.Advance(time.Hour)

	signIn := testing.AllocsPerRun(100, func() {
		_, err := h.SignIn(h.Ctx, ana)
		require.NoError(t, err)
	})
	require.LessOrEqual(t, signIn, 52.0) // 48, and one more before Go 1.26

	const runs = 20 // a challenge's ten minutes have as many steps
	var challenges []totpflow.Challenge
	var codes []string
	for range runs + 1 {
		challenges = append(challenges, h.Challenge(ana))
		codes = append(codes, phone.Code())
	}
	// Each code belonged to a step of its own, and the clock is at the last one.
	h.Clock.Advance(-runs * 30 * time.Second)
	verify := testing.AllocsPerRun(runs, func() {
		_, err := h.VerifyCode(h.Ctx, challenges[0], codes[0])
		require.NoError(t, err)
		challenges, codes = challenges[1:], codes[1:]
		h.Clock.Advance(30 * time.Second)
	})
	require.LessOrEqual(t, verify, 85.0)
}
