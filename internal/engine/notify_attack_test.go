package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

func ana() store.AccountID { return store.AccountID{User: "ana"} }

func forget(tx *Tx) error { tx.Log(event.Event{Kind: event.Forgotten}); return nil }

// The erasure's notification has the number of an earlier one.
func TestNotifyEraseNumber(t *testing.T) {
	inOffice(t, func(o *office) {
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		time.Sleep(time.Second)
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		synctest.Wait()
		require.Equal(t, []uint64{1, 2}, o.seen.got)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// An erasure while an earlier notification is being delivered.
func TestNotifyEraseWhileTelling(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(time.Second); return nil })
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Hour)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		t.Log("told", o.post.got, "observed", o.seen.got)
		require.Len(t, o.post.told(), 2)
	})
}

// An erasure while every place is taken by others.
func TestNotifyEraseNoPlace(t *testing.T) {
	inOffice(t, func(o *office) {
		o.flow(o.e, "ana", event.SignedIn)
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.User != "ana" {
				time.Sleep(20 * time.Second)
			}
			return nil
		})
		for i := range maxPlaces {
			o.flow(o.e, fmt.Sprint("user", i, "-"), event.Reset)
		}
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Hour)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(o.post.told()), "ana")
	})
}

// Notifications that are pending when an account is erased are delivered.
func TestNotifyEraseWaiting(t *testing.T) {
	inOffice(t, func(o *office) {
		var dropped int
		e := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: event.ObserverFunc(func(_ context.Context, e event.Event) {
			if e.Kind == event.NotificationDropped {
				dropped++
			}
		})})
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		o.flow(e, "ana", event.Reset)
		synctest.Wait()
		o.post.set(nil)
		time.Sleep(time.Second)
		var got []event.Kind
		o.post.set(func(_ context.Context, n event.Notification) error {
			for _, ev := range n.Events {
				got = append(got, ev.Kind)
			}
			return nil
		})
		require.NoError(t, e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Hour)
		_, err := o.deliver(e)
		require.NoError(t, err)
		require.Equal(t, []event.Kind{event.Reset, event.Forgotten}, got, "dropped %d", dropped)
	})
}

// The account is erased and begun again while the notifier is being called.
func TestNotifyAckOfAnotherLife(t *testing.T) {
	inOffice(t, func(o *office) {
		var got []event.Kind
		var mu sync.Mutex
		var later atomic.Bool
		o.post.set(func(_ context.Context, n event.Notification) error {
			if !later.Swap(true) {
				time.Sleep(10 * time.Second) // a slow mail server, this once
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, n.Main().Kind)
			return nil
		})
		o.flow(o.e, "ana", event.SignedIn)
		o.flow(o.e, "ana", event.Reset) // number 2
		synctest.Wait()
		time.Sleep(time.Second)
		require.NoError(t, o.e.Erase(o.t.Context(), ana(), forget))
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.EnrollmentConfirmed) // number 1 of the new record
		time.Sleep(time.Hour)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Contains(t, got, event.EnrollmentConfirmed, "%v", got)
	})
}

// The record is erased while the note of a delivered notification is being written. The
// notification that waited behind it, which the first attempt at the note has read, was
// erased with the record and is not delivered.
func TestNotifyEraseWhileNoting(t *testing.T) {
	inOffice(t, func(o *office) {
		s := &beforePut{Store: o.m}
		e := o.process(Config{Store: s, Keys: o.e.Keys, Observer: o.seen})
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.Number() == 1 {
				o.flow(e, "ana", event.Reset) // number 2, which waits
				s.then(func() {
					rec, err := o.m.Get(t.Context(), ana())
					require.NoError(t, err)
					require.NoError(t, o.m.Delete(t.Context(), ana(), rec.Version))
				})
			}
			return nil
		})
		o.flow(e, "ana", event.EnrollmentConfirmed)
		synctest.Wait()
		require.Equal(t, []string{"ana1"}, o.post.told())
		_, err := o.m.Get(t.Context(), ana())
		require.ErrorIs(t, err, store.ErrNotFound, "the note does not bring the record back")
	})
}

// A beforePut store calls a function once, before its next write.
type beforePut struct {
	store.Store
	next atomic.Pointer[func()]
}

func (s *beforePut) then(f func()) { s.next.Store(&f) }

func (s *beforePut) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if f := s.next.Swap(nil); f != nil {
		(*f)()
	}
	return s.Store.Put(ctx, rec, was)
}

// Deliver and a flow's own goroutine deliver for one account at once, in one process.
func TestNotifyTwoTellers(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		time.Sleep(toldAfter + time.Second)
		var first atomic.Bool
		o.post.set(func(_ context.Context, n event.Notification) error {
			if first.CompareAndSwap(false, true) {
				time.Sleep(20 * time.Second) // a slow mail server, this once
			}
			return nil
		})
		go func() { _, _ = o.e.Deliver(o.t.Context()) }()
		synctest.Wait()
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.Frozen)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// Drain while Deliver is delivering.
func TestNotifyDrainDeliver(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(20 * time.Second); return nil })
		go func() { _, _ = o.e.Deliver(o.t.Context()) }()
		synctest.Wait()
		require.NoError(t, o.e.Drain(o.t.Context()))
		require.Len(t, o.post.told(), 1, "drained, and nothing told yet")
		time.Sleep(time.Minute)
	})
}

// Deliver's context ends after the notifier has accepted the message.
func TestNotifyDeliverCancelled(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		ctx, cancel := context.WithCancel(o.t.Context())
		o.post.set(func(context.Context, event.Notification) error { cancel(); return nil })
		_, err := o.e.Deliver(ctx)
		t.Log(err)
		time.Sleep(time.Hour)
		o.post.set(nil)
		_, _ = o.deliver(o.e)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// A notifier that ignores its context.
func TestNotifyDeafNotifier(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		release := make(chan struct{})
		var calls atomic.Int32
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.User == "ana" && n.Tenant == "" {
				calls.Add(1)
				<-release
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
		defer cancel()
		var back atomic.Bool
		go func() { // the host's loop
			_, _ = o.e.Deliver(ctx)
			back.Store(true)
		}()
		time.Sleep(24 * time.Hour)
		require.True(t, back.Load(), "Deliver has not returned a day after its context ended")
		o.flow(o.e, "ana", event.Frozen)
		_, _ = o.deliver(o.e)
		require.EqualValues(t, 1, calls.Load(), "no second call waits beside the first, and no third")
		o.flow(o.e, "ben", event.Reset)
		require.NoError(t, o.e.Change(o.t.Context(), store.AccountID{Tenant: "acme", User: "ana"}, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.Reset})
			tx.Save()
			return nil
		}))
		synctest.Wait()
		require.ElementsMatch(t, []string{"ben1", "ana1"}, o.post.told(), "other accounts hear")
		close(release)
		synctest.Wait()
		require.Equal(t, []string{"ana1"}, o.post.told())
		time.Sleep(25 * time.Hour)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told(), "nothing that was not taken counts as taken")
	})
}

// Calls that never end are bounded: later notifications stay pending in their records.
func TestNotifyDeafCallsAreBounded(t *testing.T) {
	inOffice(t, func(o *office) {
		release := make(chan struct{})
		var calls atomic.Int32
		o.post.set(func(context.Context, event.Notification) error { calls.Add(1); <-release; return nil })
		for i := range maxDeaf + maxPlaces {
			o.flow(o.e, fmt.Sprint("user", i, "-"), event.Reset)
			if i%maxPlaces == maxPlaces-1 {
				require.NoError(t, o.e.Drain(o.t.Context()))
				synctest.Wait() // a place is given back after the call that Drain waits for
			}
		}
		require.EqualValues(t, maxDeaf, calls.Load())
		close(release)
		synctest.Wait()
		o.post.set(nil)
		o.post.told()
		time.Sleep(time.Hour)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, maxDeaf+maxPlaces, n)
		require.Len(t, o.post.told(), maxDeaf+maxPlaces)
	})
}

// Nothing ran for 73 hours; the notifier is fine.
func TestNotifyOutage(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ana", event.Reset)
		time.Sleep(73 * time.Hour)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		t.Log("delivered", n)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// A clock that was four days ahead and is right again.
func TestNotifyAheadDropped(t *testing.T) {
	inOffice(t, func(o *office) {
		ahead := New(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred, Now: func() time.Time { return time.Now().AddDate(0, 0, 4) }})
		o.flow(ahead, "ana", event.Reset)
		o.flow(o.e, "ana", event.SignedIn)
		time.Sleep(toldAfter + time.Second)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// A clock that was a year ahead and is right again, and no further flow.
func TestNotifyAheadWaits(t *testing.T) {
	inOffice(t, func(o *office) {
		ahead := New(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred, Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
		o.flow(ahead, "ana", event.Reset)
		for range 300 {
			time.Sleep(24 * time.Hour)
			_, _ = o.deliver(o.e)
		}
		require.Zero(t, o.due("ana"))
	})
}

// The pause after a failed notification that is then accepted does not delay the next
// one.
func TestNotifyPauseInherited(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		time.Sleep(23 * time.Hour)
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		time.Sleep(toldAfter + time.Second)
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.Number() == 2 {
				return errors.New("greylisted")
			}
			return nil
		})
		_, err := o.deliver(o.e)
		require.Error(t, err)
		require.Equal(t, []string{"ana1"}, o.post.told())
		require.Less(t, time.Until(o.due("ana")), time.Hour, "the second is two minutes old and failed for the second time")
	})
}

// The user that the notifier receives.
func TestNotifyUserChanged(t *testing.T) {
	inOffice(t, func(o *office) {
		var got []string
		o.post.set(func(_ context.Context, n event.Notification) error {
			got = append(got, n.User, n.Events[0].User)
			return nil
		})
		o.flow(o.e, "ana\u200cx", event.Reset)
		synctest.Wait()
		o.flow(o.e, "ana\u00a0x", event.Reset)
		synctest.Wait()
		require.Equal(t, []string{"ana\u200cx", "ana\u200cx", "ana\u00a0x", "ana\u00a0x"}, got)
	})
}

// More than 50 are pending.
func TestNotifyTooMany(t *testing.T) {
	inOffice(t, func(o *office) {
		dropped := 0
		e := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: event.ObserverFunc(func(_ context.Context, e event.Event) {
			if e.Kind == event.NotificationDropped {
				dropped++
			}
		})})
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		for range 60 {
			o.flow(e, "ana", event.BrowserTrusted)
			time.Sleep(time.Second)
		}
		o.post.set(nil)
		time.Sleep(time.Hour)
		_, err := o.deliver(e)
		require.NoError(t, err)
		require.Equal(t, 60, len(o.post.told())+dropped)
	})
}

// A notifier that ends its goroutine.
func TestNotifyGoexit(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { runtime.Goexit(); return nil })
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		o.post.set(nil)
		ctx, cancel := context.WithTimeout(o.t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, o.e.Drain(ctx))
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.NotEmpty(t, o.post.told())
	})
}

// Records that no longer open, and are due, are counted in one line of the report: they
// do not hide that the mail server is down.
func TestNotifyUnopened(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		for i := range maxErrors + 4 {
			o.flow(crashed, fmt.Sprint("user", i, "-"), event.Reset)
		}
		stranger := o.process(Config{Store: o.m, Keys: ring(t), Observer: o.seen, Notifier: event.Deferred})
		o.flow(stranger, "of a key that is lost", event.Reset)
		spoil := func(user string, change func(*store.Record)) {
			o.flow(crashed, user, event.Reset)
			rec, err := o.m.Get(o.t.Context(), store.AccountID{User: user})
			require.NoError(t, err)
			was := rec.Version
			rec.Version = store.NewVersion()
			change(&rec)
			require.NoError(t, o.m.Put(o.t.Context(), rec, was))
		}
		spoil("put back", func(*store.Record) {})
		spoil("of a later release", func(rec *store.Record) {
			rec.Sealed = o.e.Keys.Seal("totpflow/account", []byte{99}, "", rec.ID.User, rec.Version.String(), rec.State, fmt.Sprint(rec.Due.UnixMilli()))
		})
		time.Sleep(toldAfter + time.Second)
		o.post.set(func(context.Context, event.Notification) error { return errors.New("mail server down") })
		n, err := o.deliver(o.e)
		require.Zero(t, n)
		require.Equal(t, maxErrors, strings.Count(err.Error(), "mail server down"))
		require.Contains(t, err.Error(), "/user")
		require.Contains(t, err.Error(), "3 records do not open")
		o.post.set(nil)
		time.Sleep(time.Hour)
		n, err = o.deliver(o.e)
		require.ErrorContains(t, err, "3 records do not open")
		require.Equal(t, maxErrors+4, n, "the others are told")
	})
}

// A store that hangs while the position is written.

type stuck struct {
	store.Store
	on atomic.Bool
}

func (s *stuck) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if s.on.CompareAndSwap(true, false) {
		<-ctx.Done() // nil: never
		return ctx.Err()
	}
	return s.Store.Put(ctx, rec, was)
}

func TestNotifyStuckWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{Store: store.NewMemory()}
		p := &post{}
		p.set(func(context.Context, event.Notification) error { s.on.Store(true); return nil })
		e := New(Config{Store: s, Keys: ring(t), Observer: &hears{}, Notifier: p, Now: time.Now})
		sign := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return e.Change(ctx, ana(), func(tx *Tx) error { tx.Log(event.Event{Kind: event.SignedIn}); tx.Save(); return nil })
		}
		require.NoError(t, e.Change(t.Context(), ana(), func(tx *Tx) error { tx.Log(event.Event{Kind: event.Reset}); tx.Save(); return nil }))
		synctest.Wait()
		time.Sleep(24 * time.Hour)
		err := sign()
		require.NoError(t, err, "a day later")
		if err != nil {
			t.Log("the goroutine never ends; leaving the bubble by a panic of synctest is expected")
		}
	})
}

// Five pending notifications, half a minute each.
func TestNotifySlowBacklog(t *testing.T) {
	inOffice(t, func(o *office) {
		deferred := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		for range 8 {
			o.flow(deferred, "ana", event.BrowserTrusted)
			time.Sleep(time.Second)
		}
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(25 * time.Second); return nil })
		o.flow(o.e, "ana", event.Reset)
		for range 10 { // the host calls Deliver every minute
			time.Sleep(time.Minute)
			go func() { _, _ = o.e.Deliver(o.t.Context()) }()
		}
		time.Sleep(time.Hour)
		require.Len(t, o.post.told(), 9)
	})
}
