package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

var (
	// ErrSchema: the database does not have the tables of this release.
	ErrSchema = errors.New("its tables are not those of this release: start the product once, which makes them, or take the command of the product's release")
)

// A DB is an open database.
type DB struct {
	store.Store
	url URL
	sql *sql.DB
}

// Open opens the database at u. It changes nothing: a database that is not
// there is not made, and one whose tables are not those of this release is
// refused with [ErrSchema] or [sqlstore.ErrSchemaNewer], since the product that
// uses it may be of another.
func Open(ctx context.Context, u URL) (*DB, error) {
	if err := u.check(ctx); err != nil {
		return nil, fmt.Errorf("database %v: %w", u, err)
	}
	db, err := u.open(false)
	if err != nil {
		return nil, fmt.Errorf("database %v: %w", u, err)
	}
	return &DB{Store: sqlstore.New(db, u.row.dialect), url: u, sql: db}, nil
}

// check has Migrate look through a connection that refuses changes: where there
// is nothing to migrate it only reads, and where there is it fails.
func (u URL) check(ctx context.Context) error {
	db, err := u.open(true)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	err = sqlstore.New(db, u.row.dialect).Migrate(ctx)
	switch {
	case err == nil, errors.Is(err, sqlstore.ErrSchemaNewer), errors.Is(err, sqlstore.ErrNotDurable), ctx.Err() != nil:
		return err
	}
	return fmt.Errorf("%w (%w)", ErrSchema, err)
}

func (u URL) open(lookOnly bool) (*sql.DB, error) {
	source, err := u.row.source(u.reveal(), lookOnly)
	if err != nil {
		return nil, err
	}
	return sql.Open(u.row.driver, source)
}

// URL is where the database is.
func (d *DB) URL() URL { return d.url }

// Close closes the database.
func (d *DB) Close() error { return d.sql.Close() }
