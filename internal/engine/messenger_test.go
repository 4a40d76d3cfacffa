package engine

import (
	"context"
	"errors"
	"sync"
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

// A record is erased, begun again and erased once more while the notifier is called about the
// first one: the numbers are the same, and each notification is delivered once.
func TestCallOfAnEarlierRecord(t *testing.T) {
	inOffice(t, func(o *office) {
		var got []event.Kind
		var mu sync.Mutex
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.Main().Kind == event.Reset {
				time.Sleep(10 * time.Second)
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, n.Main().Kind)
			return nil
		})
		o.flow(o.e, "ana", event.Reset) // number 1
		time.Sleep(time.Second)
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.EnrollmentConfirmed) // number 1 of the new record
		time.Sleep(time.Second)
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.ElementsMatch(t, []event.Kind{event.Reset, event.Forgotten, event.EnrollmentConfirmed, event.Forgotten}, got)
	})
}

// The call about an erasure ends while the notifier is called about the record that was begun
// again: it does not make the process forget the later call, which would then be repeated.
func TestCallsAboutTwoRecords(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(_ context.Context, n event.Notification) error {
			pause := 5 * time.Second
			if n.Main().Kind == event.EnrollmentConfirmed {
				pause = 10 * time.Second
			}
			time.Sleep(pause)
			return nil
		})
		o.flow(o.e, "ana", event.SignedIn)
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.EnrollmentConfirmed)
		time.Sleep(5 * time.Second) // the first call has ended
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Hour)
		require.ElementsMatch(t, []string{"ana2", "ana1", "ana2"}, o.post.told())
	})
}

// The caller of Deliver goes while the notifier is at work. What it takes then is not repeated.
func TestCallThatTheCallerLeft(t *testing.T) {
	inOffice(t, func(o *office) {
		o.crash("ana")
		ctx, cancel := context.WithCancel(o.t.Context())
		o.post.set(func(context.Context, event.Notification) error {
			cancel()
			time.Sleep(lastWord / 2)
			return nil
		})
		_, _ = o.e.Deliver(ctx)
		time.Sleep(time.Hour)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}
