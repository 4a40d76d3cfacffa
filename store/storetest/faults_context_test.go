package storetest_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/totpflow/totpflow/store"
)

// deaf is a store with one method that does not look at the context.
func deaf(method string) func() *broken {
	return func() *broken {
		return &broken{ctxErr: func(ctx context.Context, called string) error {
			if called == method {
				return nil
			}
			return ctx.Err()
		}}
	}
}

// writing is a store that gives its own answer to a write whose context ends meanwhile.
func writing(end func(ctx context.Context, do func() error) error) func() *broken {
	return func() *broken { return &broken{write: end} }
}

// reading is a store that gives its own answer to a list and a count whose context ends
// meanwhile.
func reading(end func(b *broken, page *store.Page, counts map[string]int)) func() *broken {
	return func() *broken {
		return &broken{
			list: func(b *broken, q store.Query) (store.Page, error) {
				page, err := b.honestList(q)
				if err == nil && b.asked.Err() != nil {
					end(b, &page, nil)
				}
				return page, err
			},
			count: func(b *broken, q store.Query) (map[string]int, error) {
				counts, err := b.honestCount(q)
				if b.asked.Err() != nil {
					end(b, new(store.Page), counts)
				}
				return counts, err
			},
		}
	}
}

var contextFaults = []fault{
	{"context ignored by Get", "cancelled", deaf("Get")},
	{"context ignored by Put", "cancelled", deaf("Put")},
	{"context ignored by Delete", "cancelled", deaf("Delete")},
	{"context ignored by List", "cancelled", deaf("List")},
	{"context ignored by Count", "cancelled", deaf("Count")},
	{"not found under a context that is done", "cancelled", func() *broken {
		return &broken{ctxErr: func(ctx context.Context, method string) error {
			if err := ctx.Err(); err != nil && method == "Get" {
				return fmt.Errorf("%w: %w", store.ErrNotFound, err)
			}
			return ctx.Err()
		}}
	}},
	{"conflict under a context that is done", "cancelled", func() *broken {
		return &broken{ctxErr: func(ctx context.Context, method string) error {
			if err := ctx.Err(); err != nil && method != "Get" {
				return fmt.Errorf("%w: %w", store.ErrConflict, err)
			}
			return ctx.Err()
		}}
	}},
	{"written, and said not to be", "cancelled in flight", writing(func(ctx context.Context, do func() error) error {
		if err := do(); err != nil || ctx.Err() == nil {
			return err
		}
		return fmt.Errorf("%w: %w", store.ErrNotWritten, ctx.Err())
	})},
	{"written, and said to be a conflict", "cancelled in flight", writing(func(ctx context.Context, do func() error) error {
		if err := do(); err != nil || ctx.Err() == nil {
			return err
		}
		return fmt.Errorf("%w: %w", store.ErrConflict, ctx.Err())
	})},
	{"not tried, and said to be a conflict", "cancelled in flight", writing(func(ctx context.Context, do func() error) error {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", store.ErrConflict, ctx.Err())
		}
		return do()
	})},
	{"not tried, and said to be written", "cancelled in flight", writing(func(ctx context.Context, do func() error) error {
		if ctx.Err() != nil {
			return nil
		}
		return do()
	})},
	{"said not to be written, and written later", "cancelled in flight", func() *broken {
		var mu sync.Mutex
		var late []func() error
		return &broken{write: func(ctx context.Context, do func() error) error {
			mu.Lock()
			defer mu.Unlock()
			for _, do := range late {
				_ = do()
			}
			late = nil
			if ctx.Err() != nil {
				late = append(late, do)
				return fmt.Errorf("%w: %w", store.ErrNotWritten, ctx.Err())
			}
			return do()
		}}
	}},
	{"an interrupted Get read as no record", "reading cancelled in flight", func() *broken {
		return &broken{read: func(b *broken, id store.AccountID) (store.Record, bool) {
			rec, ok := b.lookup(id)
			return rec, ok && b.asked.Err() == nil
		}}
	}},
	{"a list that broke off", "reading cancelled in flight", reading(func(_ *broken, page *store.Page, _ map[string]int) {
		page.Records, page.Next = page.Records[:len(page.Records)/2], ""
	})},
	{"a count that broke off", "reading cancelled in flight", reading(func(_ *broken, _ *store.Page, counts map[string]int) {
		for state := range counts {
			counts[state] /= 2
		}
	})},
}
