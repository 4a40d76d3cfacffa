package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/guard"
	"github.com/totpflow/totpflow/store"
)

// Notifications lie in the account's record from the write that they are about until
// the notifier has taken them, so that no crash loses one. The position is
// [event.Activity]'s; [store.Record.Due] says when somebody should look whether the
// process that wrote has told it, so that nobody scans a million accounts for ten.
const (
	// toldAfter is how long a flow's own process has to tell, before any process may.
	toldAfter = 2 * time.Minute
	// maxPause bounds the pauses between tries, which grow with the age of what waits.
	maxPause = 24 * time.Hour
	// givenUpAfter is the age of a notification that is given up.
	givenUpAfter = 72 * time.Hour
	// notifyTimeout bounds one call of the notifier.
	notifyTimeout = 30 * time.Second
	// maxDeliveries bounds how many accounts are told about at once. What finds no
	// place waits in its record.
	maxDeliveries = 16
)

// A messenger tells the notifier what waits in the records, each account by one
// goroutine of this process at a time.
type messenger struct {
	mu      sync.Mutex
	running map[store.AccountID]bool // true: there is more since it began
	idle    chan struct{}            // closed when nothing is running; nil while nobody waits
}

// enter reports whether the caller is to tell about the account: nobody does, and
// there is a place.
func (m *messenger) enter(id store.AccountID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.running[id]; there {
		m.running[id] = true
		return false
	}
	if len(m.running) >= maxDeliveries {
		return false
	}
	if m.running == nil {
		m.running = make(map[store.AccountID]bool)
	}
	m.running[id] = false
	return true
}

// leave reports whether the caller may stop: nothing has come since it began.
func (m *messenger) leave(id store.AccountID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[id] {
		m.running[id] = false
		return false
	}
	delete(m.running, id)
	if len(m.running) == 0 && m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
	return true
}

// Drain waits until nothing is being told, or until ctx ends.
func (e *Engine) Drain(ctx context.Context) error {
	m := &e.messenger
	for {
		m.mu.Lock()
		if len(m.running) == 0 {
			m.mu.Unlock()
			return nil
		}
		if m.idle == nil {
			m.idle = make(chan struct{})
		}
		idle := m.idle
		m.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// notifySoon tells what waits in the account's record, after the flow that wrote it
// and outside of it: the person who signs in waits for no mail server.
func (e *Engine) notifySoon(ctx context.Context, id store.AccountID) {
	if !e.messenger.enter(id) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		for {
			e.logged(ctx, id, e.notify(ctx, id))
			if e.messenger.leave(id) {
				return
			}
		}
	}()
}

// tells reports whether this process tells anybody.
func (e *Engine) tells() bool { return e.Notifier != nil && e.Notifier != event.Deferred }

func (e *Engine) logged(ctx context.Context, id store.AccountID, err error) {
	if err != nil {
		e.log().WarnContext(ctx, "totpflow: a notification waits in its record", "tenant", id.Tenant, "user", id.User, "error", err)
	}
}

func (e *Engine) log() *slog.Logger {
	if e.Logger == nil {
		return slog.Default()
	}
	return e.Logger
}

// notify tells what waits in the account's record, in order, and writes how far it
// came. The error is why something still waits.
func (e *Engine) notify(ctx context.Context, id store.AccountID) error {
	entry, found, err := e.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	if entry.Err != nil {
		return entry.Err
	}
	var told uint64
	for _, n := range entry.Account.Activity.Notifications(subject(id)) {
		if err = e.tell(ctx, n); err != nil {
			break
		}
		told = n.Number()
	}
	if told == 0 {
		return err
	}
	return errors.Join(err, e.ChangeRecord(ctx, id, func(tx *Tx) error {
		if tx.Found { // and was not erased meanwhile
			tx.Activity = tx.Activity.Acknowledged(told)
			tx.Save()
		}
		return nil
	}))
}

// tell calls the notifier. It returns nil when there is nothing to try again: the
// notification was taken, or is given up.
func (e *Engine) tell(ctx context.Context, n event.Notification) error {
	// A time in the future is of a clock that has been put right since.
	if age := e.now().Sub(n.Events[0].At).Abs(); age > givenUpAfter {
		e.giveUp(ctx, n, "too old")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	err := guard.Call(func() error { return e.Notifier.Notify(ctx, n) })
	if errors.Is(err, event.ErrUndeliverable) {
		e.giveUp(ctx, n, "undeliverable")
		return nil
	}
	return err
}

func (e *Engine) giveUp(ctx context.Context, n event.Notification, why string) {
	e.observe(ctx, event.Event{
		Number: n.Number(), At: e.now(), Tenant: n.Tenant, User: n.User, Kind: event.NotificationDropped,
		Reason: why, Action: string(n.Main().Kind),
	})
}

// Deliver tells what is due: what a process left that crashed, or what a notifier
// did not take. It claims each record by a write that moves its due time, so that
// several processes may run it at once. It returns how many accounts nothing waits for
// any more, and why something still waits.
func (e *Engine) Deliver(ctx context.Context) (accounts int, err error) {
	if !e.tells() {
		return 0, nil
	}
	var (
		mu     sync.Mutex
		errs   []error
		places = make(chan struct{}, maxDeliveries)
		all    sync.WaitGroup
	)
	defer all.Wait()
	done := func(id store.AccountID, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			accounts++
		} else if len(errs) < maxDeliveries { // one mail server that is down says it once for each
			errs = append(errs, fmt.Errorf("%s/%s: %w", id.Tenant, id.User, err))
		}
	}
	q := store.Query{AllTenants: true, Heads: true, DueBefore: e.now()}
	for {
		page, err := e.Store.List(ctx, q)
		if err != nil {
			all.Wait()
			return accounts, errors.Join(append(errs, unavailable(err))...)
		}
		for _, rec := range page.Records {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				all.Wait()
				return accounts, errors.Join(append(errs, ctx.Err())...)
			}
			all.Go(func() {
				defer func() { <-places }()
				if claimed, err := e.claim(ctx, rec.ID); err != nil || claimed {
					if err == nil {
						err = e.notify(ctx, rec.ID)
					}
					done(rec.ID, err)
				}
			})
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			all.Wait()
			return accounts, errors.Join(errs...)
		}
	}
}

// claim moves the due time of a record that is due, and reports whether it did:
// another process may have been quicker.
func (e *Engine) claim(ctx context.Context, id store.AccountID) (claimed bool, err error) {
	err = e.ChangeRecord(ctx, id, func(tx *Tx) error {
		claimed = tx.Found && !tx.due.IsZero() && tx.due.Before(tx.Now)
		if claimed {
			tx.claimed = true
			tx.Save()
		}
		return nil
	})
	return claimed && err == nil, err
}

// nextDue is when somebody should look at what waits in the record, zero where
// nothing does.
func (tx *Tx) nextDue() time.Time {
	waiting := tx.Activity.Notifications(subject(tx.id))
	if len(waiting) == 0 {
		return time.Time{}
	}
	soon := tx.Now.Add(toldAfter)
	switch {
	case tx.claimed:
		return tx.Now.Add(min(max(tx.Now.Sub(waiting[0].Events[0].At), toldAfter), maxPause))
	case tx.due.IsZero(), tx.notable() && tx.due.After(soon), tx.due.After(tx.Now.Add(maxPause)): // the last one by a clock that was ahead
		return soon
	}
	return tx.due
}

// notable reports whether this attempt logged anything that the person is told of.
func (tx *Tx) notable() bool {
	for _, ev := range tx.events {
		if ev.Kind.Notable() {
			return true
		}
	}
	return false
}

// observe has the observer hear of an event. What happened has happened, also where
// the caller's context is at its end.
func (e *Engine) observe(ctx context.Context, ev event.Event) {
	ctx = context.WithoutCancel(ctx)
	if err := guard.Call(func() error { e.Observer.Observe(ctx, ev); return nil }); err != nil {
		e.log().WarnContext(ctx, "totpflow: an observer panicked", "kind", ev.Kind, "number", ev.Number, "error", err)
	}
}

// Report has the observer hear of an event that is about no account and stands in no
// record.
func (e *Engine) Report(ctx context.Context, ev event.Event) {
	ev.At, ev.Source = e.Now().UTC(), event.SourceOf(ctx)
	e.observe(ctx, ev)
}
