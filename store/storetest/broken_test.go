package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/totpflow/totpflow/store"
)

// A broken store is an honest one with one step replaced, in a way in which real adapters
// go wrong. A nil step is the honest one.
type broken struct {
	mu      sync.Mutex
	records map[store.AccountID]store.Record

	key    func(store.AccountID) store.AccountID                        // the id under which a record is filed
	read   func(b *broken, id store.AccountID) (store.Record, bool)     // under mu
	swap   func(b *broken, rec store.Record, was store.Version) error   // not under mu
	erase  func(b *broken, id store.AccountID, was store.Version) error // not under mu
	list   func(b *broken, q store.Query) (store.Page, error)           // under mu
	count  func(b *broken, q store.Query) (map[string]int, error)       // under mu
	keep   func(store.Record) store.Record                              // on the way in
	give   func(store.Record) store.Record                              // on the way out
	check  func(store.Record, store.Version) error
	valid  func(store.AccountID) error
	ctxErr func(ctx context.Context, method string) error
	write  func(ctx context.Context, do func() error) error // runs swap or erase; not under mu

	asked context.Context // of the read that runs; under mu
	gap   chan struct{}   // closed at the end of the gap that letOthers makes; under mu

	// what a list shows of a record that cannot be read, and at which place it goes on
	show func(q store.Query, id store.AccountID, place store.Place) (rec store.Record, in bool, next store.Place)

	damaged map[store.AccountID]bool

	// memory of some of the faults
	previous map[store.AccountID]store.Record
	counter  int
}

func (b *broken) fill() *broken {
	b.records = make(map[store.AccountID]store.Record)
	b.previous = make(map[store.AccountID]store.Record)
	b.damaged = make(map[store.AccountID]bool)
	if b.key == nil {
		b.key = func(id store.AccountID) store.AccountID { return id }
	}
	if b.read == nil {
		b.read = (*broken).lookup
	}
	if b.swap == nil {
		b.swap = (*broken).honestSwap
	}
	if b.erase == nil {
		b.erase = (*broken).honestErase
	}
	if b.list == nil {
		b.list = (*broken).honestList
	}
	if b.count == nil {
		b.count = (*broken).honestCount
	}
	if b.show == nil {
		b.show = func(q store.Query, id store.AccountID, place store.Place) (store.Record, bool, store.Place) {
			rec := store.Record{ID: id}
			return rec, q.Selects(rec), place
		}
	}
	if b.keep == nil {
		b.keep = whole
	}
	if b.give == nil {
		b.give = whole
	}
	if b.check == nil {
		b.check = store.CheckPut
	}
	if b.valid == nil {
		b.valid = store.AccountID.Validate
	}
	if b.ctxErr == nil {
		b.ctxErr = func(ctx context.Context, _ string) error { return ctx.Err() }
	}
	if b.write == nil {
		b.write = func(_ context.Context, do func() error) error { return do() }
	}
	return b
}

func whole(rec store.Record) store.Record {
	rec.Sealed = slices.Clone(rec.Sealed)
	rec.Updated = rec.Updated.UTC().Truncate(time.Microsecond)
	rec.Due = rec.Due.UTC().Truncate(time.Millisecond)
	return rec
}

func (b *broken) lookup(id store.AccountID) (store.Record, bool) {
	rec, ok := b.records[b.key(id)]
	return rec, ok
}

func (b *broken) file(rec store.Record) {
	k := b.key(rec.ID)
	b.previous[k] = b.records[k]
	b.records[k] = b.keep(rec)
}

// letOthers makes a gap between two steps of a call, under mu. It returns when every other
// goroutine of the test has come to the end of a call or to the same gap, or waits for
// something else. The test runs in a bubble of [synctest.Test].
func (b *broken) letOthers() {
	gap := b.gap
	if gap == nil {
		gap = make(chan struct{})
		b.gap = gap
		b.mu.Unlock()
		synctest.Wait()
		b.mu.Lock()
		b.gap = nil
		close(gap)
		return
	}
	b.mu.Unlock()
	<-gap
	b.mu.Lock()
}

// leave ends a call, and unlocks mu. A call that takes place in a gap waits for its end.
func (b *broken) leave() {
	gap := b.gap
	b.mu.Unlock()
	if gap != nil {
		<-gap
	}
}

func (b *broken) honestSwap(rec store.Record, was store.Version) error {
	b.mu.Lock()
	defer b.leave()
	if b.records[b.key(rec.ID)].Version != was {
		return store.ErrConflict
	}
	b.file(rec)
	return nil
}

func (b *broken) honestErase(id store.AccountID, was store.Version) error {
	b.mu.Lock()
	defer b.leave()
	if rec, ok := b.records[b.key(id)]; !ok || rec.Version != was {
		return store.ErrConflict
	}
	delete(b.records, b.key(id))
	return nil
}

func (b *broken) honestList(q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	return b.page(q, limit, func(p store.Place) bool { return p.Compare(after) > 0 }), nil
}

// page returns the first records that the query selects and for which in returns true.
func (b *broken) page(q store.Query, limit int, in func(store.Place) bool) store.Page {
	var places []store.Place
	for _, rec := range b.records {
		if p := q.Place(rec); q.Selects(rec) && in(p) {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, store.Place.Compare)
	var page store.Page
	more := len(places) > limit
	for i, p := range places[:min(limit, len(places))] {
		rec, in, next := b.give(b.records[p.ID]), true, p
		if q.Heads {
			rec.Sealed = nil
		}
		if b.damaged[p.ID] {
			rec, in, next = b.show(q, p.ID, p)
		}
		if in {
			page.Records = append(page.Records, rec)
		}
		if more && i == limit-1 {
			page.Next = next.Cursor()
		}
	}
	return page
}

func (b *broken) honestCount(q store.Query) (map[string]int, error) {
	counts := make(map[string]int)
	for _, rec := range b.records {
		if q.Selects(rec) {
			counts[rec.State]++
		}
	}
	return counts, nil
}

func (b *broken) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if err := errors.Join(b.valid(id), b.ctxErr(ctx, "Get")); err != nil {
		return store.Record{}, err
	}
	b.mu.Lock()
	defer b.leave()
	b.asked = ctx
	rec, ok := b.read(b, id)
	if !ok {
		return store.Record{}, store.ErrNotFound
	}
	if b.damaged[id] {
		return store.Record{}, errors.New("broken: a record that cannot be read")
	}
	return b.give(rec), nil
}

func (b *broken) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if err := errors.Join(b.check(rec, was), b.ctxErr(ctx, "Put")); err != nil {
		return err
	}
	return b.write(ctx, func() error { return b.swap(b, rec, was) })
}

func (b *broken) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if err := errors.Join(b.valid(id), b.ctxErr(ctx, "Delete")); err != nil {
		return err
	}
	return b.write(ctx, func() error { return b.erase(b, id, was) })
}

func (b *broken) List(ctx context.Context, q store.Query) (store.Page, error) {
	if err := b.ctxErr(ctx, "List"); err != nil {
		return store.Page{}, err
	}
	b.mu.Lock()
	defer b.leave()
	b.asked = ctx
	return b.list(b, q)
}

func (b *broken) Count(ctx context.Context, q store.Query) (map[string]int, error) {
	if err := b.ctxErr(ctx, "Count"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.leave()
	b.asked = ctx
	return b.count(b, q)
}

// Damage implements [storetest.Damager].
func (b *broken) Damage(_ context.Context, id store.AccountID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.damaged[id] = true
	return nil
}
