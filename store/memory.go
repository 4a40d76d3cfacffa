package store

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a [Store] in the memory of one process, for tests and for trying things out.
// It forgets everything when the process ends, used codes and enrollments alike, and
// other processes do not see it: after a restart a used code would be accepted again, and
// everybody would get in without one. It is also the contract of Store as a program:
// where the words leave doubt, do what Memory does.
//
// The zero Memory is empty and ready.
type Memory struct {
	mu      sync.Mutex // guards records; every operation is one critical section
	records map[AccountID]Record
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return new(Memory) }

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, id AccountID) (Record, error) {
	if err := id.Validate(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	rec, ok := m.records[id]
	if !ok {
		return Record{}, ErrNotFound
	}
	return clone(rec), nil
}

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, rec Record, was Version) error {
	if err := CheckPut(rec, was); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.records[rec.ID].Version != was { // zero where there is no record
		return ErrConflict
	}
	if m.records == nil {
		m.records = make(map[AccountID]Record)
	}
	m.records[rec.ID] = clone(rec)
	return nil
}

// Delete implements [Store].
func (m *Memory) Delete(ctx context.Context, id AccountID, was Version) error {
	if err := id.Validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if rec, ok := m.records[id]; !ok || rec.Version != was {
		return ErrConflict
	}
	delete(m.records, id)
	return nil
}

// List implements [Store]. It sorts all records for each page.
func (m *Memory) List(ctx context.Context, q Query) (Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return Page{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Page{}, err
	}
	var places []Place
	for _, rec := range m.records {
		if place := q.Place(rec); q.Selects(rec) && place.Compare(after) > 0 {
			places = append(places, place)
		}
	}
	slices.SortFunc(places, Place.Compare)

	var page Page
	if len(places) > limit {
		places = places[:limit]
		page.Next = places[limit-1].Cursor()
	}
	for _, place := range places {
		rec := clone(m.records[place.ID])
		if q.Heads {
			rec.Sealed = nil
		}
		page.Records = append(page.Records, rec)
	}
	return page, nil
}

// clone returns rec with its own bytes, and its times as every store returns them, so
// that a test against Memory does not rely on more.
func clone(rec Record) Record {
	rec.Sealed = bytes.Clone(rec.Sealed)
	rec.Updated = rec.Updated.UTC().Truncate(time.Microsecond)
	rec.Due = milli(rec.Due)
	return rec
}
