package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
)

// While the notifier is called about an account of a tenant, the account is erased: a
// notification that the call accepts is not delivered again, one that it rejects is, and
// no call is remembered.
func TestCallUnderWayAtAnErasure(t *testing.T) {
	for name, c := range map[string]struct {
		first error
		calls int32
	}{
		"taken":     {nil, 2},
		"not taken": {errors.New("busy"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(o *office) {
				var calls atomic.Int32
				o.post.set(func(context.Context, event.Notification) error {
					if calls.Add(1) == 1 {
						time.Sleep(time.Second)
						return c.first
					}
					return nil
				})
				require.NoError(o.t, o.e.Change(o.t.Context(), id, func(tx *Tx) error { tx.Log(event.Event{Kind: event.Reset}); return save(tx) }))
				synctest.Wait()
				require.NoError(o.t, o.e.Erase(o.t.Context(), id, forget))
				time.Sleep(time.Hour)
				require.Equal(o.t, c.calls, calls.Load())
				require.Len(o.t, o.post.told(), 2)
				m := o.e.messenger
				m.mu.Lock()
				defer m.mu.Unlock()
				require.Empty(o.t, m.calls)
			})
		})
	}
}
