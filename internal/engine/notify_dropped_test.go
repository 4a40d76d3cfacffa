package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// A dropping observer keeps the events that say that nobody was notified.
type dropping struct {
	mu  sync.Mutex
	got []event.Event
}

func (d *dropping) Observe(_ context.Context, e event.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Kind == event.NotificationDropped {
		d.got = append(d.got, e)
	}
}

// A notification that nobody received is reported with whose it was, what it was about, when
// it was dropped, and why: otherwise an operator cannot tell the person by other means.
func TestNotificationDropped(t *testing.T) {
	of := store.AccountID{Tenant: "acme", User: "ana"}
	log := func(o *office, e *Engine, kinds ...event.Kind) {
		require.NoError(o.t, e.Change(o.t.Context(), of, func(tx *Tx) error {
			for _, k := range kinds {
				tx.Log(event.Event{Kind: k})
			}
			return save(tx)
		}))
		synctest.Wait()
	}
	full := errors.New("mailbox full")
	fails := func(context.Context, event.Notification) error { return full }
	for name, c := range map[string]struct {
		notifier event.Notifier // nil: the post
		do       func(o *office, e *Engine)
		want     []event.Event
	}{
		"undeliverable": {nil, func(o *office, e *Engine) {
			o.post.set(func(context.Context, event.Notification) error { return fmt.Errorf("550: %w", event.ErrUndeliverable) })
			log(o, e, event.RecoveryCodesMade, event.Reset)
		}, []event.Event{{Number: 2, Reason: "undeliverable", Action: "reset"}}},
		"too old": {nil, func(o *office, e *Engine) {
			o.post.set(fails)
			log(o, e, event.Reset)
			time.Sleep(givenUpAfter)
			_, err := o.deliver(e)
			require.ErrorIs(o.t, err, full, "not yet")
			time.Sleep(maxPause + time.Second)
			_, err = o.deliver(e)
			require.NoError(o.t, err)
		}, []event.Event{{Number: 1, Reason: "too old", Action: "reset"}}},
		"erased": {nil, func(o *office, e *Engine) {
			o.post.set(fails)
			log(o, e, event.Reset)
			require.NoError(o.t, e.Erase(o.t.Context(), of, forget))
			synctest.Wait()
		}, []event.Event{{Number: 1, Reason: "erased", Action: "reset"}, {Number: 2, Reason: "erased", Action: "forgotten"}}},
		"erased by a process that notifies nobody": {event.Deferred, func(o *office, e *Engine) {
			log(o, e, event.Reset)
			time.Sleep(time.Second)
			log(o, e, event.Frozen)
			require.NoError(o.t, e.Erase(o.t.Context(), of, forget))
		}, []event.Event{{Number: 1, Reason: "erased by a process that tells nobody", Action: "reset", Remaining: 2}}},
		"erased and notified": {nil, func(o *office, e *Engine) {
			log(o, e, event.Reset)
			require.NoError(o.t, e.Erase(o.t.Context(), of, forget))
			synctest.Wait()
		}, nil},
		"nothing else was pending": {event.Deferred, func(o *office, e *Engine) {
			log(o, e, event.SignedIn)
			require.NoError(o.t, e.Erase(o.t.Context(), of, forget))
		}, nil},
		"too many are pending": {event.Deferred, func(o *office, e *Engine) {
			for range 50 {
				log(o, e, event.BrowserTrusted)
				time.Sleep(time.Second)
			}
			log(o, e, event.RecoveryCodesMade, event.Reset)
		}, []event.Event{{Reason: "too many wait", Remaining: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(o *office) {
				var d dropping
				c.do(o, o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: &d, Notifier: c.notifier}))
				for i := range c.want {
					w := &c.want[i]
					w.At, w.Tenant, w.User, w.Kind = time.Now().UTC(), of.Tenant, of.User, event.NotificationDropped
				}
				require.Equal(t, c.want, d.got)
			})
		})
	}
}
