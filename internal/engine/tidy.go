package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
)

// TidyEntry drops from the record of an entry what [account.Account.Tidy] drops, and then
// deletes a record of message counts that is empty. A record that needs no tidying is not
// read again. It reports what it did, or would do if write were true.
func (e *Engine) TidyEntry(ctx context.Context, was Entry, write bool) (changed, deleted bool, err error) {
	tidy := func(tx *Tx) (bool, bool, error) { return tx.Tidy(tx.Now, e.longestLimit()) }
	tx := &Tx{Account: was.Account, Now: e.now(), id: was.ID}
	changed, empty, err := tidy(tx)
	empty = empty && was.ID.Reserved()
	if err != nil || !write || !changed && !empty {
		return changed && !empty, empty, err
	}
	if empty {
		deleted, err = e.deleteEmpty(ctx, was.ID)
		return false, deleted, err
	}
	// The write drops the same parts by itself, from the record as it then is.
	err = e.ChangeRecord(ctx, was.ID, func(tx *Tx) (err error) {
		if changed = tx.Found; changed {
			_, _, err = tidy(tx)
			tx.Save()
		}
		return err
	})
	return changed, false, err
}

// deleteEmpty deletes the record as it is now, if it still contains nothing that is
// needed. A flow that counts a message meanwhile wins: the record stays.
func (e *Engine) deleteEmpty(ctx context.Context, id store.AccountID) (deleted bool, err error) {
	rec, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, unavailable(err)
	}
	now := entry(e.Keys, rec)
	if now.Err != nil {
		return false, now.Err
	}
	if _, empty, err := now.Account.Tidy(e.now(), e.longestLimit()); err != nil || !empty {
		return false, err
	}
	err = e.Store.Delete(ctx, id, rec.Version)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, store.ErrConflict):
		return false, nil
	}
	return false, unavailable(err)
}

// longestLimit returns how long a message may count. A process that does not know the
// product's limits, such as the operator's command, assumes the longest possible one.
func (e *Engine) longestLimit() time.Duration { return cmp.Or(e.LongestLimit, phone.MaxPeriod) }
