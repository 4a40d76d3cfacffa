package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// A Dialect names the SQL that a database speaks. The zero Dialect speaks none:
// every call answers [ErrDialect].
type Dialect struct{ d *dialect }

// SQLite is SQLite 3.37 (2021) or newer, for STRICT tables.
var SQLite = Dialect{&sqlite}

// ErrDialect: New was called without a dialect.
var ErrDialect = errors.New("sqlstore: no dialect")

// String returns the dialect's name.
func (d Dialect) String() string {
	if d.d == nil {
		return "none"
	}
	return d.d.name
}

// dialect is all that differs between databases. Another one is another value
// of this type and a directory of migrations; the Go code is the same. What its
// statements must do:
//
//   - create inserts a row, or changes nothing and reports no row where one is.
//   - change and remove compare the version in the same statement, and report
//     the rows that *matched*. A new version is never the old one, so a
//     database that counts only rows with changed content (MySQL without
//     clientFoundRows) reports the same.
//   - a row is read from the primary, and compared byte by byte.
//
// Arguments come in the order of the columns, then was.
type dialect struct {
	name   string
	schema fs.FS // migrations, NNNN_name.sql, numbered from 0001 without gaps

	get     string // tenant, user → the row
	create  string // tenant, user, version, state, sealed, updated
	change  string // version, state, sealed, updated, tenant, user, was
	remove  string // tenant, user, was
	list    string // tenant, after user, state, state, limit → rows
	listAll string // after tenant, after user, state, state, limit → rows
	table   string // name → 1 if there is such a table
	ledger  string // creates the table of migrations
	applied string // → the number of the newest migration
	apply   string // number
	begin   string // a transaction in which only one caller at a time migrates
	durable func(ctx context.Context, conn *sql.Conn) error
	busy    func(err error) bool // nothing took place; only Migrate asks again
}

//go:embed schema
var schemas embed.FS

// schemaOf returns one dialect's directory. It exists: it is embedded.
func schemaOf(name string) fs.FS {
	sub, err := fs.Sub(schemas, "schema/"+name)
	if err != nil {
		panic(err) // a wrong constant in this file
	}
	return sub
}

var sqlite = dialect{
	name:   "SQLite",
	schema: schemaOf("sqlite"),

	get: `SELECT tenant, user_id, version, state, sealed, updated FROM totpflow_accounts
WHERE tenant = ? AND user_id = ?`,
	create: `INSERT INTO totpflow_accounts (tenant, user_id, version, state, sealed, updated)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, user_id) DO NOTHING`,
	change: `UPDATE totpflow_accounts SET version = ?, state = ?, sealed = ?, updated = ?
WHERE tenant = ? AND user_id = ? AND version = ?`,
	remove: `DELETE FROM totpflow_accounts
WHERE tenant = ? AND user_id = ? AND version = ?`,
	list: `SELECT tenant, user_id, version, state, sealed, updated FROM totpflow_accounts
WHERE tenant = ? AND user_id > ? AND (? = '' OR state = ?)
ORDER BY tenant, user_id LIMIT ?`,
	listAll: `SELECT tenant, user_id, version, state, sealed, updated FROM totpflow_accounts
WHERE (tenant, user_id) > (?, ?) AND (? = '' OR state = ?)
ORDER BY tenant, user_id LIMIT ?`,

	table:   `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`,
	ledger:  `CREATE TABLE totpflow_schema (number INTEGER NOT NULL PRIMARY KEY) STRICT`,
	applied: `SELECT coalesce(max(number), 0) FROM totpflow_schema`,
	apply:   `INSERT INTO totpflow_schema (number) VALUES (?)`,
	// Takes the write lock at once: a transaction that begins by reading would
	// fail with "busy" when a second one has written meanwhile.
	begin:   `BEGIN IMMEDIATE`,
	durable: sqliteDurable,
	busy:    sqliteBusy,
}

// sqliteBusy recognises SQLITE_BUSY by SQLite's own words, which every driver
// passes on; their error types differ. Turning a new file to WAL gives it at
// once to whoever comes second, whatever the busy timeout.
func sqliteBusy(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// sqliteDurable refuses settings under which a commit may be lost. A used code
// that is forgotten is good again. With a rollback journal a commit is final
// when the journal's removal is on disk, for which only EXTRA waits
// (sqlite.org/pragma.html#pragma_synchronous); FULL, which is what a file is
// opened with when nothing is said, does not.
func sqliteDurable(ctx context.Context, conn *sql.Conn) error {
	var level int
	if err := conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level); err != nil {
		return err
	}
	var journal string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
		return err
	}
	const full, extra = 2, 3 // 0 OFF, 1 NORMAL
	switch journal {
	case "wal":
		if level >= full {
			return nil
		}
	case "delete", "truncate", "persist":
		if level >= extra {
			return nil
		}
	}
	// A database without a file says "memory".
	return fmt.Errorf("%w: PRAGMA journal_mode is %s and synchronous %d; set journal_mode(WAL) and synchronous(FULL) in the data source name, as the package documentation shows",
		ErrNotDurable, journal, level)
}
