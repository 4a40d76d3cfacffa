//go:build !race

package redis_test

// How long the rigs run.
const (
	raceRounds  = 200 // each: one code, 128 hands
	sumRounds   = 4   // each: 128 increments of one counter
	crashRounds = 10
)
