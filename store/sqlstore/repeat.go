package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"
)

// How often a statement is tried that the database has rolled back, and the
// longest pause before the last try; together some seconds at most. Who loses to
// a write at REPEATABLE READ knows after the second try.
const (
	tries = 12
	pause = 500 * time.Millisecond
)

// repeat runs a statement until the database does not roll it back in favour of
// another one, within the context's end and a number of tries. Only what is
// certain not to have taken place is asked again.
func repeat[T any](ctx context.Context, s *Store, statement func() (T, error)) (T, error) {
	d := s.d.d
	for try := 1; ; try++ {
		value, err := prompt(ctx, &s.fuse, statement)
		if err == nil || try == tries || !d.undone(err) {
			return value, d.unmigrated(err)
		}
		select {
		case <-ctx.Done():
			return value, fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(rand.N(min(pause, time.Millisecond<<try))): // apart, so that the same do not meet again
		}
	}
}

// discard closes a connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
