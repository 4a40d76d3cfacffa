package engine

import (
	"context"
	"errors"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// Erase deletes the account's record, after the observer has received the events that
// decide logged. It also deletes everything that another call writes meanwhile. The
// notifier receives the events that were pending, and the erasure, without a second try:
// no record is left to try again from.
func (e *Engine) Erase(ctx context.Context, id store.AccountID, decide func(*Tx) error) error {
	var found bool
	var last *Tx
	err := e.Change(ctx, id, func(tx *Tx) error {
		found, last = tx.Found, tx
		if err := decide(tx); err != nil || !found {
			return err
		}
		tx.erases = true
		tx.Save() // writes the event, so that observers receive it although the record is deleted
		return nil
	})
	if err != nil || !found {
		return err
	}
	for range maxDeletions {
		if err = e.deleteOnce(ctx, id); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return halfDone(err)
	}
	e.notifyGone(ctx, last)
	return nil
}

// EraseUnopened deletes an account's record that does not open, and reports ev. because is
// the error of Erase, which it returns where it deletes nothing. If the ring opens no other
// record, it belongs to another installation, where this id may be another person's.
func (e *Engine) EraseUnopened(ctx context.Context, id store.AccountID, because error, ev event.Event) error {
	if !unopened(because) || e.Ready(ctx) != nil {
		return because
	}
	rec, err := e.Store.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil // somebody else has deleted it
	case err != nil:
		return unavailable(err)
	case rec.ID != id || e.Opened(rec).Err == nil: // a store that ignores case returned another person's; or it is good by now
		return because
	}
	ev.Tenant, ev.User = subject(id)
	e.Report(ctx, ev) // before the deletion, as by Erase
	if err := e.Store.Delete(ctx, id, rec.Version); err != nil {
		return unavailable(err)
	}
	return nil
}

// halfDone makes the second of two writes unavailable: an error that says that nothing
// was written is true of that write only.
func halfDone(err error) error {
	if errors.Is(err, store.ErrNotWritten) {
		err = errors.New(err.Error())
	}
	return unavailable(err)
}

// maxDeletions bounds how often Erase loses a race before it gives up.
const maxDeletions = 32

func (e *Engine) deleteOnce(ctx context.Context, id store.AccountID) error {
	rec, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // somebody else has deleted it
	}
	if err != nil {
		return err
	}
	return e.Store.Delete(ctx, id, rec.Version)
}
