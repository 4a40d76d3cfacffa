package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/totpflow/totpflow/store"
)

// contextCases: a caller that has gone away gets no answer, and leaves no trace.
var contextCases = []testCase{
	{"cancelled", "under a context that is done nothing is written, and the error wraps the context's", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "1")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		for what, call := range map[string]func() error{
			"Get":           func() error { _, err := s.Get(over, alice); return err },
			"Get of nobody": func() error { _, err := s.Get(over, store.AccountID{User: "nobody"}); return err },
			"List":          func() error { _, err := s.List(over, store.Query{Tenant: "acme"}); return err },
			"Count":         func() error { _, err := count(over, s); return err },
			"Put":           func() error { return s.Put(over, draft(alice, "2"), rec.Version) },
			"Delete":        func() error { return s.Delete(over, alice, rec.Version) },
		} {
			err := call()
			if err := refused(what, err, context.Canceled); err != nil {
				return err
			}
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				return fmt.Errorf("%s under a context that is done: %w, which is an answer", what, err)
			}
		}
		return expect(ctx, s, rec)
	}},
	{"cancelled in flight", "a context that ends during a write leaves the old record or the new one, whole; ErrNotWritten and ErrConflict mean that it is the old one, for good", func(ctx context.Context, s store.Store) error {
		for i := range rounds {
			id := store.AccountID{Tenant: "acme", User: strconv.Itoa(i)}
			if err := interruptWrites(ctx, s, id, meanwhile); err != nil {
				return err
			}
		}
		for _, n := range looks {
			id := store.AccountID{Tenant: "acme", User: "look " + strconv.Itoa(n)}
			if err := interruptWrites(ctx, s, id, atLook(n)); err != nil {
				return fmt.Errorf("ended at look %d: %w", n, err)
			}
		}
		return nil
	}},
	{"reading cancelled in flight", "a context that ends during a read leaves an error or the whole answer, and never a part of it", func(ctx context.Context, s store.Store) error {
		ids := []store.AccountID{{Tenant: "acme", User: "a"}, {Tenant: "acme", User: "b"}, {Tenant: "acme", User: "c"}}
		if err := create(ctx, s, ids...); err != nil {
			return err
		}
		for _, n := range looks {
			end := atLook(n)
			err := end(ctx, func(ctx context.Context) error { _, err := s.Get(ctx, ids[0]); return err })
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("Get(%s): %w", name(ids[0]), err)
			}
			for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true, State: "active"}, dueBefore(later, 0)} {
				var page store.Page
				err := end(ctx, func(ctx context.Context) (err error) { page, err = s.List(ctx, q); return err })
				if err == nil && page.Next == "" && len(page.Records) != len(ids) {
					return fmt.Errorf("List(%+v): the end after %d records and no error, want %d", q, len(page.Records), len(ids))
				}
			}
			var counts map[string]int
			err = end(ctx, func(ctx context.Context) (err error) { counts, err = count(ctx, s); return err })
			if err == nil && counts["active"] != len(ids) {
				return fmt.Errorf("Count: %d and no error, want %d", counts["active"], len(ids))
			}
		}
		return nil
	}},
}

// looks are when a context ends: at the n-th time that the store, or its driver, asks for
// its end. An adapter looks at least once before it writes; a driver does so many times.
var looks = []int{1, 2, 3, 4, 5, 6, 8, 11, 16, 24, 36}

// An interruption runs a call under a context that ends meanwhile, and returns its error.
type interruption func(ctx context.Context, call func(context.Context) error) error

// meanwhile ends the context while the call runs.
func meanwhile(ctx context.Context, call func(context.Context) error) error {
	short, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- call(short) }()
	cancel()
	return <-done
}

// atLook ends the context at the n-th look, so that a store which looks before it writes
// and again afterwards is interrupted between the two on every machine.
func atLook(n int) interruption {
	return func(ctx context.Context, call func(context.Context) error) error {
		short, cancel := context.WithCancel(ctx)
		defer cancel()
		e := &ending{Context: short, cancel: cancel}
		e.left.Store(int64(n))
		return call(e)
	}
}

// An ending is a context that ends after some looks at its end.
type ending struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (e *ending) look() {
	if e.left.Add(-1) == 0 {
		e.cancel()
	}
}

func (e *ending) Done() <-chan struct{} { e.look(); return e.Context.Done() }

func (e *ending) Err() error { e.look(); return e.Context.Err() }

// interruptWrites creates, changes and deletes a record, and interrupts each write.
func interruptWrites(ctx context.Context, s store.Store, id store.AccountID, end interruption) error {
	rec, changed := draft(id, "created"), draft(id, "changed")
	was, err := interruptWrite(ctx, s, store.Version{}, rec, end)
	if err != nil {
		return err
	}
	if was, err = interruptWrite(ctx, s, was, changed, end); err != nil {
		return err
	}
	_, err = interruptWrite(ctx, s, was, store.Record{ID: id}, end)
	return err
}

// interruptWrite interrupts the write of next over was, or the Delete of was where next
// has no version. Nobody else writes, so an answer that claims to know the outcome can be
// checked. It returns the version of the record that it leaves.
func interruptWrite(ctx context.Context, s store.Store, was store.Version, next store.Record, end interruption) (store.Version, error) {
	answer := end(ctx, func(ctx context.Context) error {
		if next.Version.IsZero() {
			return s.Delete(ctx, next.ID, was)
		}
		return s.Put(ctx, next, was)
	})
	got, err := s.Get(ctx, next.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return was, fmt.Errorf("after an interrupted write: %w", err)
	}
	switch {
	case errors.Is(answer, store.ErrConflict):
		return was, fmt.Errorf("nobody else wrote, and a write answered: %w", answer)
	case got.Version == next.Version && errors.Is(answer, store.ErrNotWritten):
		return was, fmt.Errorf("a write took place, and answered: %w", answer)
	case got.Version == next.Version && !next.Version.IsZero():
		return got.Version, same(got, next)
	case got.Version == next.Version: // deleted
		return got.Version, expectAbsent(ctx, s, next.ID)
	case got.Version != was:
		return was, fmt.Errorf("version %s is neither the old nor the new one", short(got.Version))
	case answer == nil:
		return was, errors.New("a write that returned nil did not take place")
	}
	// The write may still come, unless the store knows that it does not. Writing over the
	// old record settles that.
	last := draft(next.ID, "settled")
	err = s.Put(ctx, last, was)
	switch {
	case errors.Is(err, store.ErrConflict) && errors.Is(answer, store.ErrNotWritten):
		return was, fmt.Errorf("a write took place after it had answered: %w", answer)
	case errors.Is(err, store.ErrConflict):
		got, err := s.Get(ctx, next.ID)
		if errors.Is(err, store.ErrNotFound) && next.Version.IsZero() {
			return store.Version{}, nil
		}
		return got.Version, err
	}
	return last.Version, err
}

// count asks a store that counts by itself, and otherwise its list.
func count(ctx context.Context, s store.Store) (map[string]int, error) {
	if c, ok := s.(store.Counter); ok {
		return c.Count(ctx, store.Query{AllTenants: true})
	}
	return store.Count(ctx, s, store.Query{AllTenants: true})
}
