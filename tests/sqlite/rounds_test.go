//go:build !race

package sqlite_test

// How long the rigs run. The driver is SQLite's C turned into Go, and many times
// slower under the race detector, which has its own rounds.
const (
	raceRounds = 200 // each: one code, 128 hands
	sumRounds  = 4   // each: 128 increments of one counter
)
