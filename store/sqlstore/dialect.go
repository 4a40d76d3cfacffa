package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
)

// A Dialect names the SQL dialect of a database. With the zero Dialect every call returns
// [ErrDialect].
type Dialect struct {
	d              *dialect
	schema, prefix string // see Named
}

// The dialects. Their requirements for the data source name and the server are in the
// package documentation.
var (
	SQLite     = Dialect{d: &sqlite}   // SQLite 3.37 (2021) or newer, for STRICT tables
	PostgreSQL = Dialect{d: &postgres} // PostgreSQL 12 or newer; the tests use 15
	MySQL      = Dialect{d: &mysql}    // MariaDB 10.5 or newer, MySQL 8.0.16 or newer; the tests use MariaDB 10.11
)

// ErrDialect means that New was called without a dialect.
var ErrDialect = errors.New("sqlstore: no dialect")

// String returns the dialect's name.
func (d Dialect) String() string {
	if d.d == nil {
		return "none"
	}
	return d.d.name
}

// dialect is all that differs between databases. Another one is another value
// of this type and a directory of migrations; the Go code is the same. What the
// statements must do:
//
//   - create inserts a row; where one is, it changes nothing, and reports no row
//     or an error that exists recognises.
//   - change and remove compare the version in the same statement, and report
//     the rows that *matched*. A new version is never the old one, so a
//     database that counts only rows with changed content (MySQL without
//     clientFoundRows) reports the same.
//   - a row is read from the primary, and compared byte by byte.
//   - a list begins at its place in an index, however far that is.
type dialect struct {
	name       string
	schema     fs.FS // migrations, NNNN_name.sql, numbered from 0001 without gaps
	schemaless bool  // it has no schemas to put a table into

	unlessThere string // ends an INSERT that does nothing where the row is
	numbers     bool   // parameters are $1, $2, …
	spelledOut  bool   // no index is used for (a, b) > (?, ?)
	groups      bool   // a count is quicker by GROUP BY
	partial     bool   // supports partial indexes
	repeatable  bool   // a migration is committed statement by statement, and continues where one stopped

	// table returns a statement → 1 if there is such a table.
	table func(n names, table string) (statement string, args []any)

	// index returns a statement → how many indexes of the table of accounts begin with a
	// column and the id, and can serve its lists. SQLite does not show which rows an
	// index has, other than in its definition, so there any of them count.
	index func(n names, column string) (statement string, args []any)

	damage    string // → "ok", or what is wrong with the file; empty where the server looks after that
	oneWriter bool   // writers of one store wait in line
	prepares  bool   // a statement is prepared once

	// settings refuses a database that does not keep the contract as it is
	// configured, and kept a table that does not.
	settings func(ctx context.Context, conn *sql.Conn) (traits, error)
	kept     func(ctx context.Context, conn *sql.Conn, n names) error

	// alone runs f so that only one caller at a time migrates.
	alone func(ctx context.Context, conn *sql.Conn, f func() error) error

	exists func(err error) bool // create met a row
	undone func(err error) bool // rolled back for the sake of another statement: nothing was written, and it may be tried again
	busy   func(err error) bool // nothing took place; only Migrate asks again

	// unwritten: a statement that writes has done nothing, beyond doubt. Every error
	// that is not known to say so leaves the outcome open.
	unwritten func(err error) bool

	absent func(err error) bool // there is no such table

	corrupt func(err error) bool // the file is damaged, or is not a database
	denied  func(err error) bool // the user lacks the right to
	strange func(err error) bool // there is no such column
	gone    func(err error) bool // the connection has died, or may have: nobody has answered
}

//go:embed schema
var schemas embed.FS

// schemaOf returns one dialect's directory. It exists: it is embedded.
func schemaOf(name string) fs.FS {
	sub, err := fs.Sub(schemas, "schema/"+name)
	if err != nil {
		panic(err) // a wrong constant in this package
	}
	return sub
}

// untold is the settings function of a dialect about which nothing more needs to be
// known.
func untold(check func(context.Context, *sql.Conn) error) func(context.Context, *sql.Conn) (traits, error) {
	return func(ctx context.Context, conn *sql.Conn) (traits, error) { return traits{}, check(ctx, conn) }
}

// not is the answer of a dialect to an error that its statements do not cause.
func not(error) bool { return false }

// transaction returns a function for the field alone of a dialect. It uses a kind of
// transaction that sql.Tx cannot begin. A connection that may still be inside the
// transaction is thrown away: back in the pool, it would accept the host's writes and
// never commit them.
func transaction(begin string) func(context.Context, *sql.Conn, func() error) error {
	return func(ctx context.Context, conn *sql.Conn, f func() error) error {
		_, err := conn.ExecContext(ctx, begin)
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
			discard(conn)
		}
		return err
	}
}
