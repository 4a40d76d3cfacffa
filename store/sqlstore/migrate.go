package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Errors of [Store.Migrate]; trying again does not help.
var (
	// ErrSchemaNewer means that a newer program has migrated this database. An older one
	// must not write into a schema that it does not know.
	ErrSchemaNewer = errors.New("sqlstore: schema is newer than this program")

	// ErrNotDurable means that the database is configured so that an acknowledged write
	// can be lost.
	ErrNotDurable = errors.New("sqlstore: writes are not durable")

	// ErrBusyTimeout means that SQLite's writers would not wait for each other, so that
	// most people who sign in at the same moment would be refused.
	ErrBusyTimeout = errors.New("sqlstore: writers do not wait for each other")

	// ErrNotPrimary means that the server is a standby or does not accept writes. Its
	// answers may be old, and with an old answer a used code is accepted again.
	ErrNotPrimary = errors.New("sqlstore: not the primary database")

	// ErrRights means that the connection's user may not do what the store does, or may
	// not create the tables where there are none. Without the right to define anything,
	// have somebody else apply [Dialect.Migrations].
	ErrRights = errors.New("sqlstore: rights are missing")

	// ErrRowSecurity means that PostgreSQL hides rows of the table from this user, so
	// that enrolled people would look as if they had never enrolled.
	ErrRowSecurity = errors.New("sqlstore: row level security hides records")

	// ErrTableLost means that the table of accounts was made, according to the ledger of
	// migrations or to an earlier Migrate of this Store, but it is missing or lacks some of
	// its columns. Every call returns it after a Migrate that has succeeded. Restore the
	// table from a backup: in a new one nobody would have a second factor.
	ErrTableLost = errors.New("sqlstore: the table of accounts is lost")

	// ErrLedgerLost means that the ledger of migrations, the table totpflow_schema, does
	// not record how the table of accounts was made: it is missing or empty. Restore it
	// from a backup. If the table of accounts is complete, the statements that make and
	// fill the ledger, at the end of the files of [Dialect.Migrations], repair it too.
	// With MySQL, whose migrations can be repeated, Migrate makes the ledger again if the
	// table of accounts is there.
	ErrLedgerLost = errors.New("sqlstore: the ledger of migrations is lost")

	// ErrEncoding means that the server converts text on its way, so that ids would not
	// be compared byte by byte.
	ErrEncoding = errors.New("sqlstore: text is not stored unchanged")
)

// patience bounds how long Migrate waits for other processes that start at the
// same time.
const patience = 30 * time.Second

// Migrate brings the schema up to date, and checks that the database keeps acknowledged
// writes; the package documentation describes what it can see. It looks at one
// connection, and assumes that the others are like it. It may be called by any number of
// processes at the same time and again at every start. If nothing is to be done it
// changes nothing, but it checks its rights, for which SQLite takes the file's lock for a
// moment. If the database is busy, Migrate tries again for half a minute, unless the
// context ends first.
//
// An index that somebody has dropped is made again, by the same definition. If that
// fails, for example because the program may not create an index, Migrate logs a warning
// with the statement and the reason to slog.Default, and returns nil: without an index
// lists are slow, and not wrong. The package documentation says how to make an index
// while people sign in.
//
// It returns [ErrNotDurable], [ErrBusyTimeout], [ErrNotPrimary], [ErrEncoding],
// [ErrRights], [ErrRowSecurity], [ErrTableLost], [ErrLedgerLost], [ErrFileLost],
// [ErrSchemaNewer], [ErrDialect] or [ErrNames], or [store.ErrUnavailable] wrapping the
// driver's error: a directory that cannot be written, a file that is not a database, a
// server that does not answer, a database of another dialect, a context that ended. All
// steps of one call take place together or not at all; with MySQL, which commits every
// definition separately, the next call continues where one stopped.
func (s *Store) Migrate(ctx context.Context) error {
	if s.fault != nil {
		return s.fault
	}
	for began := time.Now(); ; {
		_, err := prompt(ctx, &s.fuse, func() (struct{}, error) { return struct{}{}, s.migrate(ctx) })
		if err == nil || refusal(err) {
			return err
		}
		if !s.d.d.busy(err) || time.Since(began) > patience {
			return fmt.Errorf("%w: migrate: %w", store.ErrUnavailable, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: migrate: %w (%w)", store.ErrUnavailable, err, ctx.Err())
		case <-time.After(10*time.Millisecond + rand.N(40*time.Millisecond)): // apart, so that they do not meet again
		}
	}
}

// refusal reports whether err is one that only the operator can remedy.
func refusal(err error) bool {
	for _, target := range []error{ErrNotDurable, ErrBusyTimeout, ErrNotPrimary, ErrEncoding, ErrRights, ErrRowSecurity, ErrTableLost, ErrLedgerLost, ErrFileLost, ErrSchemaNewer} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := s.d.Migrations()
	if err != nil {
		return err
	}
	steps, err := steps(files)
	if err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx) // one connection: the transaction and the settings are its own
	if err != nil {
		return err
	}
	err = s.migrateOn(ctx, conn, steps)
	if err != nil && !refusal(err) && s.d.d.denied(err) {
		err = fmt.Errorf("%w: %w", ErrRights, err)
	}
	// Not deferred: after a driver's panic the connection may be inside a
	// transaction, and Close would wait for ever for the statement that panicked.
	_ = conn.Close()
	return err
}

// migrateOn runs the migration on conn.
func (s *Store) migrateOn(ctx context.Context, conn *sql.Conn, steps []string) error {
	seen, err := s.d.d.settings(ctx, conn)
	if err != nil {
		return s.d.d.foreign(err)
	}
	if was := s.seen.Load().file; was != nil { // the first one: connections of the pool are still in it
		seen.file = was
	}
	if err := seen.file.check(); err != nil {
		return err
	}
	s.seen.Store(&seen)
	// A quick look without a lock, so that every later start only reads.
	at, err := s.schemaAt(ctx, conn, len(steps))
	switch {
	case err != nil:
		return err
	case at == len(steps):
		err = s.look(ctx, conn)
	default:
		err = s.d.d.alone(ctx, conn, func() error {
			if err := s.climb(ctx, conn, steps); err != nil {
				return err
			}
			return s.look(ctx, conn)
		})
	}
	if err != nil {
		return err
	}
	s.migrated.Store(true)
	if at < len(steps) { // the indexes are new too
		return nil
	}
	return s.index(ctx, conn)
}

// look refuses a table that is lost or not durable, or some of whose rows this user
// cannot see or write.
func (s *Store) look(ctx context.Context, conn *sql.Conn) error {
	there, err := s.there(ctx, conn, "accounts")
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%w: %s is missing, although %s records it", ErrTableLost, s.names.accounts(), s.names.ledger())
	}
	if err := s.d.d.kept(ctx, conn, s.names); err != nil {
		return err
	}
	for _, probe := range s.ask.probes {
		if err := try(ctx, conn, probe); err != nil {
			if s.d.d.strange(err) {
				return fmt.Errorf("%w: %s has other columns: %w", ErrTableLost, s.names.accounts(), err)
			}
			return err
		}
	}
	return nil
}

// try runs a statement that changes nothing, as a query: a program that only looks may
// have a connection that permits nothing else.
func try(ctx context.Context, conn *sql.Conn, probe string) error {
	rows, err := conn.QueryContext(ctx, probe)
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Next() // some drivers begin only now
	return rows.Err()
}

// there reports whether the table exists.
func (s *Store) there(ctx context.Context, conn *sql.Conn, table string) (bool, error) {
	var n int
	statement, args := s.d.d.table(s.names, table)
	err := conn.QueryRowContext(ctx, statement, args...).Scan(&n)
	return n > 0, err
}

// climb applies what is missing, alone: since the look before, another process
// may have done so. It refuses to recreate a table that existed.
func (s *Store) climb(ctx context.Context, conn *sql.Conn, steps []string) error {
	at, err := s.schemaAt(ctx, conn, len(steps))
	if err != nil {
		return err
	}
	there, err := s.there(ctx, conn, "accounts")
	switch {
	case err != nil:
		return err
	case !there && s.migrated.Load():
		return fmt.Errorf("%w: %s is missing, although Migrate has found it", ErrTableLost, s.names.accounts())
	case at == 0 && !there, (at == 0 || there && at < 0) && !s.d.d.repeatable:
		// With repeatable migrations, one that stopped halfway may have left the accounts
		// without the ledger's row. No migration leaves a ledger without the accounts.
		return fmt.Errorf("%w: %s does not record how %s was made", ErrLedgerLost, s.names.ledger(), s.names.accounts())
	}
	for at = max(at, 0); at < len(steps); at++ {
		for statement := range strings.SplitSeq(steps[at], ";\n") {
			if statement = strings.TrimSpace(statement); statement == "" {
				continue
			}
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("step %d: %w", at+1, err)
			}
		}
	}
	return nil
}

// schemaAt returns the number of the newest migration, -1 before the first.
func (s *Store) schemaAt(ctx context.Context, conn *sql.Conn, known int) (int, error) {
	there, err := s.there(ctx, conn, "schema")
	if err != nil {
		return 0, err
	}
	if !there {
		return -1, nil
	}
	var n int
	if err := conn.QueryRowContext(ctx, s.ask.applied).Scan(&n); err != nil {
		return 0, err
	}
	if n > known {
		return 0, fmt.Errorf("%w: it has number %d, and this program knows up to %d", ErrSchemaNewer, n, known)
	}
	return n, nil
}

// steps reads the migrations in the order of their names. A gap would number
// the later ones differently in two programs.
func steps(schema fs.FS) ([]string, error) {
	names, err := fs.Glob(schema, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []string
	for i, name := range names {
		if want := fmt.Sprintf("%04d_", i+1); len(name) < len(want) || name[:len(want)] != want {
			return nil, fmt.Errorf("sqlstore: migration %s is not number %d", name, i+1)
		}
		b, err := fs.ReadFile(schema, name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(b))
	}
	if len(all) == 0 {
		return nil, errors.New("sqlstore: no migrations")
	}
	return all, nil
}
