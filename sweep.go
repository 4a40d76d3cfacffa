package totpflow

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
)

// What an operator does over all records, a page at a time. A run that was cut
// short goes on from the cursor of the last progress; to begin again does no harm.

// Progress is told after each page.
type Progress struct {
	Cursor        string            // to go on after this page; empty at the end
	Seen, Changed int               // records so far, in this run
	Unreadable    []store.AccountID // records of this page that do not open; they are as they were
}

// ErrUnreadable means that records did not open. All others are done.
var ErrUnreadable = errors.New("totpflow: records that do not open were passed over")

// A Checked is one record of [Admin.Check].
type Checked struct {
	ID    store.AccountID
	KeyID string // of the key that it is sealed under, as keyring.Ring.IDs spells it
	Stale bool   // not under the newest
	Err   error  // why it does not open
}

// Reseal writes every record anew that is not sealed under the ring's newest key,
// so that old keys can go. It may run while people sign in. Records that do not
// open are passed over, and the error is [ErrUnreadable] at the end; any other
// ends it at once.
func (a Admin) Reseal(ctx context.Context, by Operator, cursor string, progress func(Progress)) error {
	who, err := a.act(ctx, by, "", store.AccountID{})
	if err != nil {
		return err
	}
	if err := a.sweep(ctx, cursor, progress, func(r *account.Round) bool { return r.Stale }); err != nil {
		return err
	}
	a.service.book.Tell(ctx, event.Event{Kind: event.KeysRotated, Actor: who.name, Reason: who.reason})
	return nil
}

// Restored is run once after the database was put back to an earlier state, with
// a ring whose epoch was raised (keyring.RaiseEpoch), which by itself ends every
// browser, sign-in and "it was not me" link. For each account it ends the sessions
// begun before and an issued code, voids the recovery codes made up to the time of
// the backup (of the zero time: all), since some of them may have been used after
// it, and takes every code that an app has shown up to now as used. People make
// new recovery codes at their next sign-in.
//
// What else was lost stays lost: wrong guesses counted since the backup, freezes,
// the policies of tenants, what waited for a second administrator, and changes of
// factors, which the host's generations find ([ErrRecordLost]). Records that do not
// open are passed over as with [Admin.Reseal].
func (a Admin) Restored(ctx context.Context, by Operator, backup time.Time, cursor string, progress func(Progress)) error {
	who, err := a.act(ctx, by, "", store.AccountID{})
	if err != nil {
		return err
	}
	a.service.book.Tell(ctx, event.Event{Kind: event.EpochRaised, Actor: who.name, Reason: who.reason})
	return a.sweep(ctx, cursor, progress, func(r *account.Round) bool {
		if account.Reserved(r.ID()) {
			return false
		}
		r.Enrollment = r.Enrollment.MarkUsed(r.Now, a.service.window)
		if r.SessionsFrom.Before(r.Now) {
			r.SessionsFrom = r.Now.Truncate(time.Millisecond)
		}
		// The epoch of the account stays: a host that remembers a later one
		// shall still find that its change is lost.
		r.EndTrust()
		r.Issued = account.Issued{}
		if !r.Recovery.IsZero() && (backup.IsZero() || !r.Recovery.Made().After(backup)) {
			r.Recovery = recovery.Set{}
			who.log(r, event.Event{Kind: event.RecoveryCodesVoided})
		}
		return true
	})
}

// sweep changes every record that change says so of.
func (a Admin) sweep(ctx context.Context, cursor string, progress func(Progress), change func(*account.Round) bool) error {
	var p Progress
	var passedOver error
	err := a.pages(ctx, cursor, func(page account.Page) error {
		p.Unreadable = nil
		for _, e := range page.Entries {
			changed := false
			err := a.service.book.Rewrite(ctx, e.ID, func(r *account.Round) error {
				if changed = r.Found && change(r); changed {
					r.Save()
				}
				return nil
			})
			switch {
			case errors.Is(err, keyring.ErrOpen), errors.Is(err, account.ErrFormat):
				p.Unreadable = append(p.Unreadable, e.ID)
				passedOver = ErrUnreadable
			case err != nil:
				return err
			case changed:
				p.Changed++
			}
			p.Seen++
		}
		p.Cursor = page.Next
		if progress != nil {
			progress(p)
		}
		return nil
	})
	return cmp.Or(err, passedOver)
}

// Check opens every record and reports it. It changes nothing.
func (a Admin) Check(ctx context.Context, by Operator, cursor string, report func(Checked)) error {
	if err := a.see(ctx, by, store.AccountID{}); err != nil {
		return err
	}
	newest := a.service.keys.IDs()[0]
	return a.pages(ctx, cursor, func(page account.Page) error {
		for _, e := range page.Entries {
			report(Checked{ID: e.ID, KeyID: e.KeyID, Stale: e.KeyID != newest, Err: e.Err})
		}
		return nil
	})
}

func (a Admin) pages(ctx context.Context, cursor string, each func(account.Page) error) error {
	for {
		page, err := a.service.book.List(ctx, store.Query{AllTenants: true, Cursor: cursor, Limit: store.MaxLimit})
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}
