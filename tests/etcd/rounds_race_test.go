//go:build race

package etcd_test

// The clients are slow under the race detector.
const (
	raceRounds  = 12
	sumRounds   = 1
	crashRounds = 2
	memberKills = 1
)
