//go:build !race

package sqlite_test

// How long the rigs run. The driver is SQLite's C turned into Go, and many times
// slower under the race detector, which has its own rounds.
const (
	raceRounds    = 200 // each: one code, 128 hands
	sumRounds     = 4   // each: 128 increments of one counter
	killRounds    = 40  // each: one process killed
	migrateRounds = 5   // each: eight processes that start on a new file
)

// journals are the settings that the whole suite runs under: the documented
// ones, and those of a rollback journal that keep the same promise.
var journals = map[string]string{
	"wal":              wal,
	"rollback journal": "_pragma=busy_timeout(20000)&_pragma=journal_mode(DELETE)&_pragma=synchronous(EXTRA)&_txlock=immediate",
}
