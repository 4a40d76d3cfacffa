package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Flows of one account run one at a time; the queue leaves nothing behind, and waiting in
// it ends with the context.
func TestQueue(t *testing.T) {
	var q queue
	leave, err := q.enter(context.Background(), id)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = q.enter(ctx, id)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)

	other, err := q.enter(context.Background(), store.AccountID{User: "43"})
	require.NoError(t, err, "another account does not wait")
	other()

	const n = 50
	var order []int
	var done sync.WaitGroup
	for i := range n {
		done.Add(1)
		arrived := func() bool {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.doors[id].waiting == i+2
		}
		go func() {
			defer done.Done()
			leave, err := q.enter(context.Background(), id)
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, i) // the race detector would report two at once
			leave()
		}()
		require.Eventually(t, arrived, 10*time.Second, time.Microsecond)
	}
	leave()
	done.Wait()
	require.Len(t, order, n)
	require.Empty(t, q.doors)
}

// A flow that answers without a write needs no turn, and so the owner gets an answer
// while hundreds guess at the account. A flow that wants to write waits, and decides on
// the record as it is when its turn comes.
func TestNoTurnWithoutWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &hears{}, totptest.Wrap(store.NewMemory())
		e := newEngine(s, ring(t), o, clock)
		ctx, release := context.Background(), make(chan struct{})
		go func() {
			err := e.Change(ctx, id, func(tx *Tx) error {
				<-release
				tx.Generation = 7
				tx.Save()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()

		refused := errors.New("too many wrong codes")
		require.ErrorIs(t, e.Guess(ctx, id, func(tx *Tx) error { tx.Log(event.Event{Kind: event.Throttled}); return refused }), refused)
		require.Len(t, o.got, 1, "the observer hears of it")
		s.SetFaults(totptest.Faults{Get: errors.New("connection refused")})
		require.ErrorIs(t, e.Guess(ctx, id, func(*Tx) error { return nil }), store.ErrUnavailable, "a failed look must not count as an answer")
		s.SetFaults(totptest.Faults{})

		var saw []uint64
		done := make(chan error, 1)
		go func() {
			done <- e.Guess(ctx, id, func(tx *Tx) error {
				saw = append(saw, tx.Generation)
				tx.Save()
				return nil
			})
		}()
		synctest.Wait()
		require.Empty(t, done, "a write waits for its turn")
		close(release)
		require.NoError(t, <-done)
		require.Equal(t, []uint64{0, 7}, saw, "a look, and the decision that counts")
	})
}

// A panic in a flow writes nothing and leaves the queue open.
func TestPanicLeavesTheQueue(t *testing.T) {
	m := store.NewMemory()
	b := newEngine(m, ring(t), &hears{}, clock)
	require.Panics(t, func() {
		_ = b.Change(context.Background(), id, func(r *Tx) error { r.Save(); panic("bug") })
	})
	require.Empty(t, b.queue.doors)
	_, err := m.Get(context.Background(), id)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A flow whose caller has left while it waited for its turn decides nothing.
func TestChangeAfterWaitingInVain(t *testing.T) {
	b := newEngine(store.NewMemory(), ring(t), &hears{}, clock)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, b.Change(t.Context(), id, func(*Tx) error { // holds the turn
		cancel()
		err := b.Change(ctx, id, func(*Tx) error { t.Error("decided"); return nil })
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		return nil
	}))
}
