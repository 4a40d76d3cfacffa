package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/totpflow/totpflow/store"
)

// moveCases: records whose place in a list changes while it is read.
var moveCases = []testCase{
	{"moved between pages", "a page holds the records that are behind its cursor when it is read: none that has left the state or the due time, and each that has come", func(ctx context.Context, s store.Store) error {
		if err := moveBetweenPages(ctx, s, dueBefore(later, 1), []string{"h", "b", "f", "e", "a"},
			move{"a", at(1), at(6)}, move{"b", at(2), at(2)}, move{"c", at(3), at(0)}, move{"d", at(4), never()}, move{"e", at(5), at(5)},
			move{"f", never(), at(2)}, move{"g", at(7), gone}, move{"h", gone, at(1)}, move{"0", gone, at(1)}, move{"i", at(8), late()},
		); err != nil {
			return err
		}
		for _, q := range []store.Query{{Tenant: "acme", State: "active", Limit: 1}, {AllTenants: true, State: "active", Limit: 1}} {
			if err := moveBetweenPages(ctx, s, q, []string{"b", "e", "f"},
				move{"a", in("active"), in("pending")}, move{"b", in("active"), in("active")}, move{"c", in("active"), in("pending")}, move{"d", in("active"), gone},
				move{"e", in("pending"), in("active")}, move{"f", gone, in("active")}, move{"0", gone, in("active")},
			); err != nil {
				return err
			}
		}
		return nil
	}},
	{"due while moving", "a list by due time holds a record at the due time that it has, and at most once for each due time, while due times change", func(ctx context.Context, s store.Store) error {
		return listWhileMoving(ctx, s, dueBefore(later, 0))
	}},
	{"state while moving", "a list by state holds no record in another state, and each at most once, while states change", func(ctx context.Context, s store.Store) error {
		return listWhileMoving(ctx, s, store.Query{Tenant: "acme", State: "active"}, store.Query{AllTenants: true, State: "active"})
	}},
}

// A move is a record as it was when the first page was read, and as it is when the next
// ones are read.
type move struct {
	user      string
	was, then store.Record
}

// gone stands for a record that does not exist.
var gone store.Record

// at returns a record that is due n milliseconds after soon.
func at(n int) store.Record {
	rec := draft(alice, "due "+strconv.Itoa(n))
	rec.Due = soon.Add(time.Duration(n) * time.Millisecond)
	return rec
}

// late returns a record that is not due yet.
func late() store.Record {
	rec := draft(alice, "late")
	rec.Due = later
	return rec
}

func never() store.Record {
	rec := draft(alice, "never due")
	rec.Due = time.Time{}
	return rec
}

func in(state string) store.Record {
	rec := draft(alice, "in "+state)
	rec.State = state
	return rec
}

// replace writes next over was. It creates the record if was is gone, and deletes it if
// next is gone.
func replace(ctx context.Context, s store.Store, id store.AccountID, was, next store.Record) error {
	if next.Version.IsZero() {
		return s.Delete(ctx, id, was.Version)
	}
	next.ID = id
	return s.Put(ctx, next, was.Version)
}

// moveBetweenPages reads the first page, which holds the first record, then moves all,
// and compares the pages that follow. It leaves no record.
func moveBetweenPages(ctx context.Context, s store.Store, q store.Query, want []string, moves ...move) error {
	var ids, left []store.AccountID
	for _, m := range moves {
		id := store.AccountID{Tenant: "acme", User: m.user}
		ids = append(ids, id)
		if !m.was.Version.IsZero() {
			if err := replace(ctx, s, id, gone, m.was); err != nil {
				return err
			}
		}
	}
	for _, user := range want {
		left = append(left, store.AccountID{Tenant: "acme", User: user})
	}
	first, err := firstRecord(ctx, s, q)
	if err != nil {
		return err
	}
	if len(first.Records) != 1 || first.Records[0].ID != ids[0] || first.Next == "" {
		return fmt.Errorf("List(%+v): first page of %d records, next %q; want one, %s", q, len(first.Records), first.Next, name(ids[0]))
	}
	for i, m := range moves {
		if string(m.was.Sealed) == string(m.then.Sealed) {
			continue
		}
		if err := replace(ctx, s, ids[i], m.was, m.then); err != nil {
			return err
		}
	}
	q.Cursor = first.Next
	if err := expectList(ctx, s, q, left); err != nil {
		return fmt.Errorf("after the first page, records moved: %w", err)
	}
	for _, id := range ids {
		rec, err := s.Get(ctx, id)
		if err == nil {
			err = s.Delete(ctx, id, rec.Version)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// firstRecord returns the first page that is not empty.
func firstRecord(ctx context.Context, s store.Store, q store.Query) (store.Page, error) {
	for {
		page, err := s.List(ctx, q)
		if err != nil || len(page.Records) > 0 || page.Next == "" || page.Next == q.Cursor {
			return page, err
		}
		q.Cursor = page.Next
	}
}

// listWhileMoving lists again and again, while some records move from one place to
// another, and some stay.
func listWhileMoving(ctx context.Context, s store.Store, queries ...store.Query) error {
	var stay, moving []store.AccountID
	for i := range 40 {
		id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("%02d", i)}
		if i%2 == 0 {
			moving = append(moving, id)
			continue
		}
		stay = append(stay, id)
		if _, err := due(ctx, s, id, soon.Add(time.Duration(i)*time.Millisecond)); err != nil {
			return err
		}
	}
	return beside(func(begun func(), stop <-chan struct{}) error {
		return keepMoving(ctx, s, moving, begun, stop)
	}, func() error {
		for _, q := range queries {
			for _, q.Heads = range []bool{false, true} {
				for range rounds {
					if err := listOnce(ctx, s, q, 0, stay); err != nil {
						return err
					}
					runtime.Gosched() // lets the writer run
				}
				for _, limit := range []int{1, 7} {
					if err := listOnce(ctx, s, q, limit, stay); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// keepMoving gives each record in turn another due time and another state, including some
// that no list by due time or by state selects.
func keepMoving(ctx context.Context, s store.Store, ids []store.AccountID, begun func(), stop <-chan struct{}) error {
	now := make([]store.Record, len(ids))
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		n := i % len(ids)
		if n == 0 && i > 0 {
			begun()
		}
		var next store.Record
		switch step := i/len(ids) + n; step % 5 {
		case 0:
			next = never()
		case 1:
			next = late()
		default: // from the end to the beginning, so that a list does not outrun it
			next = at(40 - (step*7)%40)
		}
		next.State = []string{"active", "pending", "active", ""}[(i/len(ids)+n)%4]
		if err := replace(ctx, s, ids[n], now[n], next); err != nil {
			return err
		}
		now[n] = next
		runtime.Gosched() // lets the reader run
	}
}

// beside runs list while write runs; it starts list when calls of write have begun.
func beside(write func(begun func(), stop <-chan struct{}) error, list func() error) error {
	var over sync.WaitGroup
	var wrote error
	ready, stop := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(ready) })
	over.Go(func() {
		defer begun()
		wrote = write(begun, stop)
	})
	<-ready
	err := list()
	close(stop)
	over.Wait()
	if wrote != nil {
		return fmt.Errorf("writing beside the list: %w", wrote)
	}
	return err
}

// listOnce reads a list in pages of limit. Its places must be in order, none may come
// twice, and each record of stay must be there.
func listOnce(ctx context.Context, s store.Store, q store.Query, limit int, stay []store.AccountID) error {
	q.Limit = limit
	places, err := listAll(ctx, s, q)
	if err != nil {
		return err
	}
	for i, p := range places[min(1, len(places)):] {
		switch last := places[i]; {
		case p == last:
			return fmt.Errorf("pages of %d: %s came twice, due %v", limit, name(p.ID), p.Due)
		case p.Compare(last) < 0:
			return fmt.Errorf("pages of %d: %s, due %v, comes after %s, due %v", limit, name(p.ID), p.Due, name(last.ID), last.Due)
		}
	}
	got := idsOf(places)
	for _, id := range stay {
		if !slices.Contains(got, id) {
			return fmt.Errorf("pages of %d: %s is missing", limit, name(id))
		}
	}
	return nil
}
