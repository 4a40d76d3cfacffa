package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// pgError reports what the server says as pgx and lib/pq do.
type pgError string

func (e pgError) Error() string    { return "ERROR: something (SQLSTATE " + string(e) + ")" }
func (e pgError) SQLState() string { return string(e) }

// calls returns the operations, each one statement.
func calls(s *sqlstore.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, alice); return err },
		"create": func(ctx context.Context) error { return s.Put(ctx, record(), store.Version{}) },
		"change": func(ctx context.Context) error { return s.Put(ctx, record(), before) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, alice, before) },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, store.Query{}); return err },
		"Count":  func(ctx context.Context) error { _, err := s.Count(ctx, store.Query{}); return err },
	}
}

// failing answers every statement with what next returns; nil is one row.
func failing(next func() error) *fake {
	return &fake{
		exec: map[string]func() (driver.Result, error){"": func() (driver.Result, error) { return driver.RowsAffected(1), next() }},
		query: map[string]func() (driver.Rows, error){"": func() (driver.Rows, error) {
			if err := next(); err != nil {
				return nil, err
			}
			return &fakeRows{columns: 7, rows: [][]driver.Value{{"acme", "alice", after[:], "active", int64(0), nil, []byte("x")}}}, nil
		}, "WITH RECURSIVE": counted(next), "SELECT state, count(*)": counted(next)},
	}
}

// counted answers a count with what next returns; nil is one state.
func counted(next func() error) func() (driver.Rows, error) {
	return func() (driver.Rows, error) {
		if err := next(); err != nil {
			return nil, err
		}
		return &fakeRows{columns: 2, rows: [][]driver.Value{{"active", int64(1)}}}, nil
	}
}

// A statement is repeated only after an error that says that it was rolled back. After
// any other error it may have been done, and the caller has to find out; but a read
// changes nothing, and is repeated if its connection has died.
func TestRepeatsOnlyWhatWasRolledBack(t *testing.T) {
	cases := []struct {
		name    string
		dialect sqlstore.Dialect
		err     error
		again   bool
		gone    bool
	}{
		{"serialization_failure", sqlstore.PostgreSQL, pgError("40001"), true, false},
		{"deadlock_detected", sqlstore.PostgreSQL, pgError("40P01"), true, false},
		{"wrapped", sqlstore.PostgreSQL, fmt.Errorf("pool: %w", pgError("40001")), true, false},
		{"statement_completion_unknown", sqlstore.PostgreSQL, pgError("40003"), false, false},
		{"admin_shutdown", sqlstore.PostgreSQL, pgError("57P01"), false, true},
		{"a connection reset", sqlstore.PostgreSQL, errWire, false, true},
		{"a connection reset", sqlstore.MySQL, errWire, false, true},
		{"ER_CONNECTION_KILLED", sqlstore.MySQL, errors.New("Error 1927 (70100): Connection was killed"), false, true},
		{"a disk's error", sqlstore.SQLite, errWire, false, false},
		{"query_canceled", sqlstore.PostgreSQL, pgError("57014"), false, false},
		{"connection_failure", sqlstore.PostgreSQL, pgError("08006"), false, true},
		{"words of another database", sqlstore.PostgreSQL, errors.New("Error 1213 (40001): Deadlock found"), false, true},
		{"ER_LOCK_DEADLOCK", sqlstore.MySQL, errors.New("Error 1213 (40001): Deadlock found when trying to get lock"), true, false},
		{"ER_LOCK_DEADLOCK of an old driver", sqlstore.MySQL, errors.New("Error 1213: Deadlock found"), true, false},
		{"ER_LOCK_WAIT_TIMEOUT", sqlstore.MySQL, fmt.Errorf("pool: %w", errors.New("Error 1205 (HY000): Lock wait timeout exceeded")), true, false},
		{"ER_CHECKREAD", sqlstore.MySQL, errors.New("Error 1020 (HY000): Record has changed since last read"), true, false},
		{"an id that says deadlock", sqlstore.MySQL, errors.New("Error 1264 (22003): 'Error 1213 (40001): Deadlock found'"), false, false},
		{"a longer number", sqlstore.MySQL, errors.New("Error 12130 (HY000): something"), false, false},
		{"a server gone", sqlstore.MySQL, errors.New("Error 2013 (HY000): Lost connection"), false, false},
		{"no number", sqlstore.MySQL, errors.New("Error "), false, true},
		{"invalid connection", sqlstore.MySQL, errors.New("invalid connection"), false, true},
		{"SQLITE_BUSY", sqlstore.SQLite, errors.New("database is locked (5) (SQLITE_BUSY)"), false, false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for name, call := range callsOf(c.dialect, func() func() error {
				left := 3
				return func() error {
					if left--; left >= 0 {
						return c.err
					}
					return nil
				}
			}) {
				synctest.Test(t, func(t *testing.T) {
					tries, err := call(t)
					reads := name == "Get" || name == "List" || name == "Count"
					if c.again || reads && c.gone {
						require.NoError(t, err, name)
						require.Equal(t, 4, tries, name)
						return
					}
					require.ErrorIs(t, err, c.err, name)
					require.NotErrorIs(t, err, store.ErrConflict, name)
					require.Equal(t, 1, tries, name)
				})
			}
		})
	}
}

// A row that cannot be read is the same on every connection: its error is returned at once,
// and not taken for one of the connection, although the server has not named it.
func TestARowThatCannotBeReadIsReadOnce(t *testing.T) {
	whole := []driver.Value{"acme", "alice", after[:], "active", int64(0), nil, []byte("x")}
	for _, d := range dialects() {
		for column, bad := range map[int]driver.Value{2: []byte("short"), 4: "yesterday", 5: "soon"} {
			broken := slices.Clone(whole)
			broken[column] = bad
			f := &fake{query: map[string]func() (driver.Rows, error){
				"SELECT tenant": func() (driver.Rows, error) {
					return &fakeRows{columns: 7, rows: [][]driver.Value{broken}}, nil
				},
				"SELECT state": row("active", "many"), "WITH RECURSIVE": row("active", "many"),
			}}
			s := sqlstore.New(f.open(t), d)
			for _, name := range []string{"Get", "List", "Count"} {
				f.asked = nil
				err := calls(s)[name](t.Context())
				require.Equal(t, column == 2 && name == "List", err == nil, "%v %s, column %d: only a damaged record is in a list", d, name, column)
				require.Len(t, f.asked, 1, "%v %s, column %d", d, name, column)
			}
		}
	}
}

// A connection that dies between two rows is different: the list is read again.
func TestRowsThatBreakOffAreReadAgain(t *testing.T) {
	whole := []driver.Value{"acme", "alice", after[:], "active", int64(0), nil, []byte("x")}
	for _, d := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL} {
		end := errWire
		f := &fake{query: map[string]func() (driver.Rows, error){"SELECT tenant": func() (driver.Rows, error) {
			rows := &fakeRows{columns: 7, rows: [][]driver.Value{whole}, end: end}
			end = nil
			return rows, nil
		}}}
		page, err := sqlstore.New(f.open(t), d).List(t.Context(), store.Query{Tenant: "acme"})
		require.NoError(t, err)
		require.Len(t, page.Records, 1)
		require.Len(t, f.asked, 2)
	}
}

// Reads on connections that all die end with the context, or after a few tries.
func TestDeadConnectionsNotForEver(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL} {
		synctest.Test(t, func(t *testing.T) {
			f := failing(func() error { time.Sleep(time.Second); return errWire })
			db := sql.OpenDB(f)
			defer db.Close()
			for _, name := range []string{"Get", "List", "Count"} {
				f.asked = nil
				require.ErrorIs(t, calls(sqlstore.New(db, d))[name](t.Context()), errWire, name)
				require.Len(t, f.asked, 13, name)

				ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
				f.asked = nil
				began := time.Now()
				require.ErrorIs(t, calls(sqlstore.New(db, d))[name](ctx), context.DeadlineExceeded, name)
				require.Equal(t, 2500*time.Millisecond, time.Since(began), name)
				cancel()
				synctest.Wait()
				time.Sleep(time.Minute)
				require.Len(t, f.asked, 3, "%s: nobody asks for a caller who has left", name)
			}
		})
	}
}

// callsOf makes a store of its own for each operation, whose statements fail as fail
// says, and returns the operations, which return the number of tries.
func callsOf(d sqlstore.Dialect, fail func() func() error) map[string]func(t *testing.T) (int, error) {
	all := make(map[string]func(t *testing.T) (int, error))
	for name := range calls(nil) {
		all[name] = func(t *testing.T) (int, error) {
			f := failing(fail())
			db := sql.OpenDB(f)
			defer db.Close()
			err := calls(sqlstore.New(db, d))[name](t.Context())
			return len(f.asked), err
		}
	}
	return all
}

// Patience has an end: that of the context, or a few seconds.
func TestRepeatsNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := failing(func() error { return pgError("40001") })
		db := sql.OpenDB(f)
		defer db.Close()
		for name, call := range calls(sqlstore.New(db, sqlstore.PostgreSQL)) {
			began := time.Now()
			require.ErrorIs(t, call(t.Context()), pgError("40001"), name)
			require.Less(t, time.Since(began), 5*time.Second, name)

			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Millisecond)
			began = time.Now()
			err := call(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			require.Equal(t, 3*time.Millisecond, time.Since(began), name)
			cancel()
		}
	})
}

// MySQL has no statement that creates a row and reports that one exists: its error about
// the key is the lost race.
func TestDuplicateKeyIsConflict(t *testing.T) {
	s := sqlstore.New(failing(func() error {
		return errors.New("Error 1062 (23000): Duplicate entry 'acme-Error 1213 (40001): ' for key 'PRIMARY'")
	}).open(t), sqlstore.MySQL)
	require.Equal(t, store.ErrConflict, s.Put(t.Context(), record(), store.Version{}))
}
