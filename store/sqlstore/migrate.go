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

// What [Store.Migrate] refuses; none of it is cured by trying again.
var (
	// ErrSchemaNewer: a newer program has migrated this database. An older
	// one must not write into a schema that it does not know.
	ErrSchemaNewer = errors.New("sqlstore: schema is newer than this program")

	// ErrNotDurable: the database is configured so that an acknowledged write
	// can be lost.
	ErrNotDurable = errors.New("sqlstore: writes are not durable")

	// ErrBusyTimeout: SQLite's writers would not wait for each other, so that most
	// of those who sign in at the same moment would be refused.
	ErrBusyTimeout = errors.New("sqlstore: writers do not wait for each other")

	// ErrNotPrimary: the server is a standby or takes no writes. What it
	// answers may be old, and an old answer lets a used code in once more.
	ErrNotPrimary = errors.New("sqlstore: not the primary database")

	// ErrEncoding: the server converts text on its way, so that ids would not
	// be compared byte by byte.
	ErrEncoding = errors.New("sqlstore: text is not kept as it is")
)

// patience bounds how long Migrate waits for other processes that start at the
// same time.
const patience = 30 * time.Second

// Migrate brings the schema up to date, and checks that the database keeps what
// it acknowledges; the package documentation says what it sees. It looks at one
// connection, and takes the others to be like it. It may be called by any number
// of processes at the same time and again at every start; where nothing is to be
// done it only reads. A database that is busy is asked again for half a minute,
// unless the context ends before.
//
// It returns [ErrNotDurable], [ErrBusyTimeout], [ErrNotPrimary], [ErrEncoding],
// [ErrSchemaNewer], [ErrDialect] or [ErrNames], or else [store.ErrUnavailable] wrapping the
// driver's error: a directory that cannot be written, a file that is no database,
// a server that does not answer, a database of another dialect, a context that
// ended. All steps of one call take place together or not at all; with MySQL,
// where every definition commits by itself, the next call goes on where one broke
// off.
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

// refusal reports whether err is of those that only the operator can cure.
func refusal(err error) bool {
	for _, target := range []error{ErrNotDurable, ErrBusyTimeout, ErrNotPrimary, ErrEncoding, ErrSchemaNewer} {
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
	// Not deferred: after a driver's panic the connection may be inside a
	// transaction, and Close would wait for ever for the statement that panicked.
	_ = conn.Close()
	return err
}

// migrateOn is migrate on the connection that it has.
func (s *Store) migrateOn(ctx context.Context, conn *sql.Conn, steps []string) error {
	seen, err := s.d.d.settings(ctx, conn)
	if err != nil {
		return s.d.d.foreign(err)
	}
	s.seen.Store(&seen)
	// A quick look without a lock, so that every later start only reads.
	switch at, err := s.schemaAt(ctx, conn, len(steps)); {
	case err != nil:
		return err
	case at == len(steps):
		return s.d.d.kept(ctx, conn, s.names)
	}
	return s.d.d.alone(ctx, conn, func() error {
		if err := s.climb(ctx, conn, steps); err != nil {
			return err
		}
		return s.d.d.kept(ctx, conn, s.names)
	})
}

// climb applies what is missing, alone: since the look before, another process
// may have done so.
func (s *Store) climb(ctx context.Context, conn *sql.Conn, steps []string) error {
	at, err := s.schemaAt(ctx, conn, len(steps))
	if err != nil {
		return err
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
	var n int
	statement, args := s.d.d.table(s.names, "schema")
	if err := conn.QueryRowContext(ctx, statement, args...).Scan(&n); err != nil {
		return 0, err
	}
	if n == 0 {
		return -1, nil
	}
	if err := conn.QueryRowContext(ctx, s.ask.applied).Scan(&n); err != nil {
		return 0, err
	}
	if n > known {
		return 0, fmt.Errorf("%w: it is at %d, this program knows %d", ErrSchemaNewer, n, known)
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
