package race

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/totpflow/totpflow/store"
)

// Stores that break the contract in one way each, for tests that show that a rig fails.

// Naive is a store that compares in Go and then writes, as adapters do that were never
// tested with two processes. Overwrite writes whatever is there.
type Naive struct {
	store.Store
	Overwrite func(ctx context.Context, rec store.Record) error
}

// Put implements [store.Store], badly.
func (n Naive) Put(ctx context.Context, rec store.Record, was store.Version) error {
	now, err := n.Get(ctx, rec.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if now.Version != was {
		return store.ErrConflict
	}
	time.Sleep(pause)
	return n.Overwrite(ctx, rec)
}

// pause is the time that a busy server takes between the two: otherwise the other process
// seldom comes in between, and a rig needs hundreds of rounds to show it.
const pause = 20 * time.Millisecond

// Hopeful is a store whose writes always succeed: an adapter that takes no answer for
// success.
type Hopeful struct{ store.Store }

// Put implements [store.Store], badly.
func (h Hopeful) Put(ctx context.Context, rec store.Record, was store.Version) error {
	_ = h.Store.Put(ctx, rec, was)
	return nil
}

// Stale is a store that shows each state of a record once more after it has changed, as a
// cache would, or a snapshot that is kept for too long.
type Stale struct {
	store.Store
	mu   sync.Mutex
	seen map[store.AccountID]store.Record
}

// Get implements [store.Store], badly.
func (s *Stale) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	now, err := s.Store.Get(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.seen[id]
	if s.seen == nil {
		s.seen = make(map[store.AccountID]store.Record)
	}
	s.seen[id] = now
	if was.Version.IsZero() {
		return now, err
	}
	return was, nil
}
