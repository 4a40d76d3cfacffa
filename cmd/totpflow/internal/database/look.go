package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// errLook means that a statement was to change something.
var errLook = errors.New("this connection is read-only")

// openToLook opens the database through a driver that runs queries and refuses every
// other statement. With it Migrate of sqlstore reports whether there is something to
// migrate.
func openToLook(name, source string) (*sql.DB, error) {
	db, err := sql.Open(name, source)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var c driver.Connector = plainConnector{db.Driver(), source}
	if d, ok := db.Driver().(driver.DriverContext); ok {
		if c, err = d.OpenConnector(source); err != nil {
			return nil, err
		}
	}
	return sql.OpenDB(lookConnector{c}), nil
}

// plainConnector is for drivers that have none.
type plainConnector struct {
	driver driver.Driver
	source string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.source) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }

type lookConnector struct{ driver.Connector }

func (c lookConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return lookConn{conn}, nil
}

// lookConn passes queries on. It replaces Begin and ExecContext, which could change
// something.
type lookConn struct{ driver.Conn }

func (c lookConn) Begin() (driver.Tx, error) { return nil, errLook }

func (c lookConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return nil, errLook }

func (c lookConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, errLook
}

func (c lookConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := c.Conn.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, query, args)
	}
	return nil, driver.ErrSkip
}

func (c lookConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext is used by drivers that run a query in two steps; a statement that
// changes something arrives at ExecContext instead.
func (c lookConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	return c.Conn.Prepare(query)
}

func (c lookConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c lookConn) Ping(ctx context.Context) error {
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}
