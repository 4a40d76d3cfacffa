package app

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go

	"github.com/totpflow/totpflow/store"
)

// settings apply to each connection. With synchronous=FULL, an acknowledged change
// survives a power cut; the store of the second factor accepts nothing less.
const settings = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

// connections is how many a crowd of browsers may open. SQLite has one writer at a time,
// so more connections would only wait inside it, each with an open file. A product with a
// database server keeps all its processes together below the server's max_connections.
const connections = 16

// Open opens the database file at path. If there is none, Open creates it, readable by
// its owner only, because it holds password hashes and sessions.
func Open(path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// release is the version of these tables, which the file stores as its user_version.
const release = 8

// tables are the console's own. The keys of sessions and machines are stored only as
// hashes, so a person who reads the database cannot use them. The keys are random, so the
// hash needs no salt and no cost. The value that opens the lock of an app is sealed, and
// so is the next one. The session of an app is refused while none of its windows is open.
const tables = `
CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, above TEXT REFERENCES tenants) STRICT;
INSERT INTO tenants (id, name, kind, above) VALUES
	('north', 'Northern IT', 'provider', NULL),
	('acme', 'Acme Backup GmbH', 'customer', 'north'),
	('acme-berlin', 'Acme Backup Berlin', 'unit', 'acme');
CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL, language TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE users (
	id TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people, tenant TEXT NOT NULL REFERENCES tenants, role TEXT NOT NULL,
	generation INTEGER NOT NULL DEFAULT 0, UNIQUE (person, tenant)
) STRICT;
CREATE TABLE backups (
	id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, owner TEXT NOT NULL, machine TEXT NOT NULL, taken INTEGER NOT NULL, gigabytes INTEGER NOT NULL
) STRICT;
CREATE TABLE sessions (
	key BLOB PRIMARY KEY, account TEXT NOT NULL, mark TEXT NOT NULL, reason TEXT NOT NULL, began INTEGER NOT NULL, expires INTEGER NOT NULL,
	device TEXT UNIQUE, value BLOB, next BLOB, windows INTEGER NOT NULL DEFAULT 0, open_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE machine_keys (account TEXT PRIMARY KEY, key BLOB NOT NULL UNIQUE, mark TEXT NOT NULL) STRICT`

// createTables makes the tables in a new file, and reports whether it has. It refuses the
// file of another release; a product would migrate it.
func createTables(ctx context.Context, tx *sql.Tx) (created bool, err error) {
	var is int
	err = tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&is)
	switch {
	case err != nil:
		return false, err
	case is == release:
		return false, nil
	case is != 0:
		return false, fmt.Errorf("the file belongs to another release of this example (%d, expected %d); start with a new file", is, release)
	}
	_, err = tx.ExecContext(ctx, tables+fmt.Sprintf(`; PRAGMA user_version = %d`, release))
	return true, err
}

// query returns every row as read returns it.
func query[T any](ctx context.Context, db *sql.DB, read func(scan func(...any) error) (T, error), text string, args ...any) (all []T, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := read(rows.Scan)
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, one)
	}
	return all, unavailable(rows.Err())
}

// exec changes rows and returns how many it has changed.
func exec(ctx context.Context, db *sql.DB, text string, args ...any) (int64, error) {
	done, err := db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, unavailable(err)
	}
	n, err := done.RowsAffected()
	return n, unavailable(err)
}

// unavailable marks an error of the console's own tables like one of the second factor's
// store: the client may try again later.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
