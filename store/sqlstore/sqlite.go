package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

var sqlite = dialect{
	name:   "SQLite",
	schema: schemaOf("sqlite"),

	schemaless:  true,
	damage:      `PRAGMA integrity_check(3)`,
	oneWriter:   true,
	prepares:    true,
	partial:     true,
	unlessThere: ` ON CONFLICT (tenant, user_id) DO NOTHING`,
	table: func(n names, table string) (string, []any) {
		return `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, []any{n.qualified(table)}
	},
	index: func(n names, column string) (string, []any) {
		return `SELECT count(*) FROM pragma_index_list(?) AS of_table WHERE (SELECT count(*) FROM pragma_index_info(of_table.name) AS part
WHERE (part.seqno, part.name) IN (VALUES (0, ?), (1, 'tenant'), (2, 'user_id'))) = 3`, []any{n.accounts(), column}
	},

	settings: sqliteSettings,
	kept:     func(context.Context, *sql.Conn, names) error { return nil }, // all tables of a file are kept alike
	// Takes the write lock at once: a transaction that begins by reading would
	// fail with "busy" when a second one has written meanwhile.
	alone:  transaction(`BEGIN IMMEDIATE`),
	exists: not,
	undone: not, // a writer waits for the file as long as busy_timeout says
	busy:   sqliteBusy,
	// Each statement is a separate transaction, and SQLite rolls it back where it cannot
	// commit.
	unwritten: sqliteUnwritten,
	absent:    func(err error) bool { return strings.Contains(err.Error(), "no such table") },
	denied:    func(err error) bool { return strings.Contains(err.Error(), "readonly database") },
	strange:   sqliteStrange,
	gone:      not, // there is no wire
	corrupt:   sqliteCorrupt,
}

// sqliteBusy recognises SQLITE_BUSY by SQLite's own words, which every driver passes on;
// their error types differ. Switching a new file to WAL returns it at once to the second
// connection, whatever the busy timeout.
func sqliteBusy(err error) bool { return strings.Contains(err.Error(), "database is locked") }

// sqliteUnwritten recognises what SQLite says before it writes: another connection has
// the lock, the file may only be read, or the table does not accept the row. An error of
// the disk is not among them. It may come after the last page of the commit, which the
// next start then finds.
func sqliteUnwritten(err error) bool {
	if sqliteBusy(err) {
		return true
	}
	for _, words := range []string{"database table is locked", "readonly database", "no such table", "constraint failed"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return sqliteStrange(err)
}

// sqliteStrange recognises a missing column. The second text is that of an INSERT.
func sqliteStrange(err error) bool {
	return strings.Contains(err.Error(), "no such column") || strings.Contains(err.Error(), "has no column named")
}

// sqliteCorrupt recognises SQLITE_CORRUPT and SQLITE_NOTADB by SQLite's own words.
func sqliteCorrupt(err error) bool {
	return strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "not a database")
}

// sqliteSettings refuses settings under which a commit may be lost. A used code
// that is forgotten can be used again. With a rollback journal a commit is final
// when the journal's removal is on disk, for which only EXTRA waits
// (sqlite.org/pragma.html#pragma_synchronous); FULL, the default with which a file
// is opened, does not.
func sqliteSettings(ctx context.Context, conn *sql.Conn) (traits, error) {
	var level int
	if err := conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level); err != nil {
		return traits{}, err
	}
	var journal string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
		return traits{}, err
	}
	const full, extra = 2, 3 // 0 OFF, 1 NORMAL
	wal := journal == "wal"
	switch {
	case wal && level >= full, (journal == "delete" || journal == "truncate" || journal == "persist") && level >= extra:
		patience, err := sqliteWaits(ctx, conn)
		if err != nil {
			return traits{}, err
		}
		f, err := sqliteFile(ctx, conn)
		return traits{quick: wal, patience: patience, file: f}, err // readers of a WAL wait for nobody
	}
	// A database without a file says "memory".
	return traits{}, fmt.Errorf("%w: PRAGMA journal_mode is %s and synchronous %d; set journal_mode(WAL), synchronous(FULL) and busy_timeout(5000) in the data source name, as the package documentation shows",
		ErrNotDurable, journal, level)
}

// sqliteWaits returns how long a writer waits for another one. It refuses a connection
// whose writes fail at once while there is another writer: nearly all people who sign in
// at the same moment would be refused.
func sqliteWaits(ctx context.Context, conn *sql.Conn) (time.Duration, error) {
	var milliseconds int
	if err := conn.QueryRowContext(ctx, `PRAGMA busy_timeout`).Scan(&milliseconds); err != nil {
		return 0, err
	}
	if milliseconds > 0 {
		return time.Duration(milliseconds) * time.Millisecond, nil
	}
	return 0, fmt.Errorf("%w: PRAGMA busy_timeout is 0; set busy_timeout(5000), journal_mode(WAL) and synchronous(FULL) in the data source name, as the package documentation shows", ErrBusyTimeout)
}
