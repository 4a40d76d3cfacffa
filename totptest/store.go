package totptest

import (
	"cmp"
	"context"
	"sync"

	"github.com/totpflow/totpflow/store"
)

// A Store counts the calls to another store and can make them fail. By default none
// fails.
type Store struct {
	inner store.Store

	mu     sync.Mutex
	counts Counts
	faults Faults
	next   int           // calls that fail
	err    error         // the error that they return
	held   chan struct{} // closed when calls go on; nil: none is held
}

// Counts of the calls that reached a [Store], failed ones included.
type Counts struct{ Get, Put, Delete, List int }

// Faults of a [Store]. Each lasts until [Store.SetFaults] is called again.
type Faults struct {
	Get  error // fails every read
	Put  error // fails every write, and nothing is written
	Lost error // every write takes place, but its acknowledgement is lost: Put returns this
	List error
}

// Wrap returns a store that counts the calls to s.
func Wrap(s store.Store) *Store { return &Store{inner: s} }

// Counts returns the calls since the last Reset.
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

// FailNext makes the next n calls, of any kind, fail with err. They read and write
// nothing.
func (s *Store) FailNext(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.err = n, err
}

// Hold makes every call wait from now on, until release is called or the call's context
// ends: a slow database without a slow test. It must not be called again before release.
func (s *Store) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	})
}

// enter counts a call, waits while calls are held, and returns the faults in force or
// the error of this call.
func (s *Store) enter(ctx context.Context, n func(*Counts) *int) (Faults, error) {
	faults := s.count(n)
	s.mu.Lock()
	held := s.held
	var err error
	if s.next > 0 {
		s.next--
		err = s.err
	}
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return faults, ctx.Err()
		}
	}
	return faults, err
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
	f, err := s.enter(ctx, func(c *Counts) *int { return &c.Get })
	if err = cmp.Or(err, f.Get); err != nil {
		return store.Record{}, err
	}
	return s.inner.Get(ctx, id)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, rec store.Record, was store.Version) error {
	f, err := s.enter(ctx, func(c *Counts) *int { return &c.Put })
	if err = cmp.Or(err, f.Put); err != nil {
		return err
	}
	if err := s.inner.Put(ctx, rec, was); err != nil {
		return err
	}
	return f.Lost
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	f, err := s.enter(ctx, func(c *Counts) *int { return &c.Delete })
	if err = cmp.Or(err, f.Put); err != nil {
		return err
	}
	return s.inner.Delete(ctx, id, was)
}

// List implements [store.Store].
func (s *Store) List(ctx context.Context, q store.Query) (store.Page, error) {
	f, err := s.enter(ctx, func(c *Counts) *int { return &c.List })
	if err = cmp.Or(err, f.List); err != nil {
		return store.Page{}, err
	}
	return s.inner.List(ctx, q)
}

var _ store.Store = (*Store)(nil)
