package history

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/totpflow/totpflow/store"
)

// A game is what the hands of a process do over and over. Its error is that of the rig,
// or an answer that nobody should get; all other errors are in the log.
type game interface {
	move(ctx context.Context, hand int) error
}

// hands is how many a process has: few, since the checker has to try every order of
// concurrent operations if none is right.
const hands = 4

// A registry is the game of the store: hands read, swap and delete one record.
type registry struct {
	store store.Store // writes down every request
	id    store.AccountID
	old   [hands]store.Version // what each hand saw last
}

func (g *registry) move(ctx context.Context, hand int) error {
	rec, err := g.store.Get(ctx, g.id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil
	}
	was, old := rec.Version, g.old[hand]
	g.old[hand] = was
	switch rand.IntN(8) {
	case 0: // only looks
	case 1:
		_ = g.store.Delete(ctx, g.id, was)
	case 2:
		_ = g.put(ctx, old)
	default:
		_ = g.put(ctx, was)
	}
	return nil
}

// swap makes the move that a flow makes.
func (g *registry) swap(ctx context.Context) error {
	rec, err := g.store.Get(ctx, g.id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return g.put(ctx, rec.Version)
}

func (g *registry) put(ctx context.Context, was store.Version) error {
	return g.store.Put(ctx, store.Record{ID: g.id, Version: store.NewVersion(), State: "active", Sealed: []byte("sealed")}, was)
}
