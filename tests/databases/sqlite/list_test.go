package sqlite_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"
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
	spy := &spy{driver: db.Driver(), dsn: modernc.dsn(path, wal)}
	spied := sql.OpenDB(spy)
	defer spied.Close()
	s := sqlstore.New(spied, sqlstore.SQLite)
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
		require.Equal(t, "SEARCH totpflow_accounts USING INDEX "+c.want, planOf(t, db, spy))
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

// planOf returns the steps of the last query's plan.
func planOf(t *testing.T, db *sql.DB, spy *spy) string {
	rows, err := db.Query("EXPLAIN QUERY PLAN "+spy.statement, spy.args...)
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

// A spy opens connections that remember the last query.
type spy struct {
	driver    sqldriver.Driver
	dsn       string
	statement string
	args      []any
}

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
	s.spy.statement, s.spy.args = s.statement, nil
	for _, arg := range args {
		s.spy.args = append(s.spy.args, arg.Value)
	}
	q, ok := s.Stmt.(sqldriver.StmtQueryContext)
	if !ok {
		return nil, errors.New("the driver has no queries with a context")
	}
	return q.QueryContext(ctx, args)
}

func (c spiedConn) QueryContext(ctx context.Context, statement string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	c.spy.statement, c.spy.args = statement, nil
	for _, arg := range args {
		c.spy.args = append(c.spy.args, arg.Value)
	}
	q, ok := c.Conn.(sqldriver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver has no queries with a context")
	}
	return q.QueryContext(ctx, statement, args)
}
