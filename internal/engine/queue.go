package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
)

// A queue lets the flows of one account through one at a time, first come,
// first served. The zero queue is ready for use.
//
// It is an aid, not a guarantee: other processes are not in it. Without it the guesses of
// a burst against one account would keep losing their swaps to each other, and so would
// the owner's code.
type queue struct {
	mu    sync.Mutex
	doors map[store.AccountID]*door
}

type door struct {
	pass    chan struct{} // contains one pass; goroutines blocked on it are served in order
	waiting int           // those inside or in line
}

// enter waits for the account's turn and returns the function that ends it.
func (q *queue) enter(ctx context.Context, id store.AccountID) (done func(), err error) {
	d := q.join(id)
	select {
	case d.pass <- struct{}{}:
		return func() { <-d.pass; q.leave(id, d) }, nil
	case <-ctx.Done():
		q.leave(id, d)
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
}

// busy reports whether somebody is inside or in line.
func (q *queue) busy(id store.AccountID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.doors[id] != nil
}

func (q *queue) join(id store.AccountID) *door {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.doors == nil {
		q.doors = make(map[store.AccountID]*door)
	}
	d := q.doors[id]
	if d == nil {
		d = &door{pass: make(chan struct{}, 1)}
		q.doors[id] = d
	}
	d.waiting++
	return d
}

func (q *queue) leave(id store.AccountID, d *door) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d.waiting--; d.waiting == 0 {
		delete(q.doors, id)
	}
}
