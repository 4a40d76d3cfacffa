package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// recovered runs f as net/http runs a handler, and returns what it panicked with.
func recovered(t *testing.T, f func() error) (p error) {
	t.Helper()
	defer func() {
		t.Helper()
		value := recover()
		require.NotNil(t, value, "no panic in the goroutine that called")
		var is bool
		p, is = value.(error)
		require.True(t, is, "%T", value)
	}()
	t.Logf("no panic, but the error %v", f())
	return nil
}

// A panic of a driver is a panic in the caller's goroutine, where net/http recovers: one
// request ends, and not the process that serves everybody. The value of the panic and its
// place are kept.
func TestPanicOfADriverIsTheCallers(t *testing.T) {
	oops := func() error { panic(errWire) }
	var nothing runtime.Error
	for name := range calls(nil) {
		for _, d := range dialects() {
			call := calls(sqlstore.New(failing(oops).open(t), d))[name]
			p := recovered(t, func() error { return call(t.Context()) })
			require.ErrorIs(t, p, errWire, name)
			require.ErrorContains(t, p, "sqlstore: the driver panicked: connection reset", name)
			require.ErrorContains(t, p, "panic_test.go:", "%s: the stack says where", name)
		}

		call := calls(sqlstore.New(nil, sqlstore.SQLite))[name]
		require.ErrorAs(t, recovered(t, func() error { return call(t.Context()) }), &nothing, "%s without a database", name)
	}
	words := sqlstore.New(failing(func() error { panic("words") }).open(t), sqlstore.SQLite)
	p := recovered(t, func() error { return words.Delete(t.Context(), alice, before) })
	require.ErrorContains(t, p, "panicked: words")
	require.NoError(t, errors.Unwrap(p))
}

// The connection of a call that panicked goes back to the pool with an answer that nobody
// has read: it would tell the loser of the next race that it had won. So the connection
// is used for nothing more.
func TestNothingIsAskedAfterAPanic(t *testing.T) {
	for name := range calls(nil) {
		broken := true
		f := failing(func() error {
			if broken {
				panic(errWire)
			}
			return nil
		})
		s := sqlstore.New(f.open(t), sqlstore.SQLite)
		require.ErrorIs(t, recovered(t, func() error { return calls(s)[name](t.Context()) }), errWire, name)
		broken = false
		asked := len(f.asked)
		for next, call := range calls(s) {
			err := call(t.Context())
			require.ErrorContains(t, err, "restart the process", next)
			require.NotErrorIs(t, err, store.ErrNotFound, next)
			require.NotErrorIs(t, err, store.ErrConflict, next)
		}
		require.ErrorIs(t, s.Migrate(t.Context()), store.ErrUnavailable)
		require.Len(t, f.asked, asked, name)
	}
}

// Migrate does not hold up the caller either: database/sql waits for ever to close the
// connection of a query that panicked. A connection that may still be inside the
// transaction does not return to the pool.
func TestPanicInMigrate(t *testing.T) {
	points := map[string]func(*fake){}
	for question := range healthy().query {
		points[question] = func(f *fake) { f.query[question] = func() (driver.Rows, error) { panic(errWire) } }
	}
	for _, at := range []string{"BEGIN", "-- The numbers of", "INSERT INTO totpflow_schema", "COMMIT"} {
		points[at] = func(f *fake) {
			f.exec = map[string]func() (driver.Result, error){at: func() (driver.Result, error) { panic(errWire) }}
		}
	}
	require.Greater(t, len(points), 6)
	for at, breaks := range points {
		f := healthy()
		breaks(f)
		db := f.open(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // only a broken Migrate takes so long
		require.ErrorIs(t, recovered(t, func() error { return sqlstore.New(db, sqlstore.SQLite).Migrate(ctx) }), errWire, at)
		cancel()
		require.Zero(t, db.Stats().Idle, at)
	}
}

// A driver that ends its goroutine has not answered: that means neither "no record",
// which lets people without a factor go on, nor "written", nor "somebody else was
// faster".
func TestEndedGoroutineIsAnError(t *testing.T) {
	f := failing(func() error { runtime.Goexit(); return nil })
	s := sqlstore.New(f.open(t), sqlstore.SQLite)
	for name, call := range calls(s) {
		err := call(t.Context())
		require.ErrorContains(t, err, "ended its goroutine", name)
		require.NotErrorIs(t, err, store.ErrNotFound, name)
		require.NotErrorIs(t, err, store.ErrConflict, name)
	}
	require.ErrorContains(t, s.Migrate(t.Context()), "ended its goroutine")
}

// A caller who has waited long enough is gone when the driver panics. There is no request
// left to end, and the process serves everybody else: the panic is logged.
func TestPanicAfterTheCallerHasGone(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	for name := range maps.Keys(calls(nil)) {
		log.Reset()
		synctest.Test(t, func(t *testing.T) {
			deaf := make(chan struct{})
			db := sql.OpenDB(failing(func() error { <-deaf; panic(errWire) }))
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, calls(sqlstore.New(db, sqlstore.SQLite))[name](ctx), context.DeadlineExceeded, name)
			close(deaf)
			synctest.Wait()
		})
		require.Contains(t, log.String(), "level=ERROR", name)
		require.Contains(t, log.String(), errWire.Error(), name)
		require.Contains(t, log.String(), "panic_test.go:", "%s: the stack says where", name)
	}
}
