package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The works as Go's own benchmarks: Benchmark<Work>/<arm>/<variant>.
func BenchmarkRefuse(b *testing.B)       { benchmark(b, "Refuse") }
func BenchmarkGenerate(b *testing.B)     { benchmark(b, "Generate") }
func BenchmarkNewKey(b *testing.B)       { benchmark(b, "NewKey") }
func BenchmarkQR(b *testing.B)           { benchmark(b, "QR") }
func BenchmarkTrust(b *testing.B)        { benchmark(b, "Trust") }
func BenchmarkRecovery(b *testing.B)     { benchmark(b, "Recovery") }
func BenchmarkSignIn(b *testing.B)       { benchmark(b, "SignIn") }
func BenchmarkVerifyCode(b *testing.B)   { benchmark(b, "VerifyCode") }
func BenchmarkSessionValid(b *testing.B) { benchmark(b, "SessionValid") }
func BenchmarkPage(b *testing.B)         { benchmark(b, "Page") }
func BenchmarkTally(b *testing.B)        { benchmark(b, "Tally") }

func benchmark(b *testing.B, name string) {
	l := newLab(b.TempDir(), false)
	b.Cleanup(func() { require.NoError(b, l.close()) })
	for _, w := range works() {
		if w.name != name {
			continue
		}
		for _, a := range []arm{w.ours, w.base} {
			if a.start == nil {
				continue
			}
			b.Run(a.full(w), func(b *testing.B) {
				c, err := a.start(l)
				require.NoError(b, err)
				b.ReportAllocs()
				c.begin(b.N)
				defer c.end()
				b.ResetTimer()
				for range b.N {
					c.call(0)
				}
			})
		}
	}
}
