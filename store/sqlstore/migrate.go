package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/totpflow/totpflow/store"
)

// What [Store.Migrate] refuses; neither is cured by trying again.
var (
	// ErrSchemaNewer: a newer program has migrated this database. An older
	// one must not write into a schema that it does not know.
	ErrSchemaNewer = errors.New("sqlstore: schema is newer than this program")

	// ErrNotDurable: the database is configured so that an acknowledged write
	// can be lost.
	ErrNotDurable = errors.New("sqlstore: writes are not durable")
)

// patience bounds how long Migrate waits for other processes that start at the
// same time.
const patience = 30 * time.Second

// Migrate brings the schema up to date, and checks that the database keeps what
// it acknowledges. It may be called by any number of processes at the same time
// and again at every start; where nothing is to be done it only reads. A
// database that is busy is asked again for half a minute, unless the context
// ends before.
//
// It returns [ErrNotDurable], [ErrSchemaNewer] or [ErrDialect], or else
// [store.ErrUnavailable] wrapping the driver's error: a directory that cannot be
// written, a file that is no database, a context that ended. All steps of one
// call take place together or not at all.
func (s *Store) Migrate(ctx context.Context) error {
	if s.d.d == nil {
		return ErrDialect
	}
	for began := time.Now(); ; {
		_, err := prompt(ctx, func() (struct{}, error) { return struct{}{}, s.migrate(ctx) })
		if err == nil || errors.Is(err, ErrNotDurable) || errors.Is(err, ErrSchemaNewer) {
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

func (s *Store) migrate(ctx context.Context) error {
	steps, err := steps(s.d.d.schema)
	if err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx) // one connection: the transaction and the settings are its own
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.d.d.durable(ctx, conn); err != nil {
		return err
	}
	// A quick look without a lock, so that every later start only reads.
	if at, err := s.schemaAt(ctx, conn, len(steps)); err != nil || at == len(steps) {
		return err
	}
	return s.locked(ctx, conn, func() error { return s.climb(ctx, conn, steps) })
}

// climb applies what is missing, inside the transaction: since the look before
// it, another process may have done so.
func (s *Store) climb(ctx context.Context, conn *sql.Conn, steps []string) error {
	at, err := s.schemaAt(ctx, conn, len(steps))
	if err != nil {
		return err
	}
	if at < 0 {
		if _, err := conn.ExecContext(ctx, s.d.d.ledger); err != nil {
			return err
		}
		at = 0
	}
	for ; at < len(steps); at++ {
		if _, err := conn.ExecContext(ctx, steps[at]); err != nil {
			return fmt.Errorf("step %d: %w", at+1, err)
		}
		if _, err := conn.ExecContext(ctx, s.d.d.apply, at+1); err != nil {
			return fmt.Errorf("step %d: %w", at+1, err)
		}
	}
	return nil
}

// schemaAt returns the number of the newest migration, -1 before the first.
func (s *Store) schemaAt(ctx context.Context, conn *sql.Conn, known int) (int, error) {
	var n int
	if err := conn.QueryRowContext(ctx, s.d.d.table, "totpflow_schema").Scan(&n); err != nil {
		return 0, err
	}
	if n == 0 {
		return -1, nil
	}
	if err := conn.QueryRowContext(ctx, s.d.d.applied).Scan(&n); err != nil {
		return 0, err
	}
	if n > known {
		return 0, fmt.Errorf("%w: it is at %d, this program knows %d", ErrSchemaNewer, n, known)
	}
	return n, nil
}

// locked runs f in a transaction of the dialect's own kind, which sql.Tx cannot
// begin. A connection that may still be inside it is thrown away: back in the
// pool, it would take in the host's writes and never commit them.
func (s *Store) locked(ctx context.Context, conn *sql.Conn, f func() error) error {
	_, err := conn.ExecContext(ctx, s.d.d.begin)
	if err == nil {
		err = f()
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err == nil {
		return nil
	}
	if _, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); rollback != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return err
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
