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

// A Tx is one attempt at a change: the account as it is in the store at this moment, and
// the caller's decision about it.
type Tx struct {
	account.Account
	Found bool      // whether there is a record
	Stale bool      // whether it should be sealed again, under the ring's newest key
	Now   time.Time // UTC, without a monotonic reading

	id      store.AccountID
	source  event.Source
	due     time.Time // when a process should check for pending notifications
	claimed bool      // whether this attempt has claimed the pending notifications, to check now
	untried int       // how many of them a pass had no time for
	erases  bool      // the record is about to be deleted
	// whether this process is to deliver what this attempt writes
	notifies bool
	// how many pending events found no place
	crowdedOut int
	save       bool
	events     []event.Event
}

// ID returns the account's id.
func (tx *Tx) ID() store.AccountID { return tx.id }

// Save makes the call write the account before it answers.
func (tx *Tx) Save() { tx.save = true }

// Log adds an event. If the account is saved, the event is numbered and kept with it.
// Otherwise only the observer receives it.
func (tx *Tx) Log(e event.Event) {
	e.At, e.Source = tx.Now, tx.source
	e.Tenant, e.User = subject(tx.id)
	tx.events = append(tx.events, e)
}

// subject returns the account that the events of a record are about. Those of a tenant's own
// record are not about a user.
func subject(id store.AccountID) (tenant, user string) {
	if id.Reserved() {
		return id.Tenant, ""
	}
	return id.Tenant, id.User
}

// Change runs decide on the account as it is now. If decide has called Save, the account
// is written, provided that nobody wrote it meanwhile; otherwise decide runs again on the
// new state, so it must leave no trace outside the Tx except in variables that it sets
// each time. The error of decide is returned only after the write was acknowledged. Until
// then there is no answer: a failed write, a lost race or an unreadable record is a
// separate error ([store.ErrUnavailable], [keyring.ErrOpen], [account.ErrFormat]).
func (e *Engine) Change(ctx context.Context, id store.AccountID, decide func(*Tx) error) error {
	if err := account.Validate(id); err != nil {
		return err
	}
	return e.ChangeRecord(ctx, id, decide)
}

// ChangeTenant is Change for the tenant's own record.
func (e *Engine) ChangeTenant(ctx context.Context, tenant string, decide func(*Tx) error) error {
	return e.ChangeRecord(ctx, account.TenantID(tenant), decide)
}

// Guess is Change for calls that many can make for one account at once, such as the check
// of a code. If other calls are at work on the account, decide runs once before its turn:
// an answer that writes nothing needs no turn. decide must be cheap, since its run may be
// discarded: it must not make recovery codes.
func (e *Engine) Guess(ctx context.Context, id store.AccountID, decide func(*Tx) error) error {
	if err := account.Validate(id); err != nil {
		return err
	}
	tx, answer, err := e.peek(ctx, id, decide)
	switch {
	case err != nil:
		e.reportOutcome(ctx, id, 1, err)
		return err
	case tx == nil || tx.save:
		return e.ChangeRecord(ctx, id, decide)
	}
	e.observeAll(ctx, tx)
	return answer
}

// ChangeRecord is Change for any record, including those of reserved ids.
func (e *Engine) ChangeRecord(ctx context.Context, id store.AccountID, decide func(*Tx) error) error {
	rounds := 0
	tx, answer, err := e.decideAndSwap(ctx, id, func(tx *Tx) error { rounds++; return decide(tx) })
	e.reportOutcome(ctx, id, rounds, err)
	if err != nil {
		return err
	}
	// After the acknowledgement and outside the queue: a slow observer delays only its
	// own call.
	e.observeAll(ctx, tx)
	if tx.notifies && tx.save && !tx.erases {
		e.notifySoon(ctx, id)
	}
	return answer
}

// Look is Change for a call that seldom writes and that hosts make at each request. It
// runs decide on the account as it reads it, outside the queue; only if decide calls Save
// does decide run again, by Change.
func (e *Engine) Look(ctx context.Context, id store.AccountID, decide func(*Tx) error) error {
	if err := account.Validate(id); err != nil {
		return err
	}
	tx, err := e.glance(ctx, id)
	if err != nil {
		e.reportFailure(ctx, id, err)
		return err
	}
	answer := decide(tx)
	if tx.save {
		return e.Change(ctx, id, decide)
	}
	e.observeAll(ctx, tx)
	return answer
}

// glance returns an attempt of the account as it reads it, outside the queue.
func (e *Engine) glance(ctx context.Context, id store.AccountID) (*Tx, error) {
	rec, err := e.Store.Get(ctx, id)
	found := !errors.Is(err, store.ErrNotFound)
	if err != nil && found {
		return nil, unavailable(err)
	}
	rec.ID = id // as in read
	return e.attempt(ctx, id, rec, found)
}

// peek decides about an account for which others are at work, without a turn in their
// queue. An attempt that writes nothing is answered right away: while hundreds guess at a
// throttled account, its owner does not wait for them. An attempt that wants to save
// decides again when its turn comes. peek returns no attempt if nobody else is at work.
func (e *Engine) peek(ctx context.Context, id store.AccountID, decide func(*Tx) error) (tx *Tx, answer, err error) {
	if !e.queue.busy(id) {
		return nil, nil, nil
	}
	err = store.Update(ctx, e.Store, id, func(rec store.Record, found bool) (*store.Record, error) {
		if tx, err = e.attempt(ctx, id, rec, found); err == nil {
			answer = decide(tx)
		}
		return nil, err
	})
	return tx, answer, err
}

// attempt returns a Tx of the account as it was read.
func (e *Engine) attempt(ctx context.Context, id store.AccountID, rec store.Record, found bool) (tx *Tx, err error) {
	tx = &Tx{Found: found, Now: e.now(), id: id, source: event.SourceOf(ctx)}
	if !found {
		return tx, nil
	}
	if err = tx.Account.Open(e.Keys, rec); err != nil {
		return nil, err
	}
	tx.Stale, tx.due = e.Keys.Stale(rec.Sealed), rec.Due
	if tx.dropAhead() {
		e.report(ctx, slog.LevelWarn, troubleOf{kind: timeOfTheFuture, id: id})
	}
	tx.Enrollment = tx.Enrollment.Expire(tx.Now) // so that expired parts do not affect a decision
	return tx, nil
}

// decideAndSwap returns the attempt that was written and its answer, or the error.
func (e *Engine) decideAndSwap(ctx context.Context, id store.AccountID, decide func(*Tx) error) (tx *Tx, answer, err error) {
	done, err := e.queue.enter(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	err = store.Update(ctx, e.Store, id, func(rec store.Record, found bool) (*store.Record, error) {
		if tx, err = e.attempt(ctx, id, rec, found); err != nil {
			return nil, err
		}
		answer = decide(tx)
		if !tx.save {
			return nil, nil
		}
		e.number(tx)
		tx.Prune(tx.Now)
		return account.Seal(e.Keys, id, tx.Account, tx.Now, tx.nextDue())
	})
	return tx, answer, err
}

// now returns the time as it is stored and compared: in UTC, and without the reading of
// the process's monotonic clock.
func (e *Engine) now() time.Time {
	now := e.Now()
	e.watchClock(now)
	return now.UTC().Round(0)
}

// dropAhead drops everything that a clock that was ahead has left behind, and makes the
// call write the account: otherwise it would become valid again when its time arrives. It
// reports whether there was anything to drop.
func (tx *Tx) dropAhead() bool {
	ahead := tx.Ahead(tx.Now)
	if ahead {
		tx.Prune(tx.Now)
		tx.Save()
	}
	return ahead
}

// number puts the events of tx into the account, so that they are written with it.
func (e *Engine) number(tx *Tx) {
	waiting := 0
	if e.Notifier != nil && tx.notable() {
		waiting = tx.Activity.Waiting()
	}
	apart := tx.apart(waiting)
	for i, ev := range tx.events {
		ev.At = ev.At.Add(apart)
		tx.Activity, tx.events[i] = tx.Activity.Append(ev)
		tx.events[i].Tenant, tx.events[i].User = ev.Tenant, ev.User // ids belong to the host and must not be cleaned
		if ev.Kind.Notable() {
			waiting++
		}
	}
	if e.Notifier != nil && tx.notable() {
		tx.crowdedOut = waiting - tx.Activity.Waiting()
	}
	switch {
	case e.Notifier == nil:
		tx.Activity = tx.Activity.AllAcknowledged()
	case tx.notable() && e.messenger.tells():
		tx.notifies = e.claims(tx)
	}
	if tx.Activity.Waiting() == 0 {
		tx.Notifying = account.Notifying{}
	}
}

// apart returns by how much the events of this flow must be later than its time, so that
// none has the time of another flow: events with the same time are one message.
func (tx *Tx) apart(waiting int) time.Duration {
	if waiting == 0 {
		return 0
	}
	all := tx.Activity.Notifications(subject(tx.id))
	now, last := tx.Now.Truncate(time.Millisecond), all[len(all)-1].Events[0].At
	if ahead := last.Sub(now); 0 <= ahead && ahead < time.Second { // beyond that it was another clock, and the times differ
		return ahead + time.Millisecond
	}
	return 0
}

// View returns the account of an entry as a Tx that nothing saves, for code that only
// reads it.
func (e *Engine) View(entry Entry) *Tx {
	tx := &Tx{Account: entry.Account, Now: e.now(), id: entry.ID}
	tx.dropAhead()
	tx.Enrollment = tx.Enrollment.Expire(tx.Now)
	return tx
}

// Acknowledged makes sure that nothing is granted together with an error: an attempt that
// was decided but not acknowledged leaves its result in variables.
func Acknowledged[T any](result T, err error) (T, error) {
	if err != nil {
		var nothing T
		return nothing, err
	}
	return result, nil
}
