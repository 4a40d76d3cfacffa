package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
)

// Deliver hands over due notifications: those left by a process that crashed, and those
// that a notifier failed to deliver. It claims each record by a write that moves its due
// time, so that several processes may run it at once. It returns the number of accounts
// that have nothing left to deliver, and why others do.
func (e *Engine) Deliver(ctx context.Context) (accounts int, err error) {
	if !e.messenger.tells() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	d := delivery{e: e}
	now := e.now()
	due := store.Query{AllTenants: true, Heads: true, DueBefore: now}
	// A clock that was ahead has put off others for as long.
	ahead := store.Query{AllTenants: true, Heads: true, DueBefore: now.AddDate(1000, 0, 0), Cursor: store.Place{ID: store.AccountID{User: "0"}, Due: now.Add(maxPause)}.Cursor()}
	err = errors.Join(d.list(ctx, due), d.list(ctx, ahead))
	d.all.Wait()
	return d.accounts, errors.Join(append(d.errs, err, d.unread)...)
}

// A delivery is one call of Deliver.
type delivery struct {
	e   *Engine
	all sync.WaitGroup

	mu       sync.Mutex
	accounts int
	errs     []error
	unread   error // records that do not open, where a later try does not help
	unreads  int
}

// list starts a delivery for each record of a list.
func (d *delivery) list(ctx context.Context, q store.Query) error {
	for {
		page, err := d.e.Store.List(ctx, q)
		if err != nil {
			return unavailable(err)
		}
		for _, rec := range page.Records {
			select {
			case d.e.messenger.places <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			d.all.Go(func() {
				defer func() { <-d.e.messenger.places }()
				d.one(ctx, rec.ID)
			})
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

func (d *delivery) one(ctx context.Context, id store.AccountID) {
	m := d.e.messenger
	if !m.enter(id) {
		return // another goroutine of this process is delivering
	}
	claimed, err := d.e.claim(ctx, id)
	if claimed {
		err = d.e.notify(ctx, id)
	}
	for m.next(id) { // a flow that left its events to this call
		claimed, err = true, d.e.notify(ctx, id)
	}
	if err == nil && !claimed {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.accounts++
	case unopened(err):
		d.unreads++
		d.unread = fmt.Errorf("%d records do not open: %w", d.unreads, err)
	case len(d.errs) < maxErrors: // a mail server that is down fails once for each account
		d.errs = append(d.errs, fmt.Errorf("%s/%s: %w", id.Tenant, id.User, err))
	}
}

// claim claims a record that is due, moves its due time, and reports whether it did:
// another process may have been quicker.
func (e *Engine) claim(ctx context.Context, id store.AccountID) (claimed bool, err error) {
	err = e.ChangeRecord(ctx, id, func(tx *Tx) error {
		due := tx.Found && !tx.due.IsZero() && (tx.due.Before(tx.Now) || tx.due.After(tx.Now.Add(maxPause)))
		claimed = due && e.claims(tx)
		if claimed {
			tx.claimed = true
			tx.Save()
		}
		return nil
	})
	return claimed && err == nil, err
}
