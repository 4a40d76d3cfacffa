package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A listed store keeps the queries of its lists.
type listed struct {
	store.Store
	asked []store.Query
}

func (l *listed) List(ctx context.Context, q store.Query) (store.Page, error) {
	l.asked = append(l.asked, q)
	return l.Store.List(ctx, q)
}

// Of a million accounts only those that are due are listed, without their sealed bytes.
func TestDeliverListsHeadsOfWhatIsDue(t *testing.T) {
	s := &listed{Store: store.NewMemory()}
	taken := event.NotifierFunc(func(context.Context, event.Notification) error { return nil })
	e := New(Config{Store: s, Keys: ring(t), Observer: &hears{}, Notifier: taken, Now: clock})
	_, err := e.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, s.asked, 2)
	for _, q := range s.asked {
		require.True(t, q.Heads)
	}
	require.Equal(t, at, s.asked[0].DueBefore)
	require.Empty(t, s.asked[0].Cursor)
	require.NotEmpty(t, s.asked[1].Cursor, "behind those that a pause puts off")
}

// An error of a store that cannot list is returned, and a Deliver that ends leaves
// notifications pending that find no place.
func TestDeliverThatFails(t *testing.T) {
	s := totptest.Wrap(store.NewMemory())
	taken := event.NotifierFunc(func(context.Context, event.Notification) error { return nil })
	keys := ring(t)
	crashed := New(Config{Store: s, Keys: keys, Observer: &hears{}, Notifier: event.Deferred, Now: clock})
	require.NoError(t, crashed.Change(t.Context(), id, func(tx *Tx) error { tx.Log(event.Event{Kind: event.Reset}); return save(tx) }))

	e := New(Config{Store: s, Keys: keys, Observer: &hears{}, Notifier: taken, Now: func() time.Time { return at.Add(time.Hour) }})
	s.SetFaults(totptest.Faults{List: errors.New("connection refused")})
	_, err := e.Deliver(t.Context())
	require.ErrorIs(t, err, store.ErrUnavailable)
	s.SetFaults(totptest.Faults{})

	for range maxPlaces {
		e.messenger.places <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	n, err := e.Deliver(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, n)
	for range maxPlaces {
		<-e.messenger.places
	}
	n, err = e.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// So is a Deliver that ends among the records that a clock that was ahead has put off.
func TestDeliverThatEndsAmongTheLast(t *testing.T) {
	inOffice(t, func(o *office) {
		ahead := New(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred, Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
		o.flow(ahead, "ana", event.Reset)
		for range maxPlaces {
			o.e.messenger.places <- struct{}{}
		}
		ctx, cancel := context.WithTimeout(o.t.Context(), time.Second)
		defer cancel()
		n, err := o.e.Deliver(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, n)
	})
}

// Deliver leaves nothing behind that would delay the event of the next flow.
func TestFlowAfterDeliver(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		o.flow(o.e, "ana", event.Unlocked)
		time.Sleep(time.Second)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// While a flow of this process delivers an account's notifications, Deliver leaves the account
// to it: a mail must not go out twice.
func TestDeliverBesideAFlow(t *testing.T) {
	inOffice(t, func(o *office) {
		o.crash("ana")
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(time.Second); return nil })
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.True(t, o.due("ana").Before(time.Now()), "the record is still due")
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, o.e.Drain(o.t.Context()))
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// crash has a process log an event of the user and die before it notifies anybody, and lets
// the time pass until the record is due.
func (o *office) crash(user string) {
	o.flow(o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred}), user, event.Reset)
	time.Sleep(toldAfter + time.Second)
}

// Of two processes that list the same account, the one that claims it counts it, and the
// other one leaves the record as it is.
func TestDeliverCountsWhatItClaimed(t *testing.T) {
	inOffice(t, func(o *office) {
		o.crash("ana")
		other := o.other()
		var delivered store.Record
		slow := o.process(Config{Store: &listsThen{Store: o.m, then: func() {
			n, err := o.deliver(other)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			delivered, err = o.m.Get(t.Context(), ana())
			require.NoError(t, err)
		}}, Keys: o.e.Keys, Observer: o.seen})
		n, err := o.deliver(slow)
		require.NoError(t, err)
		require.Zero(t, n)
		now, err := o.m.Get(t.Context(), ana())
		require.NoError(t, err)
		require.Equal(t, delivered.Version, now.Version)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// A listsThen store calls then after its first list.
type listsThen struct {
	store.Store
	then func()
}

func (l *listsThen) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := l.Store.List(ctx, q)
	if then := l.then; then != nil {
		l.then = nil
		then()
	}
	return page, err
}

// A flow logs an event while Deliver holds the account, and leaves it to Deliver. Deliver
// delivers the event, although its own claim has failed, and counts the account.
func TestDeliverTakesOverFromAFlow(t *testing.T) {
	inOffice(t, func(o *office) {
		o.crash("ana")
		s := totptest.Wrap(o.m)
		e := New(Config{Store: s, Keys: o.e.Keys, Observer: o.seen, Notifier: o.post, Now: time.Now, Logger: slog.New(slowLog{slog.DiscardHandler})})
		s.SetFaults(totptest.Faults{Get: errors.New("connection reset")})
		go func() {
			time.Sleep(time.Second) // the claim has failed, and Deliver writes its line
			s.SetFaults(totptest.Faults{})
			o.flow(e, "ana", event.Frozen)
		}()
		n, err := o.deliver(e)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// A slowLog takes its time to write a line.
type slowLog struct{ slog.Handler }

func (slowLog) Enabled(context.Context, slog.Level) bool { return true }

func (slowLog) Handle(context.Context, slog.Record) error {
	time.Sleep(2 * time.Second)
	return nil
}
