package sqlstore

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
)

// An index of the table of accounts is recognised by its columns, whatever its name.
type index struct{ column, statement string }

// indexes returns the indexes of the migrations, beside the primary key. Each has a
// column, and then the id.
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

// index makes the indexes that somebody has dropped. If it cannot, it logs that, and
// returns no error: without them lists are slow, and not wrong, but a program that does
// not start lets nobody sign in. It does not try again either: the index may be locked
// because another process is building it, which can take minutes.
func (s *Store) index(ctx context.Context, conn *sql.Conn) error {
	missing, err := s.missing(ctx, conn)
	if err != nil || len(missing) == 0 {
		return err
	}
	failed := s.d.d.alone(ctx, conn, func() error {
		missing, err := s.missing(ctx, conn) // since then, another process may have made them
		for _, i := range missing {
			if err == nil {
				_, err = conn.ExecContext(ctx, i.statement)
			}
		}
		return err
	})
	if failed == nil {
		return nil
	}
	if left, err := s.missing(ctx, conn); err == nil { // some may have been made, here or by another process
		missing = left
	}
	var statements []string
	for _, i := range missing {
		statements = append(statements, i.statement)
	}
	if len(statements) > 0 {
		slog.WarnContext(ctx, "sqlstore: the table of accounts lacks an index, so that lists are slow; run the statement",
			"statement", strings.Join(statements, "; "), "error", failed)
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
