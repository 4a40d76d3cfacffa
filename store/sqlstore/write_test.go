package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// writes returns the operations that change something.
func writes(s *sqlstore.Store) map[string]func(context.Context) error {
	all := calls(s)
	return map[string]func(context.Context) error{"create": all["create"], "change": all["change"], "Delete": all["Delete"]}
}

// dialects returns all of them.
func dialects() []sqlstore.Dialect {
	return []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL, sqlstore.MySQL}
}

// An error is called certain only if the database says that it has done nothing: a caller
// that takes an open outcome for "not written" would do the same thing twice.
func TestErrorsThatSayNothingWasWritten(t *testing.T) {
	cases := []struct {
		dialect sqlstore.Dialect
		words   string // a SQLSTATE of PostgreSQL
		sure    bool
	}{
		{sqlstore.SQLite, "database is locked (5) (SQLITE_BUSY)", true},
		{sqlstore.SQLite, "database table is locked (6)", true},
		{sqlstore.SQLite, "attempt to write a readonly database (8)", true},
		{sqlstore.SQLite, "SQL logic error: no such table: totpflow_accounts (1)", true},
		{sqlstore.SQLite, "SQL logic error: no such column: due (1)", true},
		{sqlstore.SQLite, "SQL logic error: table totpflow_accounts has no column named due (1)", true},
		{sqlstore.SQLite, "constraint failed: CHECK constraint failed: length(sealed) <= 65536 (275)", true},
		{sqlstore.SQLite, "disk I/O error (10)", false},
		{sqlstore.SQLite, "database or disk is full (13)", false},
		{sqlstore.SQLite, "interrupted (9)", false},

		{sqlstore.PostgreSQL, "40001", true},
		{sqlstore.PostgreSQL, "40P01", true},
		{sqlstore.PostgreSQL, "25006", true},  // read_only_sql_transaction
		{sqlstore.PostgreSQL, "42501", true},  // insufficient_privilege
		{sqlstore.PostgreSQL, "42P01", true},  // undefined_table
		{sqlstore.PostgreSQL, "53300", true},  // too_many_connections
		{sqlstore.PostgreSQL, "55P03", true},  // lock_not_available
		{sqlstore.PostgreSQL, "57014", true},  // query_canceled
		{sqlstore.PostgreSQL, "40003", false}, // statement_completion_unknown
		{sqlstore.PostgreSQL, "57P01", false}, // admin_shutdown
		{sqlstore.PostgreSQL, "08006", false}, // connection_failure
		{sqlstore.PostgreSQL, "58030", false}, // io_error
		{sqlstore.PostgreSQL, "XX000", false}, // internal_error
		{sqlstore.PostgreSQL, "", false},

		{sqlstore.MySQL, "Error 1213 (40001): Deadlock found when trying to get lock", true},
		{sqlstore.MySQL, "Error 1205 (HY000): Lock wait timeout exceeded", true},
		{sqlstore.MySQL, "Error 1040 (08004): Too many connections", true},
		{sqlstore.MySQL, "Error 1142 (42000): UPDATE command denied to user", true},
		{sqlstore.MySQL, "Error 1146 (42S02): Table 'app.totpflow_accounts' doesn't exist", true},
		{sqlstore.MySQL, "Error 1290 (HY000): The MariaDB server is running with the --read-only option", true},
		{sqlstore.MySQL, "Error 1047 (08S01): WSREP has not yet prepared node for application use", true},
		{sqlstore.MySQL, "Error 1053 (08S01): Server shutdown in progress", false},
		{sqlstore.MySQL, "Error 1317 (70100): Query execution was interrupted", false},
		{sqlstore.MySQL, "Error 1026 (HY000): Error writing file './binlog'", false},
		{sqlstore.MySQL, "invalid connection", false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.dialect.String()+" "+c.words, func(t *testing.T) {
			fault := errors.New(c.words)
			if c.dialect == sqlstore.PostgreSQL {
				fault = pgError(c.words)
			}
			for name := range writes(nil) {
				synctest.Test(t, func(t *testing.T) {
					db := sql.OpenDB(failing(func() error { return fault }))
					defer db.Close()
					err := writes(sqlstore.New(db, c.dialect))[name](t.Context())
					require.ErrorIs(t, err, fault, name)
					require.NotErrorIs(t, err, store.ErrConflict, name)
					require.Equal(t, c.sure, errors.Is(err, store.ErrNotWritten), "%s: %v", name, err)
				})
			}
		})
	}
}

// A caller whose context ends while the statement waits for a connection or a turn knows
// that nothing was written: the statement is never sent, even when the way becomes free.
func TestWaitingIsNotWriting(t *testing.T) {
	for _, d := range dialects() {
		for name := range writes(nil) {
			synctest.Test(t, func(t *testing.T) {
				busy := make(chan struct{})
				f := failing(func() error { <-busy; return nil })
				db := sql.OpenDB(f)
				defer db.Close()
				db.SetMaxOpenConns(1)
				s := sqlstore.New(db, d)
				go func() { require.NoError(t, writes(s)["change"](t.Context())) }()
				synctest.Wait()
				require.Len(t, f.asked, 1)

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := writes(s)[name](ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded, "%v %s", d, name)
				require.ErrorIs(t, err, store.ErrNotWritten, "%v %s", d, name)
				close(busy)
				synctest.Wait()
				require.Len(t, f.asked, 1, "%v %s", d, name)
			})
		}
	}
}

// dialing is a database that takes its time to connect, whatever the context says.
type dialing struct {
	*fake
	may chan struct{}
}

func (d dialing) Connect(ctx context.Context) (driver.Conn, error) {
	<-d.may
	return d.fake.Connect(ctx)
}

// A connection that comes when the caller has gone sends nothing either.
func TestNothingIsSentOnceTheCallerHasGone(t *testing.T) {
	for _, dialect := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL} {
		synctest.Test(t, func(t *testing.T) {
			d := dialing{failing(func() error { return nil }), make(chan struct{})}
			db := sql.OpenDB(d)
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := writes(sqlstore.New(db, dialect))["change"](ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, store.ErrNotWritten)
			close(d.may)
			synctest.Wait()
			require.Empty(t, d.asked)
		})
	}
}

// A statement that was sent may be done, whatever the caller is told.
func TestSentIsOpen(t *testing.T) {
	for _, d := range dialects() {
		synctest.Test(t, func(t *testing.T) {
			deaf := make(chan struct{})
			f := failing(func() error { <-deaf; return nil })
			db := sql.OpenDB(f)
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := writes(sqlstore.New(db, d))["change"](ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded, d)
			require.NotErrorIs(t, err, store.ErrNotWritten, d)
			close(deaf)
			synctest.Wait()
			require.Zero(t, db.Stats().InUse, "every connection has come back")
		})
	}
}

// refusing is a database that refuses every connection.
type refusing struct{ *fake }

func (refusing) Connect(context.Context) (driver.Conn, error) { return nil, errWire }

// Without a connection nothing was written.
func TestNoConnection(t *testing.T) {
	for _, d := range dialects() {
		db := sql.OpenDB(refusing{new(fake)})
		for name, call := range writes(sqlstore.New(db, d)) {
			err := call(t.Context())
			require.ErrorIs(t, err, errWire, "%v %s", d, name)
			require.ErrorIs(t, err, store.ErrNotWritten, "%v %s", d, name)
		}
		require.NoError(t, db.Close())
	}
}

// According to the driver, a connection that died in the pool was not used: the write
// goes over another one, once.
func TestConnectionThatDiedInThePool(t *testing.T) {
	for _, d := range dialects() {
		for name := range writes(nil) {
			dead := 2
			f := failing(func() error {
				if dead--; dead >= 0 {
					return driver.ErrBadConn
				}
				return nil
			})
			require.NoError(t, writes(sqlstore.New(f.open(t), d))[name](t.Context()), "%v %s", d, name)
			require.Len(t, f.asked, 3, "%v %s", d, name)
		}
	}
}
