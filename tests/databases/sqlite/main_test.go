package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	cgo "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
)

// wal are the settings that the package documents, in the words of modernc.org/sqlite, as
// are all settings here.
const wal = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

// journals are the settings that the whole suite runs under: the documented
// ones, and those of a rollback journal that keep the same promise.
var journals = map[string]string{
	"wal":              wal,
	"rollback journal": "_pragma=busy_timeout(20000)&_pragma=journal_mode(DELETE)&_pragma=synchronous(EXTRA)&_txlock=immediate",
}

// migrateRounds is how often eight processes start on a new file.
var migrateRounds = race.Rounds(2, 20)

// A driver is one of those that are documented.
type driver struct {
	name  string                       // for database/sql
	words func(settings string) string // translates the settings into its own words
	code  func(err error) int          // SQLite's primary error code, 0 if there is none inside
}

var pragma = regexp.MustCompile(`_pragma=(\w+)\((\w+)\)`)

var modernc = driver{
	name:  "sqlite",
	words: func(settings string) string { return settings },
	code: func(err error) int {
		var e *sqlite.Error
		if !errors.As(err, &e) {
			return 0
		}
		return e.Code() & 0xff // of the extended one
	},
}

var mattn = driver{
	name:  "sqlite3",
	words: func(settings string) string { return pragma.ReplaceAllString(settings, "_$1=$2") },
	code: func(err error) int {
		var e cgo.Error
		if !errors.As(err, &e) {
			return 0
		}
		return int(e.Code)
	},
}

// each runs a test with every driver.
func each(t *testing.T, test func(t *testing.T, d driver)) {
	for _, d := range []driver{modernc, mattn} {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

func TestMain(m *testing.M) {
	race.Main(map[string]race.Role{
		"history":    history.Player(opener(honest)),
		"notify":     notify.Victim(opener(honest)),
		"race":       race.Racer(opener(honest)),
		"race-naive": race.Racer(opener(naive)),
		"service":    service.Replica(opener(honest)),
		"write":      race.Writer(opener(honest)),
		"write-lazy": writeLazily,
		"migrate":    migrator,
	})
	os.Exit(m.Run())
}

// where returns what a child needs to open the file.
func (d driver) where(path string) string { return d.name + " " + d.dsn(path, patient(wal)) }

func (d driver) dsn(path, settings string) string { return "file:" + path + "?" + d.words(settings) }

// dial opens the file without touching it.
func (d driver) dial(path, settings string) (*sql.DB, error) {
	return sql.Open(d.name, d.dsn(path, patient(settings)))
}

// patient returns the settings with a busy timeout that no test reaches, even on a busy
// machine.
func patient(settings string) string {
	return strings.Replace(settings, "busy_timeout(5000)", "busy_timeout(60000)", 1)
}

// dialWhere is dial in a child.
func dialWhere(where string) (*sql.DB, error) {
	name, dsn, _ := strings.Cut(where, " ")
	return sql.Open(name, dsn)
}

func opener(adapter func(*sql.DB) store.Store) race.Opener {
	return func(where string) (store.Store, func() error, error) {
		db, err := dialWhere(where)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(4) // enough to race; more only wait for the lock
		return adapter(db), db.Close, nil
	}
}

func honest(db *sql.DB) store.Store { return sqlstore.New(db, sqlstore.SQLite) }

func naive(db *sql.DB) store.Store {
	return race.Naive{Store: honest(db), Overwrite: func(ctx context.Context, rec store.Record) error {
		_, err := db.ExecContext(ctx, `INSERT OR REPLACE INTO totpflow_accounts VALUES (?, ?, ?, ?, ?, ?, ?)`,
			rec.ID.Tenant, rec.ID.User, rec.Version[:], rec.State, rec.Sealed, rec.Updated.UnixMicro(), nil)
		return err
	}}
}

// open returns a migrated store on the file.
func (d driver) open(t *testing.T, path, settings string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db, err := d.dial(path, settings)
	require.NoError(t, err)
	t.Cleanup(func() {
		engine.AwaitIdle(t, db)
		require.NoError(t, db.Close())
	})
	s := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	return s, db
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "totpflow.db") }

// The package documentation shows the settings that are tested here.
func TestDocumentedSettings(t *testing.T) {
	doc, err := os.ReadFile("../../../store/sqlstore/doc.go")
	require.NoError(t, err)
	for _, d := range []driver{modernc, mattn} {
		require.Contains(t, string(doc), d.dsn("PATH", wal))
	}
}
