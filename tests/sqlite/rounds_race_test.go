//go:build race

package sqlite_test

const (
	raceRounds    = 20
	sumRounds     = 1
	killRounds    = 12
	migrateRounds = 2
)

var journals = map[string]string{"wal": wal}
