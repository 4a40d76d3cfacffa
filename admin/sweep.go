package admin

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
)

// Work of an operator on all records, a page at a time. An interrupted run continues from
// the cursor of the last progress; starting again does no harm.

// Progress is reported after each page.
type Progress struct {
	Cursor        string            // where the next page begins; empty at the end
	Seen, Changed int               // records so far, in this run
	Deleted       int               // records so far, by Tidy
	Unreadable    []store.AccountID // records of this page that do not open; they are unchanged
}

// ErrUnreadable means that records did not open. All others are done.
var ErrUnreadable = errors.New("admin: records that do not open were skipped")

// A Checked is one record of [Admin.Check].
type Checked struct {
	ID    store.AccountID
	KeyID string // the key that it is sealed under, as keyring.Ring.IDs spells it
	Stale bool   // not sealed under the newest key
	Err   error  // why it does not open
}

// Reseal writes every record again that is not sealed under the ring's newest key, so
// that old keys can be retired. It may run while people sign in. It does not open a
// record that is already sealed under that key; [Admin.Check] opens all. Records that
// should be written again but do not open are skipped, and the error at the end is
// [ErrUnreadable]; any other error ends the run at once.
func (a Admin) Reseal(ctx context.Context, by Operator, cursor string, progress func(Progress)) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.reseal")
	defer flow.End(&err)
	who, err := a.authoriseChange(ctx, by, "", store.AccountID{})
	if err != nil {
		return err
	}
	err = a.sweep(ctx, cursor, progress, a.engine.Stale, func(tx *engine.Tx) bool { return tx.Stale })
	if err == nil || errors.Is(err, ErrUnreadable) { // all others are done: a damaged record must not hide a rotation
		a.engine.Report(ctx, event.Event{Kind: event.KeysRotated, Actor: who.name, Reason: who.reason})
	}
	return err
}

// Run AfterDatabaseRestore once, after the database was put back to an earlier state,
// with a ring whose epoch was raised (keyring.RaiseEpoch), which by itself ends every
// session, trusted browser, sign-in and "it was not me" link. For each account it ends an
// issued code and marks as used every code that an app has shown up to now. It voids the
// recovery codes made up to the time of the backup (all, if the time is zero), since some
// of them may have been used after it, and those that are dated in the future by a clock
// that was ahead. People make new recovery codes at their next sign-in.
//
// Other losses remain: wrong guesses counted since the backup, freezes, the policies of
// tenants, pending requests, and changes of factors, which the host's generations detect
// ([totpflow.ErrRecordLost]). Records that do not open are skipped, as by [Admin.Reseal].
func (a Admin) AfterDatabaseRestore(ctx context.Context, by Operator, backup time.Time, cursor string, progress func(Progress)) (err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.after_database_restore")
	defer flow.End(&err)
	who, err := a.authoriseChange(ctx, by, "", store.AccountID{})
	if err != nil {
		return err
	}
	a.engine.Report(ctx, event.Event{Kind: event.EpochRaised, Actor: who.name, Reason: who.reason})
	all := func(store.Record) bool { return true }
	return a.sweep(ctx, cursor, progress, all, func(tx *engine.Tx) bool {
		if tx.ID().Reserved() {
			return false
		}
		tx.Enrollment = tx.Enrollment.MarkUsed(tx.Now, a.engine.Window)
		// The generation of the account stays: a host that remembers a later one must
		// still detect that its change is lost.
		tx.EndTrust()
		tx.Issued = account.Issued{}
		if !tx.Recovery.IsZero() && (backup.IsZero() || !tx.Recovery.Made().After(backup) || tx.Recovery.Made().After(tx.Now.Add(skew.Tolerance))) {
			tx.Recovery = recovery.Set{}
			who.log(tx, event.Event{Kind: event.RecoveryCodesVoided})
		}
		return true
	})
}

// sweep writes every record for which change reports a change. It skips records that some
// does not select; some sees only the fields that can be read without opening the record.
func (a Admin) sweep(ctx context.Context, cursor string, progress func(Progress), some func(store.Record) bool, change func(*engine.Tx) bool) error {
	var p Progress
	var passedOver error
	for {
		page, err := a.engine.Sealed(ctx, store.Query{AllTenants: true, Cursor: cursor, Limit: store.MaxLimit})
		if err != nil {
			return err
		}
		p.Unreadable = nil
		for _, rec := range page.Records {
			p.Seen++
			if !some(rec) {
				continue
			}
			changed, err := a.sweepOne(ctx, rec.ID, change)
			switch {
			case errors.Is(err, keyring.ErrOpen), errors.Is(err, account.ErrFormat):
				p.Unreadable = append(p.Unreadable, rec.ID)
				passedOver = ErrUnreadable
			case err != nil:
				return err
			case changed:
				p.Changed++
			}
		}
		p.Cursor, cursor = page.Next, page.Next
		if progress != nil {
			progress(p)
		}
		if cursor == "" {
			return passedOver
		}
	}
}

func (a Admin) sweepOne(ctx context.Context, id store.AccountID, change func(*engine.Tx) bool) (changed bool, err error) {
	err = a.engine.ChangeRecord(ctx, id, func(tx *engine.Tx) error {
		if changed = tx.Found && change(tx); changed {
			tx.Save()
		}
		return nil
	})
	return changed, err
}

// Check opens every record and yields it. It changes nothing.
func (a Admin) Check(ctx context.Context, by Operator) iter.Seq2[Checked, error] {
	return func(yield func(Checked, error) bool) {
		if err := a.authoriseView(ctx, by, store.AccountID{}); err != nil {
			yield(Checked{}, err)
			return
		}
		newest := a.engine.Keys.IDs()[0]
		for page, err := range a.pages(ctx, "") {
			if err != nil {
				yield(Checked{}, err)
				return
			}
			for _, e := range page.Entries {
				if !yield(Checked{ID: e.ID, KeyID: e.KeyID, Stale: e.KeyID != newest, Err: e.Err}, nil) {
					return
				}
			}
		}
	}
}

// page returns one page of the records. Each page is a flow of its own: the time that the
// caller takes between two pages does not count.
func (a Admin) page(ctx context.Context, cursor string) (_ engine.Page, err error) {
	ctx, flow := a.engine.Begin(ctx, "admin.check")
	defer flow.End(&err)
	return a.engine.List(ctx, store.Query{AllTenants: true, Cursor: cursor, Limit: store.MaxLimit})
}

// pages yields the records of all tenants from the cursor on. It ends with the
// first error.
func (a Admin) pages(ctx context.Context, cursor string) iter.Seq2[engine.Page, error] {
	return func(yield func(engine.Page, error) bool) {
		for {
			page, err := a.page(ctx, cursor)
			if !yield(page, err) || err != nil {
				return
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}
