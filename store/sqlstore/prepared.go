package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// prepared are the statements of a database that would otherwise read the same
// text again for each call. They are closed with the database, which is the host's.
// The servers' drivers keep their own, where a pool between them and the server
// allows it.
type prepared struct{ all sync.Map } // text → *sql.Stmt

// statement returns the prepared statement of a text.
func (p *prepared) statement(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	if stmt, ok := p.all.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	first, others := p.all.LoadOrStore(text, stmt)
	if others { // somebody else was first
		_ = stmt.Close() //nolint:sqlclosecheck // this one only: the other one is kept
	}
	return first.(*sql.Stmt), nil
}

// rows runs a statement that reads.
func (s *Store) rows(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if !s.d.d.prepares {
		return s.db.QueryContext(ctx, text, args...)
	}
	stmt, err := s.prepared.statement(ctx, s.db, text) //nolint:sqlclosecheck // kept for the life of the store
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}
