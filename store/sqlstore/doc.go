// Package sqlstore keeps totpflow's records in a SQL database, in one table,
// through database/sql. It imports no driver: the host opens the database with
// the driver of its choice, says which [Dialect] it speaks, and calls
// [Store.Migrate] once when it starts.
//
//	db, err := sql.Open("sqlite", dsn)
//	s := sqlstore.New(db, sqlstore.SQLite)
//	err = s.Migrate(ctx)
//
// # SQLite
//
// The data source name for modernc.org/sqlite (pure Go), which the tests use,
// and the same in the words of github.com/mattn/go-sqlite3 (cgo):
//
//	file:PATH?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate
//	file:PATH?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate
//
// Each part is needed. busy_timeout lets writers wait for each other instead of
// failing. WAL lets readers go on beside a writer. synchronous=FULL makes an
// acknowledged write survive a power cut: NORMAL, which many examples
// recommend, may lose the last commits, and with them the fact that a code is
// used. With a rollback journal instead of WAL it takes EXTRA to say the same.
// Migrate refuses less ([ErrNotDurable]), which includes a file that is opened
// without a word about either. Settings
// belong into the data source name, as database/sql opens connections when it
// likes and a PRAGMA sent by hand reaches only one of them.
//
// The file must be on a local disk, and it is not to be copied while in use;
// VACUUM INTO makes a backup. Whoever puts an older file back brings used codes
// back to life: raise the key ring's epoch afterwards.
//
// # Threats
//
// Every statement names tenant and user, and every value is a parameter. What
// changes a record compares and writes in one statement and looks at the number
// of rows, so two processes with the same code cannot both win, at any
// isolation level. The sealed bytes are the layer above's business.
//
// # Compatibility
//
// Migrations only add, and are numbered. A program that meets a schema newer
// than it knows refuses with [ErrSchemaNewer].
package sqlstore
