// Package paging reads lists of many records to their end, as an export does, and
// measures the memory in use meanwhile.
package paging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/totpflow/totpflow/store"
)

// ID returns the id of one of many records: of every ten, nine are of the tenant "acme"
// and one of "beta".
func ID(n int) store.AccountID {
	id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("user-%07d", n)}
	if n%10 == 0 {
		id.Tenant = "beta"
	}
	return id
}

// ids returns those of the records 1 to n that a query selects, in its order.
func ids(n int, q store.Query) iter.Seq[store.AccountID] {
	return func(yield func(store.AccountID) bool) {
		for _, tenant := range []string{"acme", "beta"} {
			if !q.AllTenants && q.Tenant != tenant {
				continue
			}
			for i := range n {
				if id := ID(i + 1); id.Tenant == tenant && !yield(id) {
					return
				}
			}
		}
	}
}

// growth is what the heap may differ by, in bytes: far less than the ids alone
// of 100,000 records.
const growth = 1 << 20

// Seen is what was read, and how many bytes were in use after the tenth page and, at
// most, later.
type Seen struct {
	Records, Pages int
	Tenth, Peak    uint64
}

func (s Seen) String() string {
	return fmt.Sprintf("%d records on %d pages, %d KiB of heap after the tenth and %d KiB at most since", s.Records, s.Pages, s.Tenth>>10, s.Peak>>10)
}

// Through reads all pages of a query over the records 1 to n. It returns an error unless
// each comes once, in order, and memory does not grow with the number of pages.
func Through(ctx context.Context, s store.Store, q store.Query, n int) (Seen, error) {
	next, stop := iter.Pull(ids(n, q))
	defer stop()
	q.Limit = store.MaxLimit
	every := n / q.Limit / 20 // twenty measurements of the heap, each of which costs a collection
	var seen Seen
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return seen, err
		}
		for _, rec := range page.Records {
			if want, ok := next(); !ok || rec.ID != want {
				return seen, fmt.Errorf("record %d is %v instead of %v", seen.Records, rec.ID, want)
			}
			seen.Records++
		}
		seen.Pages++
		q.Cursor = page.Next
		if page = (store.Page{}); q.Cursor == "" || seen.Pages == 10 || seen.Pages > 10 && seen.Pages%max(every, 1) == 0 {
			seen.look()
		}
		if q.Cursor == "" {
			break
		}
	}
	if want, more := next(); more {
		return seen, fmt.Errorf("the list ends before %v", want)
	}
	switch {
	case seen.Pages <= 10:
		return seen, errors.New("too few pages to see anything")
	case seen.Peak > seen.Tenth+growth:
		return seen, fmt.Errorf("memory grows: %v", seen)
	}
	return seen, nil
}

// look notes the memory in use after a garbage collection.
func (s *Seen) look() {
	runtime.GC()
	runtime.GC() // objects in a sync.Pool survive the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if s.Pages <= 10 {
		s.Tenth = m.HeapAlloc
	}
	s.Peak = max(s.Peak, m.HeapAlloc)
}
