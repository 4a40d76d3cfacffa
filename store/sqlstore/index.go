package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrIndexLost means that the table of accounts lacks one of its indexes, and that
// [Store.Migrate] could not make it again. It comes with the reason, such as [ErrRights];
// the text has the statement that makes the index. Without it lists are slow, and not
// wrong: a program may continue after this error.
var ErrIndexLost = errors.New("sqlstore: an index of the table of accounts is lost")

// An index of the table of accounts is recognised by its first column, whatever its name.
type index struct{ column, statement string }

// indexes returns the indexes of the migrations, beside the primary key.
func (d *dialect) indexes(n names) []index {
	define := func(column, where string) index {
		name := n.prefix + "accounts_" + column
		return index{column, `CREATE INDEX ` + name + ` ON ` + n.accounts() + ` (` + column + `, tenant, user_id)` + where}
	}
	due := ""
	if d.partial {
		due = ` WHERE due IS NOT NULL`
	}
	return []index{define("state", ""), define("due", due)}
}

// index makes the indexes that somebody has dropped.
func (s *Store) index(ctx context.Context, conn *sql.Conn) error {
	missing, err := s.missing(ctx, conn)
	if err != nil || len(missing) == 0 {
		return err
	}
	err = s.d.d.alone(ctx, conn, func() error {
		missing, err := s.missing(ctx, conn) // since then, another process may have made them
		for _, i := range missing {
			if err == nil {
				_, err = conn.ExecContext(ctx, i.statement)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIndexLost, missing[0].statement, err)
	}
	return nil
}

// missing returns the indexes that the table lacks.
func (s *Store) missing(ctx context.Context, conn *sql.Conn) (all []index, err error) {
	for _, i := range s.ask.indexes {
		var n int
		statement, args := s.d.d.index(s.names, i.column)
		if err := conn.QueryRowContext(ctx, statement, args...).Scan(&n); err != nil {
			return nil, err
		}
		if n == 0 {
			all = append(all, i)
		}
	}
	return all, nil
}
