package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
)

// Notifications are in the account's record from the write that they are about until they
// are delivered, so that no crash loses one. [event.Activity] knows which are pending;
// [store.Record.Due] is when another process should check whether the one that wrote has
// delivered it, so that no process scans a million accounts for ten.
const (
	// toldAfter is how long a process has to deliver the notification of its flow, before
	// any other process may. It is longer than a call of the notifier and the write after
	// it may take together.
	toldAfter = 2 * time.Minute
	// maxPause bounds the pauses between tries, which grow with the age of the
	// notification.
	maxPause = 24 * time.Hour
	// givenUpAfter is the age at which a notification is given up when it fails.
	givenUpAfter = 72 * time.Hour
	// passTimeout is how long after its claim a process goes on to the notifications behind
	// one that was refused. With another call and its write it stays below toldAfter.
	passTimeout = 30 * time.Second
	// storeTimeout bounds the reads and writes around a call.
	storeTimeout = 30 * time.Second
	// deliverTimeout bounds one Deliver, so that a mail server that hangs delays others
	// by no more. Notifications that are left come first in the next one.
	deliverTimeout = time.Minute
	// maxErrors bounds what Deliver reports.
	maxErrors = 16
)

// claims claims the pending notifications for this process, unless another process has a
// claim; that one then delivers this flow's events as well.
func (e *Engine) claims(tx *Tx) bool {
	if tx.Notifying.HeldBesides(e.process, tx.Now, toldAfter) {
		return false
	}
	tx.Notifying = account.Notifying{By: e.process, Since: tx.Now.Truncate(time.Millisecond)}
	return true
}

// notifySoon delivers the events pending in the account's record, after the flow that
// wrote them and outside of it: the person who signs in does not wait for a mail server.
func (e *Engine) notifySoon(ctx context.Context, id store.AccountID) {
	m := e.messenger
	select {
	case m.places <- struct{}{}:
	default:
		return // the event stays pending in its record
	}
	if !m.enter(id) {
		<-m.places
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() { <-m.places }()
		for more := true; more; more = m.next(id) {
			e.logged(ctx, id, e.notify(ctx, id))
		}
	}()
}

// logged logs the reason why an event is still pending.
func (e *Engine) logged(ctx context.Context, id store.AccountID, err error) {
	if err != nil {
		e.report(ctx, slog.LevelWarn, troubleOf{kind: pending, id: id}, slog.Any("error", err))
	}
}

// notify delivers the events that are pending in the account's record, in order, and
// notes each one as soon as it is delivered. One that is refused does not hold back those
// after it: the first may be a mail that no library can build, and the next one the news
// of a thief's browser. The error is why some are still pending.
func (e *Engine) notify(ctx context.Context, id store.AccountID) error {
	left, err := e.claimed(ctx, id)
	if err != nil {
		return err
	}
	var refused error
	tried := uint64(0)
	until := time.Now().Add(passTimeout)
	for {
		i := slices.IndexFunc(left, func(n event.Notification) bool { return n.Number() > tried })
		if i < 0 || refused != nil && time.Now().After(until) {
			return refused
		}
		n := left[i]
		tried = n.Number()
		switch err := e.tell(ctx, n); {
		case err == nil:
			if left, err = e.told(ctx, id, n); err != nil {
				return err
			}
			until = time.Now().Add(passTimeout) // told has renewed the claim
		case errors.Is(err, errDeaf), ctx.Err() != nil:
			return err
		case refused == nil:
			refused = err
		}
	}
}

// claimed returns the pending notifications of an account that this process has claimed.
func (e *Engine) claimed(ctx context.Context, id store.AccountID) ([]event.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	entry, found, err := e.Read(ctx, id)
	switch {
	case err != nil || !found:
		return nil, err
	case entry.Err != nil:
		return nil, entry.Err
	case entry.Account.Notifying.By != e.process:
		return nil, nil // this process was so slow that another one has taken its place
	}
	return entry.Account.Activity.Notifications(subject(id)), nil
}

// told notes that n was delivered, even if the caller's context has ended: an event that
// was delivered must not be delivered again. A record that was erased and begun again
// meanwhile has another event under this number, or none. It renews the claim for the
// events that are still pending, including those that other processes have written since,
// and returns it; it returns nothing if another process has taken this one's place.
func (e *Engine) told(ctx context.Context, id store.AccountID, n event.Notification) (left []event.Notification, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	err = e.ChangeRecord(ctx, id, func(tx *Tx) error {
		left = nil
		for _, waiting := range tx.Activity.Notifications(subject(id)) {
			if waiting.Number() == n.Number() && waiting.Events[0].At.Equal(n.Events[0].At) {
				tx.Activity = tx.Activity.Acknowledged(waiting)
				tx.claimed = true // renews the claim for the events that are still pending
				tx.Save()
				if e.claims(tx) {
					left = tx.Activity.Notifications(subject(id))
				}
			}
		}
		return nil
	})
	return Acknowledged(left, err)
}

// tell calls the notifier. It returns nil if no other try is needed: the notification was
// delivered, or was given up.
func (e *Engine) tell(ctx context.Context, n event.Notification) error {
	err := e.messenger.call(ctx, n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, event.ErrUndeliverable):
		e.giveUp(ctx, n, "undeliverable", err)
		return nil
	// A time in the future comes from a clock that has been put right since.
	case e.now().Sub(n.Events[0].At).Abs() > givenUpAfter:
		e.giveUp(ctx, n, "too old", err)
		return nil
	}
	return OfHost(err)
}

// giveUp reports to the observer that nobody was notified, and logs the notifier's error.
func (e *Engine) giveUp(ctx context.Context, n event.Notification, why string, err error) {
	e.report(ctx, slog.LevelWarn, troubleOf{kind: givenUp, id: store.AccountID{Tenant: n.Tenant, User: n.User}},
		slog.String("kind", string(n.Main().Kind)), slog.String("reason", why), slog.Any("error", err))
	e.observe(ctx, event.Event{
		Number: n.Number(), At: e.now(), Tenant: n.Tenant, User: n.User, Kind: event.NotificationDropped,
		Reason: why, Action: string(n.Main().Kind),
	})
}

// notifyGone delivers the pending notifications of a deleted record, its erasure last.
// There is no second try.
func (e *Engine) notifyGone(ctx context.Context, tx *Tx) {
	waiting := tx.Activity.Notifications(subject(tx.id))
	if e.Notifier == nil || len(waiting) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if !e.messenger.tells() {
		if before := len(waiting) - 1; before > 0 { // its observer has just received the erasure itself
			e.observe(ctx, event.Event{
				Number: waiting[0].Number(), At: e.now(), Tenant: waiting[0].Tenant, User: waiting[0].User, Kind: event.NotificationDropped,
				Reason: "erased by a process that tells nobody", Action: string(waiting[0].Main().Kind), Remaining: before,
			})
		}
		return
	}
	m := e.messenger
	m.begin()
	go func() {
		defer func() { m.mu.Lock(); m.end(); m.mu.Unlock() }()
		place, cancel := context.WithTimeout(ctx, deliverTimeout)
		defer cancel()
		select {
		case m.places <- struct{}{}:
			defer func() { <-m.places }()
		case <-place.Done(): // each call has its own bound
		}
		for _, n := range waiting {
			if m.taken(n) {
				continue
			}
			if err := e.tell(ctx, n); err != nil {
				e.giveUp(ctx, n, "erased", err)
			}
		}
	}()
}

// nextDue returns when a process should look at the pending notifications in the record;
// zero if there are none.
func (tx *Tx) nextDue() time.Time {
	waiting := tx.Activity.Notifications(subject(tx.id))
	if len(waiting) == 0 {
		return time.Time{}
	}
	soon := tx.Now.Add(toldAfter)
	switch {
	case tx.claimed:
		return tx.Now.Add(pause(tx.Now, waiting))
	case tx.due.IsZero(), tx.notable() && tx.due.After(soon), tx.due.After(tx.Now.Add(maxPause)): // the last one by a clock that was ahead
		return soon
	}
	return tx.due
}

// pause returns how long to wait for the next try: as long as the youngest notification has
// waited, so that it does not inherit the pauses of an older one that is always refused,
// but not beyond the time at which the oldest is given up.
func pause(now time.Time, waiting []event.Notification) time.Duration {
	oldest, youngest := now.Sub(waiting[0].Events[0].At), now.Sub(waiting[len(waiting)-1].Events[0].At)
	pause := min(max(youngest, toldAfter), maxPause)
	if left := givenUpAfter - oldest; left > 0 {
		pause = min(pause, max(left, toldAfter))
	}
	return pause
}

// notable reports whether this attempt logged anything that the person is notified about.
func (tx *Tx) notable() bool {
	for _, ev := range tx.events {
		if ev.Kind.Notable() {
			return true
		}
	}
	return false
}
