package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// How often a statement that the database has rolled back is tried, and the longest pause
// before the last try; together some seconds at most. A caller who loses to a write at
// REPEATABLE READ knows after the second try.
const (
	tries = 12
	pause = 500 * time.Millisecond
)

// repeat runs a statement until the database does not roll it back in favour of another
// one, the context ends, or the tries are used up. It repeats only statements that
// certainly did not take effect.
func repeat[T any](ctx context.Context, s *Store, statement func() (T, error)) (T, error) {
	d := s.d.d
	for try := 1; ; try++ {
		value, err := statement()
		if err == nil || try == tries || !d.undone(err) {
			return value, s.explained(err)
		}
		select {
		case <-ctx.Done():
			return value, fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(rand.N(min(pause, time.Millisecond<<try))): // apart, so that the same do not meet again
		}
	}
}

// ask runs a statement that only reads. Where the connection has died, ask repeats the
// statement as long as the server answers, several times because other connections may
// have died too. This is harmless, and spares people an outage when a server was merely
// restarted.
func ask[T any](ctx context.Context, s *Store, read func() (T, error)) (T, error) {
	statement := func() (value T, err error) {
		if err = s.seen.Load().file.check(); err != nil {
			return value, err
		}
		value, err = read()
		for left := tries; left > 0; left-- {
			if err == nil || ctx.Err() != nil || errors.As(err, new(unread)) || !s.d.d.gone(err) {
				break
			}
			// A pool that is full answers with a connection that has died too.
			if down := s.db.PingContext(ctx); down != nil && !errors.Is(down, driver.ErrBadConn) {
				break
			}
			value, err = read()
		}
		return value, err
	}
	run := prompt[T]
	if s.seen.Load().quick {
		run = inline[T]
	}
	return repeat(ctx, s, func() (T, error) { return run(ctx, &s.fuse, statement) })
}

// discard closes a connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
