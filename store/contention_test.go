package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// Under contention no success is lost and none is invented: the counter ends at the
// number of nil answers, and each of them saw a different number.
func TestUpdateSumOfStepsEqualsSuccesses(t *testing.T) {
	const goroutines, each = 64, 50
	s := store.NewMemory()
	var successes atomic.Uint64
	var seen sync.Map
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				var mine uint64
				err := store.Update(context.Background(), s, alice, func(was store.Record, found bool) (*store.Record, error) {
					mine = count(was) + 1
					return step(was, found)
				})
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrConflict) {
						t.Errorf("unexpected: %v", err)
					}
					continue
				}
				successes.Add(1)
				if _, twice := seen.LoadOrStore(mine, true); twice {
					t.Errorf("step %d answered twice", mine)
				}
			}
		})
	}
	wg.Wait()
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, successes.Load(), count(rec))
	require.NotZero(t, successes.Load())
}

// One code, many requests: exactly one of them uses it.
func TestUpdateOneWinnerPerRound(t *testing.T) {
	const goroutines, rounds = 64, 50
	used := errors.New("already used")
	s := store.NewMemory()
	for round := uint64(1); round <= rounds; round++ {
		var winners atomic.Int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range goroutines {
			wg.Go(func() {
				<-start
				err := store.Update(context.Background(), s, alice, func(was store.Record, _ bool) (*store.Record, error) {
					if count(was) >= round {
						return nil, used
					}
					return counter(round), nil
				})
				if err == nil {
					winners.Add(1)
				}
			})
		}
		close(start)
		wg.Wait()
		require.Equal(t, int64(1), winners.Load(), "round %d", round)
	}
}
