package totp_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/totpflow/totpflow/totp"
)

// BenchmarkTiming measures whether the time of Verify reveals how a code is wrong or
// where it matches. It is Welch's t-test on two kinds of input in random order (dudect,
// DATE 2017) and reports |t|: above 4.5 with a million samples or more means a leak, but
// for the kinds with "none", whose answers differ, and with them the branch that returns
// them. A busy machine adds noise, so it is read by a person and asserted by no test:
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
		{"same", wrong(0), wrong(0)}, // what the noise of the machine alone gives
		{"first-digit-last-digit", wrong(0), wrong(5)},
		{"match-none", right, wrong(0)},
		{"match-past-present", code(b, key, s-1), right},
		{"match-past-future", code(b, key, s-1), code(b, key, s+1)},
		{"match-future-none", code(b, key, s+1), wrong(3)},
	} {
		b.Run(c.name, func(b *testing.B) {
			inputs, w := [2]string{c.a, c.b}, totp.Standard()
			var samples [2]welford
			random := rand.New(rand.NewPCG(1, uint64(b.N)))
			for range b.N {
				kind := random.IntN(2)
				begin := time.Now()
				_, _ = key.Verify(inputs[kind], at, 0, w)
				// More than ten microseconds come from the scheduler, not from the
				// comparison.
				if took := time.Since(begin); took < 10*time.Microsecond {
					samples[kind].add(float64(took))
				}
			}
			b.ReportMetric(math.Abs(welch(samples[0], samples[1])), "|t|")
		})
	}
}

// welford keeps mean and variance of a stream.
type welford struct{ n, mean, m2 float64 }

func (w *welford) add(x float64) {
	w.n++
	delta := x - w.mean
	w.mean += delta / w.n
	w.m2 += delta * (x - w.mean)
}

func welch(a, b welford) float64 {
	if a.n < 2 || b.n < 2 {
		return 0
	}
	return (a.mean - b.mean) / math.Sqrt(a.m2/(a.n-1)/a.n+b.m2/(b.n-1)/b.n)
}
