package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/welch"
	"github.com/totpflow/totpflow/recovery"
)

// BenchmarkTiming measures whether the time of Redeem tells a wrong code from a used one, or which of the set a code is:
// |t| above 4.5 with a million samples or more means a leak. The derivation before it is the same for all of them. A busy
// machine adds noise, so it is read by a person and asserted by no test:
//
//	go test -run '^$' -bench Timing -benchtime 2000000x ./recovery
func BenchmarkTiming(b *testing.B) {
	at := time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	codes, set := recovery.New(at)
	others, _ := recovery.New(at)
	derive := func(code string) recovery.Digest {
		d, err := set.Derive(b.Context(), code)
		require.NoError(b, err)
		return d
	}
	used := derive(codes[3])
	set, err := set.Redeem(at, used)
	require.NoError(b, err)
	first, last, wrong, wrong2 := derive(codes[0]), derive(codes[len(codes)-1]), derive(others[0]), derive(others[1])
	for _, c := range []struct {
		name string
		a, b recovery.Digest
	}{
		{"same", wrong, wrong}, // what the machine's noise alone gives
		{"wrong-wrong", wrong, wrong2},
		{"wrong-used", wrong, used},
		{"first-last", first, last},
	} {
		b.Run(c.name, func(b *testing.B) {
			redeem := func(d recovery.Digest) func() {
				return func() { _, _ = set.Redeem(at, d) }
			}
			b.ReportMetric(welch.T(b.N, 10*time.Microsecond, [2]func(){redeem(c.a), redeem(c.b)}), "|t|")
		})
	}
}
