// Package welch compares how long two things take, for benchmarks that look for a
// secret in the time of an answer.
package welch

import (
	"math"
	"math/rand/v2"
	"time"
)

// T does one of two things n times, in random order, and returns |t| of Welch's
// t-test on their times (dudect, DATE 2017): above 4.5 with a million samples or
// more, the time tells which of them it was. What took longer than most is left
// out: then it was the scheduler.
func T(n int, most time.Duration, things [2]func()) float64 {
	var samples [2]samples
	random := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // the order of a measurement
	for range n {
		which := random.IntN(2)
		begin := time.Now()
		things[which]()
		if took := time.Since(begin); took < most {
			samples[which].add(float64(took))
		}
	}
	return math.Abs(tOf(samples[0], samples[1]))
}

// samples are the mean and the variance of a stream, after Welford.
type samples struct{ n, mean, m2 float64 }

func (s *samples) add(x float64) {
	s.n++
	delta := x - s.mean
	s.mean += delta / s.n
	s.m2 += delta * (x - s.mean)
}

func tOf(a, b samples) float64 {
	if a.n < 2 || b.n < 2 {
		return 0
	}
	return (a.mean - b.mean) / math.Sqrt(a.m2/(a.n-1)/a.n+b.m2/(b.n-1)/b.n)
}
