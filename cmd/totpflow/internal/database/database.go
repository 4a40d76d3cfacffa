package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store/sqlstore"
)

// ErrSchema means that the database does not have the tables of this release.
var ErrSchema = errors.New("its tables do not belong to this release: start the product once, which makes them, or use the command of the product's release; the command does not find tables under other names (Dialect.Named): write a program that calls package admin")

// A DB is an open database.
type DB struct {
	*sqlstore.Store
	url URL
	sql *sql.DB
}

// Open opens the database at u. It changes nothing: it does not make a missing database,
// and refuses one whose tables are not those of this release with [ErrSchema] or
// [sqlstore.ErrSchemaNewer], since the product may use another release. It also refuses
// settings with which an acknowledged change can be lost; see [sqlstore.Store.Migrate].
// A missing index is logged to slog.Default, and not made.
func Open(ctx context.Context, u URL) (*DB, error) {
	db, err := u.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("database %v: %w", u, err)
	}
	return &DB{Store: sqlstore.New(db, u.row.dialect), url: u, sql: db}, nil
}

func (u URL) open(ctx context.Context) (*sql.DB, error) {
	source, err := u.row.source(u.reveal())
	if err != nil {
		return nil, err
	}
	if err := u.look(ctx, source); err != nil {
		return nil, err
	}
	return sql.Open(u.row.driver, source)
}

// look asks Migrate through a connection that changes nothing: where there is
// nothing to migrate it only reads.
func (u URL) look(ctx context.Context, source string) error {
	db, err := openToLook(u.row.driver, source)
	if err != nil {
		// The words of drivers for a data source name that they do not
		// understand may repeat it.
		return errors.New("the driver does not understand the URL")
	}
	defer db.Close()
	err = sqlstore.New(db, u.row.dialect).Migrate(ctx)
	if errors.Is(err, errLook) {
		return ErrSchema
	}
	return err
}

// URL returns the address of the database.
func (d *DB) URL() URL { return d.url }

// Close closes the database.
func (d *DB) Close() error { return d.sql.Close() }
