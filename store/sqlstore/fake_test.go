package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// fake is a database that answers each statement, recognised by its beginning, as it is
// told, to do what a healthy SQLite never does.
type fake struct {
	exec  map[string]func() (driver.Result, error)
	query map[string]func() (driver.Rows, error)

	mu       sync.Mutex
	asked    []string
	prepared []string
	args     []driver.NamedValue // of the last statement
	caller   string              // the goroutine that sent it
	closed   int
}

func (f *fake) open(t *testing.T) *sql.DB {
	db := sql.OpenDB(f)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (f *fake) Connect(context.Context) (driver.Conn, error) { return fakeConn{f}, nil }
func (f *fake) Driver() driver.Driver                        { return nil }

// last returns the arguments of the last statement.
func (f *fake) last() []driver.NamedValue {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.args
}

func (f *fake) note(statement string, args []driver.NamedValue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, statement)
	f.args, f.caller = args, goroutine()
}

// goroutine returns the number of the goroutine that calls it.
func goroutine() string {
	stack := make([]byte, 64)
	number, _, _ := strings.Cut(string(stack[:runtime.Stack(stack, false)]), " [")
	return number
}

type fakeConn struct{ f *fake }

func (c fakeConn) Prepare(statement string) (driver.Stmt, error) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.prepared = append(c.f.prepared, statement)
	return fakeStmt{c, statement}, nil
}
func (fakeConn) Begin() (driver.Tx, error) { return nil, errors.New("fake: no transactions") }
func (c fakeConn) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.closed++
	return nil
}

func (c fakeConn) ExecContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	c.f.note(statement, args)
	if answer := longest(c.f.exec, statement); answer != nil {
		return answer()
	}
	return driver.RowsAffected(1), nil
}

func (c fakeConn) QueryContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	c.f.note(statement, args)
	if strings.HasSuffix(statement, "WHERE 1 = 0") { // a question, and answered as one
		if answer := longest(c.f.exec, statement); answer != nil {
			if _, err := answer(); err != nil {
				return nil, err
			}
		}
		return &fakeRows{}, nil
	}
	if answer := longest(c.f.query, statement); answer != nil {
		return answer()
	}
	return nil, errors.New("fake: unexpected " + statement)
}

// fakeStmt is a prepared statement, which is noted when it is run.
type fakeStmt struct {
	c         fakeConn
	statement string
}

func (fakeStmt) Close() error  { return nil }
func (fakeStmt) NumInput() int { return -1 }

func (fakeStmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.New("fake: no context")
}
func (fakeStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.New("fake: no context")
}

func (s fakeStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.statement, args)
}

func (s fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.statement, args)
}

// longest returns the answer for the longest beginning that the statement has.
func longest[T any](answers map[string]T, statement string) (answer T) {
	best := -1
	for start, a := range answers {
		if strings.HasPrefix(statement, start) && len(start) > best {
			best, answer = len(start), a
		}
	}
	return answer
}

// fakeRows are rows that may break off with an error.
type fakeRows struct {
	columns int
	rows    [][]driver.Value
	end     error // nil: io.EOF
}

func (r *fakeRows) Columns() []string { return make([]string, r.columns) }
func (r *fakeRows) Close() error      { return nil }
func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		if r.end != nil {
			return r.end
		}
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// value answers a query with one value.
func value(v driver.Value) func() (driver.Rows, error) {
	return func() (driver.Rows, error) {
		return &fakeRows{columns: 1, rows: [][]driver.Value{{v}}}, nil
	}
}
