package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrFileLost means that the SQLite file was removed, or another one was put in its
// place, while it was open. SQLite does not notice: it continues in a file without a
// name, and everything that it acknowledges there is lost when the process ends, such as
// the fact that a code is used. Every call returns it until the file is back. End every
// program that has the file open, put the file back, and start them again.
var ErrFileLost = errors.New("sqlstore: the database file was removed or replaced while it was open; end the programs that use it, put it back and start them again")

// A file identifies the file that a SQLite database was in when Migrate looked.
type file struct {
	path string
	info fs.FileInfo
}

// sqliteFile returns the file of a connection, nil if the database has none.
func sqliteFile(ctx context.Context, conn *sql.Conn) (*file, error) {
	rows, err := conn.QueryContext(ctx, `PRAGMA database_list`)
	paths, err := collect(rows, err, func(rows *sql.Rows) (path string, err error) {
		var number int
		var name string
		var of sql.NullString
		if err = rows.Scan(&number, &name, &of); name == "main" {
			path = of.String
		}
		return path, err
	})
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFileLost, err)
		}
		return &file{path, info}, nil
	}
	return nil, nil
}

// check returns ErrFileLost if the file is no longer under its name.
func (f *file) check() error {
	if f == nil {
		return nil
	}
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrFileLost, err)
	case !os.SameFile(info, f.info):
		return fmt.Errorf("%w: another file is at %s", ErrFileLost, f.path)
	}
	return nil
}
