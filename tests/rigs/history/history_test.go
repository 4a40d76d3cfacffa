package history_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// The store in memory keeps the contract.
func TestMemory(t *testing.T) {
	s := store.NewMemory()
	saw, err := history.Play(s, race.Rounds(20, 1000), s, s)
	t.Logf("memory, two services: %v", saw)
	require.NoError(t, err)
	require.Zero(t, saw.Unavailable)
}

// The checker fails stores that do not.
func TestBrokenStores(t *testing.T) {
	for name, broken := range map[string]func(s *store.Memory) store.Store{
		"reads what was there a while ago": func(s *store.Memory) store.Store { return &race.Stale{Store: s} },
		"says that it wrote":               func(s *store.Memory) store.Store { return race.Hopeful{Store: s} },
		"says that it did not":             func(s *store.Memory) store.Store { return timid{s} },
		"reads and then writes": func(s *store.Memory) store.Store {
			return race.Naive{Store: s, Overwrite: func(ctx context.Context, rec store.Record) error {
				was, _ := s.Get(ctx, rec.ID)
				return s.Put(ctx, rec, was.Version)
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := store.NewMemory()
			var err error
			for range 50 { // until it shows
				if _, err = history.Play(s, 5, broken(s), broken(s)); err != nil {
					break
				}
			}
			require.ErrorIs(t, err, history.ErrHistory)
		})
	}
}

// timid is a store that reports every write as lost.
type timid struct{ store.Store }

func (h timid) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := h.Store.Put(ctx, rec, was); err != nil {
		return err
	}
	return store.ErrConflict
}
