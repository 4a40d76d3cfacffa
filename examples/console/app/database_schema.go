package app

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/totpflow/totpflow/store"
)

// release is the number of these tables, which the file notes as its user_version.
const release = 7

// tables are the console's own. Keys of programs are kept only as their hash: who reads the
// database can use none. They are random, so that the hash needs no salt and no cost. The
// value that opens the lock of an app is sealed, and so is the next one; the session of an
// app is closed while none of its windows is open. The keys of backups are kept as they are;
// in a product they are in a key management service, or wrapped by one.
const tables = `
CREATE TABLE tenants (
	id    TEXT PRIMARY KEY,
	name  TEXT NOT NULL,
	kind  TEXT NOT NULL,
	above TEXT REFERENCES tenants
) STRICT;
INSERT INTO tenants (id, name, kind, above) VALUES
	('north', 'Northern IT', 'provider', NULL),
	('acme', 'Acme Backup GmbH', 'customer', 'north'),
	('acme-berlin', 'Acme Backup Berlin', 'unit', 'acme');
CREATE TABLE people (
	id       TEXT PRIMARY KEY,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	language TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE users (
	id         TEXT PRIMARY KEY,
	person     TEXT NOT NULL REFERENCES people,
	tenant     TEXT NOT NULL REFERENCES tenants,
	role       TEXT NOT NULL,
	generation INTEGER NOT NULL DEFAULT 0,
	UNIQUE (person, tenant)
) STRICT;
CREATE TABLE backups (
	id        TEXT PRIMARY KEY,
	tenant    TEXT NOT NULL REFERENCES tenants,
	owner     TEXT NOT NULL,
	machine   TEXT NOT NULL,
	taken     INTEGER NOT NULL,
	gigabytes INTEGER NOT NULL,
	key       TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
CREATE INDEX sessions_expiry ON sessions (expiry);
CREATE TABLE api_sessions (
	key     BLOB PRIMARY KEY,
	account TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
	mark    TEXT NOT NULL,
	reason  TEXT NOT NULL,
	began   INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	device  TEXT UNIQUE,
	value   BLOB,
	next    BLOB,
	windows INTEGER NOT NULL DEFAULT 0,
	open_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE machine_keys (
	account TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
	key     BLOB NOT NULL UNIQUE,
	mark    TEXT NOT NULL,
	made    INTEGER NOT NULL
) STRICT`

// createTables makes the tables in a new file, and reports whether it has. It refuses the
// file of another release: a product migrates it.
func createTables(ctx context.Context, tx *sql.Tx) (created bool, err error) {
	var is int
	err = tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&is)
	switch {
	case err != nil:
		return false, err
	case is == release:
		return false, nil
	case is != 0:
		return false, fmt.Errorf("the file is of another release of this example (%d, this one knows %d); begin with a new one", is, release)
	}
	_, err = tx.ExecContext(ctx, tables+fmt.Sprintf(`; PRAGMA user_version = %d`, release))
	return true, err
}

// query returns every row, as read returns it, or an error that says that the database
// could not be asked.
func query[T any](ctx context.Context, db *sql.DB, read func(scan func(...any) error) (T, error), text string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := read(rows.Scan)
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable(err)
	}
	return all, nil
}

// exec changes rows and returns how many, or an error like that of query.
func exec(ctx context.Context, db *sql.DB, text string, args ...any) (int64, error) {
	done, err := db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, unavailable(err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return 0, unavailable(err)
	}
	return n, nil
}

// unavailable marks an error of the console's own tables like one of the
// second factor's store: try again later.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }
