//go:build !race

package etcd_test

// How long the rigs run.
const (
	raceRounds  = 200 // each: one code, 128 hands
	sumRounds   = 2   // each: 128 increments of one counter
	crashRounds = 5
	memberKills = 3
)
