package account

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// Within a process the flows of one account lose no races to each other: a
// flood of guesses costs the owner a place in the line, not the sign-in.
func TestFlowsOfOneAccountQueue(t *testing.T) {
	s := &counted{Store: store.NewMemory()}
	b := NewBook(s, ring(t), &takes{}, clock)
	const n = 100
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			if err := b.Change(context.Background(), id, func(r *Round) error { r.Generation++; r.Save(); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	require.EqualValues(t, n, s.puts.Load(), "a write for each flow, none in vain")
	require.NoError(t, b.Change(context.Background(), id, func(r *Round) error { require.EqualValues(t, n, r.Generation); return nil }))
}

type counted struct {
	store.Store
	puts atomic.Int32
}

func (s *counted) Put(ctx context.Context, rec store.Record, was store.Version) error {
	s.puts.Add(1)
	return s.Store.Put(ctx, rec, was)
}

// The time of a round is what is stored and compared: of no zone, and without
// the reading of a process's own clock.
func TestTimeOfARound(t *testing.T) {
	local := time.Now().In(time.FixedZone("elsewhere", 3600))
	b := NewBook(store.NewMemory(), ring(t), &takes{}, func() time.Time { return local })
	require.NoError(t, b.Change(context.Background(), id, func(r *Round) error {
		require.True(t, r.Now.Equal(local))
		require.Equal(t, time.UTC, r.Now.Location())
		require.Equal(t, r.Now.Round(0), r.Now)
		return nil
	}))
}

// What has happened is told also when the caller has gone meanwhile.
func TestToldAfterTheCallerIsGone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var told []error // the sink's context, for each event
	b := NewBook(store.NewMemory(), ring(t), event.SinkFunc(func(ctx context.Context, _ event.Event) error {
		told = append(told, ctx.Err())
		return nil
	}), clock)
	require.NoError(t, b.Change(ctx, id, func(r *Round) error {
		r.Log(event.Event{Kind: event.Throttled})
		cancel()
		return nil
	}))
	require.Equal(t, []error{nil}, told)
	require.Error(t, ctx.Err())
}
