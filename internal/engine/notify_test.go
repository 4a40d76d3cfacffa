package engine

import (
	"bytes"
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A post is a notifier that keeps the notifications that it receives, and answers as it
// is set to.
type post struct {
	mu     sync.Mutex
	got    []string
	answer func(context.Context, event.Notification) error // nil: taken
}

func (p *post) Notify(ctx context.Context, n event.Notification) error {
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, n); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, fmt.Sprint(n.User, n.Number()))
	return nil
}

func (p *post) set(answer func(context.Context, event.Notification) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *post) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// An office is several processes over one store, inside a bubble whose time advances only
// while all wait.
type office struct {
	t    *testing.T
	m    *store.Memory
	post *post
	seen *hears
	e    *Engine
}

func inOffice(t *testing.T, f func(*office)) {
	if fips140.Enabled() {
		t.Skip("the entropy source of FIPS 140-3 measures time, which stands still here; nothing of this is cryptography")
	}
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t, m: store.NewMemory(), post: &post{}, seen: &hears{}}
		o.e = o.process(Config{Store: o.m, Keys: ring(t), Observer: o.seen})
		f(o)
		synctest.Wait()
	})
}

// process starts one more process.
func (o *office) process(c Config) *Engine {
	c.Now, c.Logger = time.Now, slog.New(slog.DiscardHandler)
	if c.Notifier == nil {
		c.Notifier = o.post
	}
	return New(c)
}

func (o *office) other() *Engine {
	return o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen})
}

// flow logs events of the user in one change.
func (o *office) flow(e *Engine, user string, kinds ...event.Kind) {
	o.t.Helper()
	require.NoError(o.t, e.Change(o.t.Context(), store.AccountID{User: user}, func(tx *Tx) error {
		for _, k := range kinds {
			tx.Log(event.Event{Kind: k})
		}
		tx.Save()
		return nil
	}))
}

func (o *office) due(user string) time.Time {
	o.t.Helper()
	rec, err := o.m.Get(o.t.Context(), store.AccountID{User: user})
	require.NoError(o.t, err)
	return rec.Due
}

func (o *office) deliver(e *Engine) (int, error) {
	n, err := e.Deliver(o.t.Context())
	synctest.Wait()
	return n, err
}

// The events of a flow are delivered once, after its write and outside of it, and leave
// nothing due. Attempts are for observers only.
func TestToldOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		o.flow(o.e, "ana", event.RecoveryCodesMade, event.EnrollmentConfirmed)
		o.flow(o.e, "ana", event.SignedIn)
		synctest.Wait()
		require.Equal(t, []string{"ana2"}, o.post.told())
		require.Equal(t, []uint64{1, 2, 3}, o.seen.got)
		require.Zero(t, o.due("ana"))
		time.Sleep(time.Hour)
		for _, e := range []*Engine{o.e, o.other()} {
			n, err := o.deliver(e)
			require.NoError(t, err)
			require.Zero(t, n)
		}
		o.flow(o.other(), "ana", event.BrowserTrusted)
		synctest.Wait()
		require.Equal(t, []string{"ana4"}, o.post.told(), "after a restart nothing comes twice")
	})
}

// A process that dies between its write and the mail leaves the event in the record: two
// minutes later it is due for any process, and one of them delivers it.
func TestCrashBeforeTelling(t *testing.T) {
	inOffice(t, func(o *office) {
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred}) // it tells nobody
		for i := range 10 {
			o.flow(crashed, fmt.Sprint("user", i, "-"), event.Reset)
		}
		require.Equal(t, time.Now().Add(toldAfter).UnixMilli(), o.due("user3-").UnixMilli())
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Zero(t, n, "its own process may be about to tell")
		time.Sleep(toldAfter + time.Second)
		var all sync.WaitGroup
		counts := make([]int, 4)
		for i := range counts {
			e := o.other()
			all.Go(func() { counts[i], _ = e.Deliver(o.t.Context()) })
		}
		all.Wait()
		require.Len(t, o.post.told(), 10, "each record is claimed by one of four")
		require.Equal(t, 10, counts[0]+counts[1]+counts[2]+counts[3])
		require.Zero(t, o.due("user3-"))
	})
}

// A crash after the call and before the position is written delivers again: at least
// once.
func TestCrashAfterTelling(t *testing.T) {
	inOffice(t, func(o *office) {
		dead := o.process(Config{Store: lost{o.m, 1}.store(), Keys: o.e.Keys, Observer: o.seen})
		o.flow(dead, "ana", event.Reset)
		synctest.Wait()
		require.Equal(t, []string{"ana1"}, o.post.told())
		time.Sleep(toldAfter + time.Second)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{"ana1"}, o.post.told())
		require.Zero(t, o.due("ana"))
	})
}

// lost is a store that accepts a number of writes and then no longer answers.
type lost struct {
	store.Store
	writes int
}

func (l lost) store() store.Store { return &l }

func (l *lost) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if l.writes == 0 {
		return errors.New("killed")
	}
	l.writes--
	return l.Store.Put(ctx, rec, was)
}

// A notifier that fails is tried again after growing pauses, up to a day. After 72 hours
// the notification is given up, and the observer learns of it.
func TestFailingNotifier(t *testing.T) {
	inOffice(t, func(o *office) {
		var tries []time.Duration
		began := time.Now()
		o.post.set(func(context.Context, event.Notification) error {
			tries = append(tries, time.Since(began).Round(time.Minute))
			return errors.New("mailbox full")
		})
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		for range 72*60 + 2 {
			time.Sleep(time.Minute)
			_, _ = o.deliver(o.e)
		}
		require.Equal(t, 0*time.Minute, tries[0])
		last := len(tries) - 1 // its pause is shorter: 72 hours are over
		for i, try := range tries[2:last] {
			require.GreaterOrEqual(t, try-tries[i+1], tries[i+1]-tries[i]-2*time.Minute, "pauses grow: %v", tries)
		}
		require.InDelta(t, 72*time.Hour, tries[last], float64(2*time.Minute))
		require.Less(t, len(tries), 20)
		require.Empty(t, o.post.told())
		require.Equal(t, []uint64{1, 1}, o.seen.got, "the reset, and that nobody was told of it")
		require.Zero(t, o.due("ana"))
		o.post.set(nil)
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.Equal(t, []string{"ana2"}, o.post.told(), "nothing waits behind what was given up")
	})
}

// Events whose delivery failed come before later events, from one process and at once.
func TestToldInOrder(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		o.post.set(nil)
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// A message that is refused again and again, such as one whose template panics, holds back
// none of those after it, and a later one does not inherit its pauses.
func TestRefusedHoldsBackNobody(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.Number() == 1 {
				panic("no such template")
			}
			return nil
		})
		o.flow(o.e, "ana", event.Reset)
		o.flow(o.e, "ana", event.BrowserTrusted)
		synctest.Wait()
		require.Equal(t, []string{"ana2"}, o.post.told(), "the thief's browser is told at once")
		time.Sleep(50 * time.Hour)
		_, err := o.deliver(o.e)
		require.ErrorContains(t, err, "no such template")
		require.InDelta(t, givenUpAfter-50*time.Hour, time.Until(o.due("ana")), float64(time.Minute), "not beyond the end of the first")

		down := true
		o.post.set(func(context.Context, event.Notification) error {
			if down {
				return errors.New("down")
			}
			return nil
		})
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		time.Sleep(toldAfter + time.Second)
		_, err = o.deliver(o.e)
		require.Error(t, err)
		require.Less(t, time.Until(o.due("ana")), 5*time.Minute, "the third is two minutes old")
		down = false
		time.Sleep(5 * time.Minute)
		_, err = o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana1", "ana3"}, o.post.told(), "nothing is lost, and nothing comes twice")
		require.Zero(t, o.due("ana"))
	})
}

// Messages that are refused slowly hold back those behind them no longer than a few passes.
func TestSlowRefusalsHoldBackNobody(t *testing.T) {
	for name, c := range map[string]struct {
		refused int
		answer  func(ctx context.Context)
	}{
		"one that hangs until its deadline":    {1, func(ctx context.Context) { <-ctx.Done(); time.Sleep(time.Millisecond) }},
		"ten that are refused after 6 seconds": {10, func(context.Context) { time.Sleep(6 * time.Second) }},
		"ten of half a minute":                 {10, func(context.Context) { time.Sleep(notifyTimeout - time.Millisecond) }},
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(o *office) {
				o.post.set(func(ctx context.Context, n event.Notification) error {
					if n.Number() <= uint64(c.refused) {
						c.answer(ctx)
						return errors.New("greylisted")
					}
					return nil
				})
				deferred := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
				for range c.refused {
					o.flow(deferred, "ana", event.Reset)
				}
				time.Sleep(toldAfter + time.Second)
				o.flow(o.e, "ana", event.BrowserTrusted)
				began := time.Now()
				for time.Since(began) < time.Hour {
					time.Sleep(time.Minute)
					_, _ = o.deliver(o.e)
					if len(o.post.told()) > 0 {
						return
					}
				}
				t.Fatal("the trusted browser was not told within an hour")
			})
		})
	}
}

// Refusals that take long do not outlast the claim: another process could otherwise send
// what this one is about to.
func TestSlowRefusals(t *testing.T) {
	inOffice(t, func(o *office) {
		deferred := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		for range 20 {
			o.flow(deferred, "ana", event.BrowserTrusted)
		}
		var calls, beside atomic.Int32
		o.post.set(func(context.Context, event.Notification) error {
			if calls.Add(1) > 1 {
				beside.Add(1)
			}
			time.Sleep(notifyTimeout - time.Second)
			calls.Add(-1)
			return errors.New("greylisted")
		})
		o.flow(o.e, "ana", event.Reset)
		processes := []*Engine{o.e, o.other(), o.other()}
		for range 60 {
			time.Sleep(time.Minute)
			for _, e := range processes {
				go func() { _, _ = e.Deliver(o.t.Context()) }()
			}
		}
		time.Sleep(time.Hour)
		require.Zero(t, beside.Load(), "one process at a time")
	})
	// A call that begins just in time has ended and is noted before another process, whose
	// clock may be ahead, takes the claim for an abandoned one.
	require.Less(t, passTimeout+notifyTimeout+lastWord+storeTimeout+skew.Tolerance, toldAfter)
}

// What was pending for longer than 72 hours is given up after a call that failed, and not
// because no call could take place.
func TestGivenUpOnlyAfterATry(t *testing.T) {
	pending := func(o *office) {
		deferred := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		for range 5 {
			o.flow(deferred, "ana", event.BrowserTrusted)
		}
		time.Sleep(73 * time.Hour)
		o.seen.got = nil
	}
	all := []string{"ana1", "ana2", "ana3", "ana4", "ana5"}
	t.Run("the time of Deliver is over", func(t *testing.T) {
		inOffice(t, func(o *office) {
			pending(o)
			o.post.set(func(ctx context.Context, _ event.Notification) error {
				select {
				case <-time.After(25 * time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			for range 24 {
				time.Sleep(time.Hour)
				_, _ = o.deliver(o.e)
			}
			require.ElementsMatch(t, all, o.post.told())
			require.Empty(t, o.seen.got, "nothing was given up")
		})
	})
	t.Run("an earlier call does not return", func(t *testing.T) {
		inOffice(t, func(o *office) {
			pending(o)
			release := make(chan struct{})
			o.post.set(func(context.Context, event.Notification) error { <-release; return nil })
			_, err := o.deliver(o.e)
			require.ErrorIs(t, err, errDeaf)
			close(release)
			o.post.set(nil)
			for range 48 {
				time.Sleep(time.Hour)
				_, _ = o.deliver(o.e)
			}
			require.Zero(t, o.due("ana"))
			require.Subset(t, o.post.told(), all[1:])
			require.LessOrEqual(t, len(o.seen.got), 1, "the first one's call ran out of time")
		})
	})
}

// A notification to an address that does not exist is given up at once, and silences
// nothing.
func TestUndeliverable(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(_ context.Context, n event.Notification) error {
			if n.Number() == 1 {
				return fmt.Errorf("550 no such user: %w", event.ErrUndeliverable)
			}
			return nil
		})
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		require.Equal(t, []uint64{1, 1}, o.seen.got)
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.Equal(t, []string{"ana2"}, o.post.told())
		require.Zero(t, o.due("ana"))
	})
}

// A panic of the notifier or the observer fails no flow, is logged, and loses nothing.
func TestPanicsOfTheHost(t *testing.T) {
	inOffice(t, func(o *office) {
		var log bytes.Buffer
		e := New(Config{Store: o.m, Keys: o.e.Keys, Now: time.Now, Logger: slog.New(slog.NewTextHandler(&log, nil)), Notifier: o.post,
			Observer: event.ObserverFunc(func(context.Context, event.Event) { panic("no such metric") })})
		o.post.set(func(context.Context, event.Notification) error { panic("no such template") })
		o.flow(e, "ana", event.Reset)
		synctest.Wait()
		require.Contains(t, log.String(), "no such metric")
		require.Contains(t, log.String(), "no such template")
		require.Equal(t, 2, strings.Count(log.String(), " level="))
		o.post.set(nil)
		time.Sleep(toldAfter + time.Second)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// A notifier that hangs does not delay a flow, has half a minute, and takes a bounded
// number of places; events that found no place are delivered later.
func TestHangingNotifier(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(ctx context.Context, _ event.Notification) error { <-ctx.Done(); return ctx.Err() })
		began := time.Now()
		for i := range 3 * maxPlaces {
			o.flow(o.e, fmt.Sprint("user", i, "-"), event.Reset)
		}
		require.Zero(t, time.Since(began), "no flow waits")
		require.Len(t, o.e.messenger.running, maxPlaces)
		require.NoError(t, o.e.Drain(o.t.Context()))
		require.Equal(t, notifyTimeout, time.Since(began))
		o.post.set(nil)
		time.Sleep(toldAfter)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, 3*maxPlaces, n)
		require.Len(t, o.post.told(), 3*maxPlaces)
	})
}

// Concurrent flows deliver each event once, from one process.
func TestFlowsAtOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				time.Sleep(time.Millisecond)
				o.flow(o.e, "ana", event.BrowserTrusted)
			})
		}
		all.Wait()
		synctest.Wait()
		require.Equal(t, []string{"ana1", "ana2", "ana3", "ana4", "ana5", "ana6", "ana7", "ana8"}, o.post.told())
		require.Zero(t, o.due("ana"))
	})
}

// Nobody is notified of a write that was not acknowledged.
func TestNoEventWithoutItsWrite(t *testing.T) {
	inOffice(t, func(o *office) {
		e := o.process(Config{Store: broken{o.m}, Keys: o.e.Keys, Observer: o.seen})
		err := e.Change(o.t.Context(), id, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.Reset})
			tx.Save()
			return nil
		})
		require.ErrorIs(t, err, store.ErrUnavailable)
		synctest.Wait()
		require.Empty(t, o.seen.got)
		require.Empty(t, o.post.told())
	})
}

// The request behind a flow ends with its answer, and the mail is sent nevertheless.
func TestToldAfterTheRequest(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(ctx context.Context, _ event.Notification) error { time.Sleep(time.Second); return ctx.Err() })
		ctx, cancel := context.WithCancel(o.t.Context())
		require.NoError(t, o.e.Change(ctx, store.AccountID{User: "ana"}, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.Reset})
			tx.Save()
			return nil
		}))
		cancel()
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// Several flows of one account during one call take no further place.
func TestFlowsDuringOneCall(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(time.Second); return nil })
		for range 2 * maxPlaces {
			o.flow(o.e, "ana", event.BrowserTrusted)
		}
		require.NoError(t, o.e.Drain(o.t.Context()))
		o.post.told()
		o.flow(o.e, "ben", event.Reset)
		o.flow(o.e, "eva", event.Reset)
		require.NoError(t, o.e.Drain(o.t.Context()))
		require.ElementsMatch(t, []string{"ben1", "eva1"}, o.post.told())
	})
}

// A claim that the store refuses does not end deliveries in this process.
func TestToldAfterAClaimFailed(t *testing.T) {
	inOffice(t, func(o *office) {
		s := totptest.Wrap(o.m)
		e := o.process(Config{Store: s, Keys: o.e.Keys, Observer: o.seen})
		o.flow(o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred}), "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		s.SetFaults(totptest.Faults{Put: errors.New("down")})
		_, err := o.deliver(e)
		require.ErrorIs(t, err, store.ErrUnavailable)
		s.SetFaults(totptest.Faults{})
		require.NoError(t, e.Drain(o.t.Context()))
		o.flow(e, "ana", event.Frozen)
		require.NoError(t, e.Drain(o.t.Context()))
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// One goroutine at a time delivers for an account, even while another one is just ending:
// two would deliver the same notification twice.
func TestOneTellsAtATime(t *testing.T) {
	m := newMessenger(nil)
	require.True(t, m.enter(id))
	require.False(t, m.next(id), "nothing has come")
	require.True(t, m.enter(id), "and the next one begins again")
	require.False(t, m.enter(id))
	require.True(t, m.next(id), "what has come meanwhile is told by the same one")
	require.False(t, m.enter(id))
	require.True(t, m.next(id))
	require.False(t, m.next(id))
	require.Zero(t, m.busy)
	require.Empty(t, m.running)
}

// The reason why a notification is pending is in the log, even if the host has set no
// logger; that one was accepted is not.
func TestWaitingIsLogged(t *testing.T) {
	inOffice(t, func(o *office) {
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		defer slog.SetDefault(before)
		e := New(Config{Store: o.m, Keys: o.e.Keys, Now: time.Now, Observer: o.seen, Notifier: o.post})
		o.flow(e, "ana", event.Reset)
		synctest.Wait()
		require.Empty(t, log.String())
		o.post.set(func(context.Context, event.Notification) error { return errors.New("mailbox full") })
		o.flow(e, "ana", event.Frozen)
		synctest.Wait()
		require.Contains(t, log.String(), "a notification waits in its record")
		require.Contains(t, log.String(), "user=ana")
	})
}

// Drain ends with its context.
func TestDrain(t *testing.T) {
	inOffice(t, func(o *office) {
		require.NoError(t, o.e.Drain(o.t.Context()))
		release := make(chan struct{})
		o.post.set(func(context.Context, event.Notification) error { <-release; return nil })
		o.flow(o.e, "ana", event.Reset)
		ctx, cancel := context.WithTimeout(o.t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, o.e.Drain(ctx), context.DeadlineExceeded)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := o.e.Drain(o.t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		both.Wait()
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}

// Without a notifier nothing becomes pending; a process that leaves notifying to others
// keeps notifications pending.
func TestNoNotifier(t *testing.T) {
	inOffice(t, func(o *office) {
		none := New(Config{Store: o.m, Keys: o.e.Keys, Now: time.Now, Observer: o.seen})
		o.flow(none, "ana", event.Reset)
		require.Zero(t, o.due("ana"))
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.Equal(t, []string{"ana2"}, o.post.told())

		var log bytes.Buffer
		others := New(Config{Store: o.m, Keys: o.e.Keys, Now: time.Now, Observer: o.seen, Notifier: event.Deferred, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		o.flow(others, "ben", event.Reset)
		synctest.Wait()
		require.Empty(t, log.String(), "it is not this process that failed")
		time.Sleep(toldAfter + time.Second)
		due := o.due("ben")
		for _, e := range []*Engine{none, others} {
			n, err := o.deliver(e)
			require.NoError(t, err)
			require.Zero(t, n)
			require.Equal(t, due, o.due("ben"), "what another process is to tell is left as it is")
		}
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// A slowDelete is a store whose deletions take long.
type slowDelete struct{ *store.Memory }

func (s slowDelete) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	time.Sleep(time.Second)
	return s.Memory.Delete(ctx, id, was)
}

// The erasure of an account is delivered as its last event, although the record is gone,
// and once: the write before it, which also has the event, does not cause a delivery.
func TestErasureIsTold(t *testing.T) {
	inOffice(t, func(o *office) {
		o.flow(o.e, "ana", event.SignedIn)
		var got []event.Kind
		o.post.set(func(_ context.Context, n event.Notification) error {
			time.Sleep(time.Second)
			got = append(got, n.Main().Kind)
			return nil
		})
		slow := o.process(Config{Store: slowDelete{o.m}, Keys: o.e.Keys, Observer: o.seen})
		require.NoError(t, slow.Erase(o.t.Context(), store.AccountID{User: "ana"}, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.Forgotten})
			return nil
		}))
		require.NoError(t, slow.Drain(o.t.Context())) // the process ends after it
		require.Equal(t, []event.Kind{event.Forgotten}, got)
	})
}

// A clock that was ahead when a mail failed does not delay it for a year: the next flow
// of the account brings its time forward.
func TestDueOfAClockAhead(t *testing.T) {
	inOffice(t, func(o *office) {
		ahead := New(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred, Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
		o.flow(ahead, "ana", event.Reset)
		require.Greater(t, time.Until(o.due("ana")), 300*24*time.Hour)
		o.flow(o.e, "ana", event.SignedIn)
		require.LessOrEqual(t, time.Until(o.due("ana")), toldAfter)
		time.Sleep(toldAfter + time.Second)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Zero(t, o.due("ana"))
	})
}

// Two processes change one account while the first is still sending its mail: each mail
// goes out once, and in order.
func TestTwoProcessesTellOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(5 * time.Second); return nil })
		o.flow(o.e, "ana", event.Reset)
		time.Sleep(time.Second)
		o.flow(o.other(), "ana", event.Frozen)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
		require.Zero(t, o.due("ana"))

		// If the first process has died, the second one soon delivers everything.
		crashed := o.process(Config{Store: o.m, Keys: o.e.Keys, Observer: o.seen, Notifier: event.Deferred})
		o.flow(crashed, "ben", event.Reset)
		time.Sleep(time.Second)
		o.flow(o.e, "ben", event.Frozen)
		time.Sleep(30 * time.Second)
		require.Equal(t, []string{"ben1", "ben2"}, o.post.told())
	})
}

// Mails that take almost as long as they may, while other processes change the account
// and deliver: one process sends all of them, once and in order.
func TestSlowMailsOfManyProcesses(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(notifyTimeout - time.Second); return nil })
		others := []*Engine{o.other(), o.other()}
		var want []string
		for i := range 12 {
			e, pause := o.e, time.Second
			if i >= 6 {
				e, pause = others[i%2], 25*time.Second
			}
			o.flow(e, "ana", event.BrowserTrusted)
			want = append(want, fmt.Sprint("ana", i+1))
			time.Sleep(pause)
			go func() { _, _ = others[(i+1)%2].Deliver(o.t.Context()) }()
		}
		time.Sleep(10 * time.Minute)
		require.Equal(t, want, o.post.told())
		require.Zero(t, o.due("ana"))

		o.flow(o.e, "ana", event.Reset)
		time.Sleep(notifyTimeout)
		o.flow(others[0], "ana", event.Reset)
		time.Sleep(notifyTimeout)
		require.Equal(t, []string{"ana13", "ana14"}, o.post.told(), "nobody waits for a process that has sent all")
	})
}

// A process that dies while it sends leaves its claim behind. Other processes leave the
// account to it for two minutes, and then one of them sends the pending mail.
func TestClaimOfADeadProcess(t *testing.T) {
	inOffice(t, func(o *office) {
		dead := o.process(Config{Store: lost{o.m, 1}.store(), Keys: o.e.Keys, Observer: o.seen})
		o.post.set(func(context.Context, event.Notification) error { return errors.New("the process was killed") })
		o.flow(dead, "ana", event.Reset)
		synctest.Wait()
		o.post.set(nil)
		time.Sleep(time.Second)
		o.flow(o.e, "ana", event.Frozen)
		synctest.Wait()
		require.Empty(t, o.post.told(), "the first may be sending")
		time.Sleep(toldAfter - 2*time.Second)
		n, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Zero(t, n)
		time.Sleep(2 * time.Second)
		n, err = o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())

		o.post.set(func(context.Context, event.Notification) error { return errors.New("killed again") })
		o.flow(o.other(), "ana", event.BrowserTrusted)
		synctest.Wait()
		o.post.set(nil)
		time.Sleep(toldAfter)
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		require.Equal(t, []string{"ana3", "ana4"}, o.post.told(), "the next flow does as well")
	})
}

// A process that was suspended before it looked for pending notifications, so that
// another one has taken its place, leaves the account to it.
func TestClaimThatWasLost(t *testing.T) {
	inOffice(t, func(o *office) {
		slow := o.process(Config{Store: standsStill{o.m, toldAfter + 10*time.Second}, Keys: o.e.Keys, Observer: o.seen})
		o.post.set(func(context.Context, event.Notification) error { time.Sleep(notifyTimeout - time.Second); return nil })
		o.flow(slow, "ana", event.Reset)
		time.Sleep(toldAfter + time.Second)
		o.flow(o.e, "ana", event.Frozen)
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"ana1", "ana2"}, o.post.told())
	})
}

// standsStill is the store of a process that is suspended while it reads an existing
// record; since the whole process stands still, no deadline of its own ends the call.
type standsStill struct {
	store.Store
	time time.Duration
}

func (s standsStill) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	ctx = context.WithoutCancel(ctx)
	if _, err := s.Store.Get(ctx, id); err == nil {
		time.Sleep(s.time)
	}
	return s.Store.Get(ctx, id)
}

// Two flows in one millisecond are two messages: a person who did two things is told
// about both. Three are three, in their order.
func TestTwoFlowsInOneMillisecond(t *testing.T) {
	inOffice(t, func(o *office) {
		o.post.set(func(context.Context, event.Notification) error { return errors.New("down") })
		for range 3 {
			o.flow(o.e, "ana", event.RecoveryCodesMade, event.Reset)
		}
		synctest.Wait()
		o.post.set(nil)
		time.Sleep(toldAfter + time.Second)
		_, err := o.deliver(o.e)
		require.NoError(t, err)
		require.Equal(t, []string{"ana2", "ana4", "ana6"}, o.post.told())
	})
}
