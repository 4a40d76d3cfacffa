package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// What concerns whole records, and many of them.

// A Page is a part of a list of accounts.
type Page struct {
	Entries []Entry
	Next    string // the cursor of the page that follows; empty at the end
}

// An Entry is one record: its account, or why it does not open.
type Entry struct {
	ID      store.AccountID
	KeyID   string // of the key that it is sealed under
	Updated time.Time
	Account Account
	Err     error
}

// List opens the records of a page. One that does not open is an entry with its
// error: a list shall show it, not end at it.
func (b *Book) List(ctx context.Context, q store.Query) (Page, error) {
	p, err := b.store.List(ctx, q)
	if err != nil {
		return Page{}, unavailable(err)
	}
	page := Page{Next: p.Next}
	for _, rec := range p.Records {
		page.Entries = append(page.Entries, entry(b.keys, rec))
	}
	return page, nil
}

// Read returns the record as it stands in the store now, and whether there is
// one. One that does not open is an entry with its error, as in a list.
func Read(ctx context.Context, s store.Store, keys *keyring.Ring, id store.AccountID) (e Entry, found bool, err error) {
	rec, err := s.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Entry{ID: id}, false, nil
	}
	if err != nil {
		return Entry{}, false, unavailable(err)
	}
	return entry(keys, rec), true, nil
}

func entry(keys *keyring.Ring, rec store.Record) Entry {
	e := Entry{ID: rec.ID, Updated: rec.Updated}
	e.KeyID, _ = keyring.KeyID(rec.Sealed) // a broken envelope has its error from open
	e.Account, e.Err = open(keys, rec)
	return e
}

// Forget deletes the account's record, after telling the sink what decide
// logged. What another flow writes meanwhile goes with it.
func (b *Book) Forget(ctx context.Context, id store.AccountID, decide func(*Round) error) error {
	var found bool
	err := b.Change(ctx, id, func(r *Round) error {
		found = r.Found
		if err := decide(r); err != nil || !found {
			return err
		}
		r.Save() // with the event, so that it is told although the record goes
		return nil
	})
	if err != nil || !found {
		return err
	}
	for range deletions {
		if err = b.erase(ctx, id); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// deletions bounds how often Forget loses a race before it says so.
const deletions = 32

func (b *Book) erase(ctx context.Context, id store.AccountID) error {
	rec, err := b.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // somebody else has deleted it
	}
	if err != nil {
		return err
	}
	return b.store.Delete(ctx, id, rec.Version)
}

// Rewrite is Change for any record, a tenant's own too.
func (b *Book) Rewrite(ctx context.Context, id store.AccountID, decide func(*Round) error) error {
	return b.flow(ctx, id, decide)
}

// Tell gives the sink an event that is of no account and stands in no record.
func (b *Book) Tell(ctx context.Context, e event.Event) {
	e.At, e.Source = b.now().UTC(), event.SourceOf(ctx)
	b.outbox.offer(context.WithoutCancel(ctx), e)
}

func unavailable(err error) error {
	if errors.Is(err, store.ErrID) || errors.Is(err, store.ErrQuery) || errors.Is(err, store.ErrCursor) {
		return err // the caller's own
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
