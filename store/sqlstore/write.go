package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/totpflow/totpflow/store"
)

// exec runs a statement that writes, and returns the number of rows. The
// arguments may share nothing with the caller, who may be gone before it ends. An
// error wraps [store.ErrNotWritten] where the statement was never sent, or where the
// database says that it has done nothing.
func (s *Store) exec(ctx context.Context, text string, args ...any) (int64, error) {
	unsent := false
	n, err := repeat(ctx, s, func() (int64, error) {
		var g gate
		n, err := prompt(ctx, &s.fuse, func() (int64, error) { return s.write(ctx, &g, text, args) })
		unsent = err != nil && g.shut()
		return n, err
	})
	if err != nil && (unsent || s.d.d.unwritten(err)) {
		err = fmt.Errorf("%w: %w", store.ErrNotWritten, err)
	}
	return n, err
}

// write sends the statement when it is its turn.
func (s *Store) write(ctx context.Context, g *gate, text string, args []any) (int64, error) {
	if d := s.d.d; d.oneWriter {
		seen := s.seen.Load()
		return s.line.write(ctx, seen.patience, d.busy, func() (int64, error) { return s.writeFile(ctx, g, seen.file, text, args) })
	}
	// The connection first: until there is one, nothing can have been written.
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if !g.pass() {
		return 0, nil
	}
	n, err := affected(conn.ExecContext(ctx, text, args...))
	if errors.Is(err, driver.ErrBadConn) { // it had died in the pool; this looks for one that lives
		return affected(s.db.ExecContext(ctx, text, args...))
	}
	return n, err
}

// writeFile sends the statement while the file is in its place. It checks before, since
// nothing may be written beside another file of this name, and afterwards, since only a
// write to the file that is still there may be acknowledged.
func (s *Store) writeFile(ctx context.Context, g *gate, f *file, text string, args []any) (int64, error) {
	if err := f.check(); err != nil {
		return 0, err
	}
	stmt, err := s.prepared.statement(ctx, s.db, text) //nolint:sqlclosecheck // kept for the life of the store
	if err != nil || !g.pass() {
		return 0, err
	}
	n, err := affected(stmt.ExecContext(ctx, args...))
	return n, cmp.Or(err, f.check())
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// A gate is what a statement that writes passes through once, just before it is sent. A
// caller who leaves shuts it: a statement that is still waiting for its turn or for a
// connection is then never sent, and the caller knows it.
type gate struct{ state atomic.Int32 }

const (
	gateOpen int32 = iota // nothing was sent yet
	gatePassed
	gateShut
)

// pass reports whether the statement may be sent.
func (g *gate) pass() bool { return g.state.CompareAndSwap(gateOpen, gatePassed) }

// shut reports whether nothing was sent, nor will be.
func (g *gate) shut() bool { return g.state.CompareAndSwap(gateOpen, gateShut) }
