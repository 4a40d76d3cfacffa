package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/totpflow/totpflow/store"
)

var alice = store.AccountID{Tenant: "acme", User: "alice"}

// noon has nanoseconds and a zone, of which a store keeps the microseconds.
var noon = time.Date(2026, 2, 28, 13, 0, 0, 123456789, time.FixedZone("CET", 3600))

// soon has microseconds, of which a store keeps the milliseconds of a due time.
var soon = noon.Add(2 * time.Minute)

// draft returns a record of id whose content distinguishes it from others.
func draft(id store.AccountID, content string) store.Record {
	return store.Record{ID: id, Version: store.NewVersion(), State: "active", Sealed: []byte(content), Updated: noon, Due: soon}
}

// put writes a record over was and returns its version.
func put(ctx context.Context, s store.Store, id store.AccountID, content string, was store.Version) (store.Version, error) {
	rec := draft(id, content)
	if err := s.Put(ctx, rec, was); err != nil {
		return store.Version{}, fmt.Errorf("Put(%s, was %s): %w", name(id), short(was), err)
	}
	return rec.Version, nil
}

// create writes new records, one per id, with the user as content.
func create(ctx context.Context, s store.Store, ids ...store.AccountID) error {
	for _, id := range ids {
		if _, err := put(ctx, s, id, id.User, store.Version{}); err != nil {
			return err
		}
	}
	return nil
}

// expect compares all fields of the stored record with those of want.
func expect(ctx context.Context, s store.Store, want store.Record) error {
	got, err := s.Get(ctx, want.ID)
	if err != nil {
		return fmt.Errorf("Get(%s): %w", name(want.ID), err)
	}
	return same(got, want)
}

func same(got, want store.Record) error {
	at := want.Updated.UTC().Truncate(time.Microsecond)
	due := want.Due.UTC().Truncate(time.Millisecond)
	switch {
	case got.ID != want.ID:
		return fmt.Errorf("got the record of %s, want %s", name(got.ID), name(want.ID))
	case got.Version != want.Version:
		return fmt.Errorf("%s: version is %s, want %s", name(want.ID), short(got.Version), short(want.Version))
	case got.State != want.State:
		return fmt.Errorf("%s: state is %q, want %q", name(want.ID), got.State, want.State)
	case !bytes.Equal(got.Sealed, want.Sealed):
		return fmt.Errorf("%s: sealed is %s, want %s", name(want.ID), brief(got.Sealed), brief(want.Sealed))
	case !got.Updated.Truncate(time.Microsecond).Equal(at):
		return fmt.Errorf("%s: updated is %v, want %v", name(want.ID), got.Updated, at)
	case got.Updated.Location() != time.UTC:
		return fmt.Errorf("%s: updated is in %v, want UTC", name(want.ID), got.Updated.Location())
	case !got.Due.Truncate(time.Millisecond).Equal(due):
		return fmt.Errorf("%s: due is %v, want %v", name(want.ID), got.Due, due)
	case got.Due.Location() != time.UTC:
		return fmt.Errorf("%s: due is in %v, want UTC", name(want.ID), got.Due.Location())
	}
	return nil
}

func expectContent(ctx context.Context, s store.Store, id store.AccountID, want string) error {
	got, err := s.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("Get(%s): %w", name(id), err)
	}
	if got.ID != id || string(got.Sealed) != want {
		return fmt.Errorf("%s: got %s with %s, want %s", name(id), name(got.ID), brief(got.Sealed), brief([]byte(want)))
	}
	return nil
}

func expectAbsent(ctx context.Context, s store.Store, id store.AccountID) error {
	if rec, err := s.Get(ctx, id); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("Get(%s) = version %s, %v; want ErrNotFound", name(id), short(rec.Version), err)
	}
	return nil
}

// refused returns an error that names the call unless err matches want. A conflict must not
// be ErrNotWritten too: [store.Update] would not decide again.
func refused(what string, err, want error) error {
	both := errors.Is(err, store.ErrConflict) && errors.Is(err, store.ErrNotWritten)
	if !errors.Is(err, want) || both {
		return fmt.Errorf("%s: got %v, want %v", what, err, want)
	}
	return nil
}

// together runs f n times at once, as close to the same moment as possible, and returns
// the results.
func together(n int, f func(i int) error) []error {
	answers := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// winner returns which call got nil; all others must have got ErrConflict.
func winner(answers []error) (int, error) {
	won := -1
	for i, err := range answers {
		switch {
		case err == nil && won >= 0:
			return 0, fmt.Errorf("writers %d and %d both won the same version", won, i)
		case err == nil:
			won = i
		default:
			if err := refused(fmt.Sprintf("writer %d", i), err, store.ErrConflict); err != nil {
				return 0, err
			}
		}
	}
	if won < 0 {
		return 0, errors.New("nobody won")
	}
	return won, nil
}

func name(id store.AccountID) string { return fmt.Sprintf("%+q/%+q", id.Tenant, id.User) }

func short(v store.Version) string {
	if v.IsZero() {
		return "none"
	}
	return v.String()[:8]
}

func brief(b []byte) string {
	if len(b) > 24 {
		return fmt.Sprintf("%q… (%d bytes)", b[:24], len(b))
	}
	return fmt.Sprintf("%q", b)
}
