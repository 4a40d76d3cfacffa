package totp_test

import (
	"testing"
	"time"

	"github.com/totpflow/totpflow/internal/welch"
	"github.com/totpflow/totpflow/totp"
)

// BenchmarkTiming measures whether the time of Verify tells how a code is wrong or where it matches: |t| above 4.5 with a
// million samples or more means a leak. A busy machine adds noise, so it is read by a person and asserted by no test:
//
//	go test -run '^$' -bench Timing -benchtime 2000000x ./totp
func BenchmarkTiming(b *testing.B) {
	key, at := parse(b, seed20, totp.Params{}), time.Unix(now, 0)
	s := key.Step(at)
	right := code(b, key, s)
	wrong := func(i int) string {
		text := []byte(right)
		text[i] = '0' + (text[i]-'0'+5)%10
		return string(text)
	}
	for _, c := range []struct{ name, a, b string }{
		{"same", wrong(0), wrong(0)}, // what the machine's noise alone gives
		{"first-digit-last-digit", wrong(0), wrong(5)},
		{"match-none", right, wrong(0)},
		{"match-past-present", code(b, key, s-1), right},
		{"match-past-future", code(b, key, s-1), code(b, key, s+1)},
		{"match-future-none", code(b, key, s+1), wrong(3)},
	} {
		b.Run(c.name, func(b *testing.B) {
			verify := func(text string) func() {
				return func() { _, _ = key.Verify(text, at, 0, totp.Standard()) }
			}
			b.ReportMetric(welch.T(b.N, 10*time.Microsecond, [2]func(){verify(c.a), verify(c.b)}), "|t|")
		})
	}
}
