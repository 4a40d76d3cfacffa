package totptest

import (
	"context"
	"sync"

	"github.com/totpflow/totpflow/store"
)

// A Store counts the calls to another store and can make them fail. The zero
// faults are none.
type Store struct {
	inner store.Store

	mu     sync.Mutex
	counts Counts
	faults Faults
}

// Counts of the calls that reached a [Store], failed ones included.
type Counts struct{ Get, Put, Delete, List int }

// Faults of a [Store]. Each lasts until [Store.SetFaults] is called again.
type Faults struct {
	Get  error // fails every read
	Put  error // fails every write, and nothing is written
	Lost error // every write is done, and its acknowledgement lost: Put returns this
	List error
}

// Wrap returns a store that counts the calls to s.
func Wrap(s store.Store) *Store { return &Store{inner: s} }

// Counts returns what was called since the last Reset.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Reset sets the counts to zero.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = Counts{}
}

// SetFaults sets how calls fail from now on.
func (s *Store) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// count adds to one of the counters and returns the faults in force.
func (s *Store) count(n func(*Counts) *int) Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n(&s.counts)++
	return s.faults
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if f := s.count(func(c *Counts) *int { return &c.Get }); f.Get != nil {
		return store.Record{}, f.Get
	}
	return s.inner.Get(ctx, id)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	f := s.count(func(c *Counts) *int { return &c.Put })
	if f.Put != nil {
		return f.Put
	}
	if err := s.inner.Put(ctx, rec, was); err != nil {
		return err
	}
	return f.Lost
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	if f := s.count(func(c *Counts) *int { return &c.Delete }); f.Put != nil {
		return f.Put
	}
	return s.inner.Delete(ctx, id, was)
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	if f := s.count(func(c *Counts) *int { return &c.List }); f.List != nil {
		return store.Page{}, f.List
	}
	return s.inner.List(ctx, q)
}

var _ store.Store = (*Store)(nil)
