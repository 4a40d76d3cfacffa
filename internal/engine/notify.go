package engine

import (
	"context"
	"errors"
	"log/slog"
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
	// passTimeout is the age of its claim up to which a process begins another call. With
	// that call, its write and clocks that differ, it stays below toldAfter.
	passTimeout = 25 * time.Second
	// storeTimeout bounds the reads and writes around a call.
	storeTimeout = 30 * time.Second
	// deliverTimeout bounds one Deliver, so that a mail server that hangs delays others
	// by no more. Notifications that are left come first in the next one.
	deliverTimeout = time.Minute
	// maxErrors bounds what Deliver reports.
	maxErrors = 16
)

// errLate means that the claim is too old for another call: another process may soon claim
// the notifications.
var errLate = errors.New("engine: no time is left for another call of the notifier")

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
// of a thief's browser. If time runs out, the next pass begins behind the notification that
// was tried last, because the first may take all of the time whenever it is tried.
// The error is why some are still pending.
func (e *Engine) notify(ctx context.Context, id store.AccountID) error {
	left, since, err := e.claimed(ctx, id)
	if err != nil {
		return err
	}
	var refused []error
	last, tried := e.messenger.resume(id), make(map[uint64]bool)
	for {
		n, more := next(left, last, tried)
		if !more {
			return errors.Join(refused...)
		}
		if e.now().Sub(since) > passTimeout {
			e.stop(ctx, id, last, untried(left, tried))
			return errors.Join(append(refused, errLate)...)
		}
		err := e.tell(ctx, n)
		if errors.Is(err, errDeaf) {
			e.stop(ctx, id, last, untried(left, tried))
			return errors.Join(append(refused, err)...)
		}
		last = n.Number()
		switch {
		case err == nil:
			if left, since, err = e.told(ctx, id, n); err != nil {
				return err
			}
		case ctx.Err() != nil: // the call was cut short
			e.stop(ctx, id, last, untried(left, tried))
			return errors.Join(append(refused, err)...)
		case len(refused) < maxErrors:
			refused = append(refused, err)
		}
		tried[last] = true
	}
}

// stop ends a pass that has left out some of the pending notifications. They do not wait for
// the whole pause of those that were tried.
func (e *Engine) stop(ctx context.Context, id store.AccountID, last uint64, untried int) {
	e.messenger.stopped(id, last)
	if untried <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	e.logged(ctx, id, e.ChangeRecord(ctx, id, func(tx *Tx) error {
		if tx.Notifying.By == e.process && tx.Activity.Waiting() > 0 {
			tx.claimed, tx.untried = true, untried
			tx.Save()
		}
		return nil
	}))
}

func untried(left []event.Notification, tried map[uint64]bool) (count int) {
	for _, n := range left {
		if !tried[n.Number()] {
			count++
		}
	}
	return count
}

// next returns the first notification behind the given number that was not tried yet. If
// there is none, it begins with the oldest again.
func next(left []event.Notification, last uint64, tried map[uint64]bool) (event.Notification, bool) {
	for _, from := range []uint64{last, 0} {
		for _, n := range left {
			if n.Number() > from && !tried[n.Number()] {
				return n, true
			}
		}
	}
	return event.Notification{}, false
}

// claimed returns the pending notifications of an account that this process has claimed,
// and when it claimed them.
func (e *Engine) claimed(ctx context.Context, id store.AccountID) (left []event.Notification, since time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	entry, found, err := e.Read(ctx, id)
	switch {
	case err != nil || !found:
		return nil, since, err
	case entry.Err != nil:
		return nil, since, entry.Err
	case entry.Account.Notifying.By != e.process:
		return nil, since, nil // this process was so slow that another one has taken its place
	}
	return entry.Account.Activity.Notifications(subject(id)), entry.Account.Notifying.Since, nil
}

// told notes that n was delivered, even if the caller's context has ended: an event that
// was delivered must not be delivered again. A record that was erased and begun again
// meanwhile has another event under this number, or none. It renews the claim for the
// events that are still pending, including those that other processes have written since,
// and returns it; it returns nothing if another process has taken this one's place.
func (e *Engine) told(ctx context.Context, id store.AccountID, n event.Notification) (left []event.Notification, since time.Time, err error) {
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
					left, since = tx.Activity.Notifications(subject(id)), tx.Now
				}
			}
		}
		return nil
	})
	left, err = Acknowledged(left, err)
	return left, since, err
}

// tell calls the notifier. It returns nil if no other try is needed: the notification was
// delivered, or was given up. A call that could not take place, or that the caller cut
// short, is no reason to give up.
func (e *Engine) tell(ctx context.Context, n event.Notification) error {
	err := e.messenger.call(ctx, n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, event.ErrUndeliverable):
		e.giveUp(ctx, n, "undeliverable", err)
		return nil
	case errors.Is(err, errDeaf), ctx.Err() != nil:
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
		return tx.Now.Add(max(pause(tx.Now, waiting)/time.Duration(1+tx.untried), toldAfter))
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
