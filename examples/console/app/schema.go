package app

import (
	"context"
	"database/sql"
	"fmt"
)

// steps bring the console's own tables up to date. A step is never changed: a
// database that has taken it does not take it again. The number of those taken
// is the file's user_version.
var steps = []string{
	// The first release: one organisation, and no version. Its files have this
	// table already.
	`CREATE TABLE IF NOT EXISTS users (
		id       TEXT PRIMARY KEY,
		email    TEXT NOT NULL UNIQUE,
		name     TEXT NOT NULL,
		password TEXT NOT NULL,
		generation   INTEGER NOT NULL DEFAULT 0
	) STRICT`,

	// Tenants. A person has one address and one password, and an account in each
	// tenant. The second factors of accounts that were there before are kept
	// under the empty tenant, and the tenant is part of what their records are
	// sealed with: their organisation keeps that word for good.
	`CREATE TABLE tenants (
		id     TEXT PRIMARY KEY,
		name   TEXT NOT NULL,
		kind   TEXT NOT NULL,
		above  TEXT REFERENCES tenants,
		record TEXT NOT NULL UNIQUE
	) STRICT;
	INSERT INTO tenants (id, name, kind, above, record) VALUES
		('north', 'Northern IT', 'provider', NULL, 'north'),
		('acme', 'Acme Backup GmbH', 'customer', 'north', iif((SELECT count(*) FROM users) > 0, '', 'acme')),
		('acme-berlin', 'Acme Backup Berlin', 'unit', 'acme', 'acme-berlin');
	CREATE TABLE people (
		id       TEXT PRIMARY KEY,
		email    TEXT NOT NULL UNIQUE,
		name     TEXT NOT NULL,
		password TEXT NOT NULL
	) STRICT;
	INSERT INTO people SELECT id, email, name, password FROM users;
	CREATE TABLE accounts (
		id     TEXT PRIMARY KEY,
		person TEXT NOT NULL REFERENCES people,
		tenant TEXT NOT NULL REFERENCES tenants,
		role   TEXT NOT NULL,
		generation INTEGER NOT NULL DEFAULT 0,
		UNIQUE (person, tenant)
	) STRICT;
	INSERT INTO accounts SELECT id, id, 'acme', iif(email = 'admin@acme.example', 'admin', 'user'), generation FROM users;
	DROP TABLE users;
	ALTER TABLE accounts RENAME TO users`,

	backupsTable,

	apiTables,

	// The language that a person used last, for mails; empty until then.
	`ALTER TABLE people ADD COLUMN language TEXT NOT NULL DEFAULT ''`,

	suspension,
}

// migrate takes the steps that are missing, and reports whether there were any.
// It refuses a file of a later release.
func migrate(ctx context.Context, tx *sql.Tx) (changed bool, err error) {
	var taken int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&taken); err != nil {
		return false, err
	}
	if taken > len(steps) {
		return false, fmt.Errorf("the tables are of a later release (%d, this one knows %d)", taken, len(steps))
	}
	for _, step := range steps[taken:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return false, err
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(steps)))
	return taken < len(steps), err
}
