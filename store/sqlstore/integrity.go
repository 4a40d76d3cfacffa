package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store"
)

// ErrCorrupt means that the database file is damaged. The text has SQLite's first
// finding, without any value from the database.
var ErrCorrupt = errors.New("sqlstore: the database file is corrupt")

// CheckIntegrity reads the whole SQLite file and returns [ErrCorrupt] if its parts
// do not fit together, as after a backup was copied over a file whose -wal was
// left there. Call it before the first use of a restored file, and before you trust any
// answer from it: a damaged index may report that an enrolled person has no record. It
// takes about a second for each gigabyte, and other connections can work meanwhile.
//
// It cannot see that an intact file is not the intended one. The
// servers check their own pages; with PostgreSQL, MySQL and MariaDB CheckIntegrity
// returns nil. Other errors are [ErrDialect], [ErrNames], or
// [store.ErrUnavailable] wrapping the driver's error.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	if s.fault != nil {
		return s.fault
	}
	if s.d.d.damage == "" {
		return nil
	}
	read := func(rows *sql.Rows) (found string, err error) {
		err = rows.Scan(&found)
		return found, err
	}
	found, err := prompt(ctx, &s.fuse, func() ([]string, error) {
		rows, err := s.db.QueryContext(ctx, s.d.d.damage)
		return collect(rows, err, read)
	})
	switch {
	case err != nil && s.d.d.corrupt(err): // too damaged to be checked
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return fmt.Errorf("%w: check integrity: %w", store.ErrUnavailable, err)
	case len(found) != 1 || found[0] != "ok":
		return fmt.Errorf("%w: %q", ErrCorrupt, found)
	}
	return nil
}
