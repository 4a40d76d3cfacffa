package sqlite_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/paging"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A page is read from its place in an index on and is not sorted, as SQLite's own plans
// for the store's statements show.
func TestListUsesTheIndex(t *testing.T) {
	path := file(t)
	_, db := modernc.open(t, path, wal)
	s, spy := spied(t, modernc, db, path)
	for _, c := range []struct {
		query store.Query
		want  string
	}{
		{store.Query{Tenant: "acme"}, "sqlite_autoindex_totpflow_accounts_1 (tenant=? AND user_id>?)"},
		{store.Query{AllTenants: true}, "sqlite_autoindex_totpflow_accounts_1 ((tenant,user_id)>(?,?))"},
		{store.Query{Tenant: "acme", State: "reset"}, "totpflow_accounts_state (state=? AND tenant=? AND user_id>?)"},
		{store.Query{AllTenants: true, State: "reset"}, "totpflow_accounts_state (state=? AND (tenant,user_id)>(?,?))"},
		{store.Query{AllTenants: true, DueBefore: time.UnixMilli(9)}, "totpflow_accounts_due ((due,tenant,user_id)>(?,?,?) AND due<?)"},
	} {
		_, err := s.List(t.Context(), c.query)
		require.NoError(t, err)
		require.Equal(t, "SEARCH totpflow_accounts USING INDEX "+c.want, planOf(t, db, spy.last()))
	}
}

// Counts equal the number of records, for one tenant and for all.
func TestCount(t *testing.T) {
	path := file(t)
	_, db := mattn.open(t, path, wal)
	_, err := db.Exec(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
INSERT INTO totpflow_accounts SELECT iif(n % 10 = 0, 'beta', 'acme'), printf('user-%07d', n), randomblob(16), iif(n % 47 = 0, 'reset', 'active'), randomblob(320), n, NULL FROM numbers`)
	require.NoError(t, err)
	each(t, func(t *testing.T, d driver) {
		s, _ := d.open(t, path, wal)
		engine.Engine{Name: "SQLite by " + d.name}.Counts(t, s)
	})
}

// Every record of a list comes once and in order, in memory that does not grow, for one
// tenant and for all.
func TestListToTheEnd(t *testing.T) {
	n := race.Rounds(20_000, 1_000_000)
	path := file(t)
	_, db := mattn.open(t, path, wal) // this driver is quick even under the race detector
	_, err := db.Exec(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO totpflow_accounts SELECT iif(n % 10 = 0, 'beta', 'acme'), printf('user-%07d', n), randomblob(16), 'active', randomblob(320), n, iif(n % 100 = 0, n, NULL) FROM numbers`, n)
	require.NoError(t, err)
	each(t, func(t *testing.T, d driver) {
		s, _ := d.open(t, path, wal)
		queries := []store.Query{{AllTenants: true}, {Tenant: "acme"}}
		if d.name == modernc.name {
			queries = queries[:1] // SQLite's C translated to Go, with a race detector in it
		}
		for _, q := range queries {
			seen, err := paging.Through(t.Context(), s, q, n)
			require.NoError(t, err)
			t.Logf("SQLite (%s): %v", d.name, seen)
		}
	})
}

// planOf returns the steps of a query's plan.
func planOf(t *testing.T, db *sql.DB, q query) string {
	rows, err := db.Query("EXPLAIN QUERY PLAN "+q.statement, q.args...)
	require.NoError(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		plan = append(plan, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(plan, "; ")
}

// A spy opens connections that remember the queries.
type spy struct {
	driver sqldriver.Driver
	dsn    string

	mu  sync.Mutex
	all []query
}

// A query is a statement as it was sent.
type query struct {
	statement string
	args      []any
}

// spied returns a store on the file, and the spy that sees what it sends.
func spied(t *testing.T, d driver, db *sql.DB, path string) (*sqlstore.Store, *spy) {
	spy := &spy{driver: db.Driver(), dsn: d.dsn(path, patient(wal))}
	spied := sql.OpenDB(spy)
	t.Cleanup(func() { require.NoError(t, spied.Close()) })
	return sqlstore.New(spied, sqlstore.SQLite), spy
}

func (s *spy) note(statement string, args []sqldriver.NamedValue) {
	q := query{statement: statement}
	for _, arg := range args {
		q.args = append(q.args, arg.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, q)
}

func (s *spy) queries() []query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

func (s *spy) last() query { return s.all[len(s.all)-1] }

func (s *spy) Driver() sqldriver.Driver { return s.driver }

func (s *spy) Connect(context.Context) (sqldriver.Conn, error) {
	conn, err := s.driver.Open(s.dsn)
	return spiedConn{conn, s}, err
}

type spiedConn struct {
	sqldriver.Conn
	spy *spy
}

func (c spiedConn) Prepare(statement string) (sqldriver.Stmt, error) {
	stmt, err := c.Conn.Prepare(statement)
	return spiedStmt{stmt, c.spy, statement}, err
}

// A spiedStmt is a prepared statement.
type spiedStmt struct {
	sqldriver.Stmt
	spy       *spy
	statement string
}

func (s spiedStmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	s.spy.note(s.statement, args)
	q, ok := s.Stmt.(sqldriver.StmtQueryContext)
	if !ok {
		return nil, errors.New("the driver has no queries with a context")
	}
	return q.QueryContext(ctx, args)
}

func (c spiedConn) QueryContext(ctx context.Context, statement string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	c.spy.note(statement, args)
	q, ok := c.Conn.(sqldriver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver has no queries with a context")
	}
	return q.QueryContext(ctx, statement, args)
}
