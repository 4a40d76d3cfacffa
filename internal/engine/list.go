package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// A Page is a part of a list of records.
type Page struct {
	Entries []Entry
	Next    string // the cursor of the page that follows; empty at the end
}

// An Entry is one record: its account, or the error if it does not open.
type Entry struct {
	ID      store.AccountID
	KeyID   string // the key that it is sealed under
	Updated time.Time
	Account account.Account
	Err     error
}

// List opens the records of a page. A record that does not open is an entry with
// its error: a list must show it, not end at it.
func (e *Engine) List(ctx context.Context, q store.Query) (Page, error) {
	p, err := e.Sealed(ctx, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Next: p.Next, Entries: make([]Entry, len(p.Records))}
	for i, rec := range p.Records {
		page.Entries[i] = entry(e.Keys, rec)
	}
	return page, nil
}

// Sealed returns the records of a page as they are stored: opening one takes longer
// than reading it.
func (e *Engine) Sealed(ctx context.Context, q store.Query) (store.Page, error) {
	p, err := e.Store.List(ctx, q)
	if err != nil {
		err = unavailable(err)
		e.reportFailure(ctx, store.AccountID{}, err)
		return store.Page{}, err
	}
	return p, nil
}

// Opened opens a record of such a page.
func (e *Engine) Opened(rec store.Record) Entry { return entry(e.Keys, rec) }

// Stale reports whether the record should be sealed again, by its envelope alone.
func (e *Engine) Stale(rec store.Record) bool { return e.Keys.Stale(rec.Sealed) }

// readyRecords is how many records Ready tries. One that is damaged must not take every
// process out of service, but no ring but the right one opens any of them.
const readyRecords = 10

// Ready reports whether the store answers and the ring opens one of its first records. An
// empty store is ready.
func (e *Engine) Ready(ctx context.Context) error {
	page, err := e.Sealed(ctx, store.Query{AllTenants: true, Limit: readyRecords})
	if err != nil {
		return err
	}
	var first error
	for _, rec := range page.Records {
		err := e.Opened(rec).Err
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// Read returns the record as it is in the store now, and whether there is one. A record
// that does not open is an entry with its error, as in a list.
func (e *Engine) Read(ctx context.Context, id store.AccountID) (entry Entry, found bool, err error) {
	entry, found, err = read(ctx, e.Store, e.Keys, id)
	e.reportFailure(ctx, id, err)
	e.reportFailure(ctx, id, entry.Err)
	return entry, found, err
}

func read(ctx context.Context, s store.Store, keys *keyring.Ring, id store.AccountID) (e Entry, found bool, err error) {
	rec, err := s.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Entry{ID: id}, false, nil
	}
	if err != nil {
		return Entry{}, false, unavailable(err)
	}
	rec.ID = id // a store that ignores case may return another account's record, which does not open under this id
	return entry(keys, rec), true, nil
}

func entry(keys *keyring.Ring, rec store.Record) Entry {
	e := Entry{ID: rec.ID, Updated: rec.Updated}
	e.KeyID, _ = keyring.KeyID(rec.Sealed) // a broken envelope has its error from Open
	e.Err = e.Account.Open(keys, rec)
	return e
}

func unavailable(err error) error {
	if errors.Is(err, store.ErrID) || errors.Is(err, store.ErrQuery) || errors.Is(err, store.ErrCursor) {
		return err // the caller's own
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// unopened reports whether the error means that a record does not open.
func unopened(err error) bool {
	return errors.Is(err, keyring.ErrOpen) || errors.Is(err, account.ErrFormat)
}
