//go:build race

package redis_test

// The clients are slow under the race detector.
const (
	raceRounds  = 12
	sumRounds   = 1
	crashRounds = 3
)
