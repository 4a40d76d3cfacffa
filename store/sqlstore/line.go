package sqlstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow/store"
)

// A line is the order in which one store's writers write to a database that has one
// writer at a time. SQLite lets a waiting writer look again after growing pauses, so that
// the last to come is often the first to write, and one in a hundred waits for seconds.
// Here they write in the order in which they came.
//
// Other processes, and the host's own writes, are not in this line: the writer at its
// head waits for them as long as SQLite's busy timeout.
type line struct {
	turn    chan struct{} // holds a value while somebody writes; Go lets waiting senders in one after the other
	arrived atomic.Int64  // how many have come

	// Guarded by the turn: the last arrival that has waited for the file as long as the
	// writer that finally found it busy, and the error which that writer got.
	refused int64
	busy    error
}

func newLine() *line { return &line{turn: make(chan struct{}, 1)} }

// write runs a statement when it is its turn, or returns the context's error. The next
// writer waits for a statement that has begun, even if its caller has gone.
//
// patience is the busy timeout, zero if it is not known. Where the file was busy for that
// long, all writers that were in line throughout get the same error, instead of waiting
// one after the other: nobody waits longer than twice that time.
func (l *line) write(ctx context.Context, patience time.Duration, busy func(error) bool, statement func() (int64, error)) (int64, error) {
	number := l.arrived.Add(1)
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", store.ErrNotWritten, ctx.Err())
	}
	defer func() { <-l.turn }()
	if number <= l.refused {
		return 0, l.busy
	}
	before, began := l.arrived.Load(), time.Now()
	n, err := statement()
	if err != nil && busy(err) && patience > 0 && time.Since(began) >= patience/2 {
		l.refused, l.busy = before, err
	}
	return n, err
}
