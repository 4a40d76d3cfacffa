package paging_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/paging"
)

const records = 25_000

// The rig accepts a store that reads pages, and no store that leaves out, repeats, swaps
// or keeps records.
func TestThrough(t *testing.T) {
	s := shelf{}
	for n := range records {
		s.records = append(s.records, store.Record{ID: paging.ID(n + 1)})
	}
	slices.SortFunc(s.records, func(a, b store.Record) int { return a.ID.Compare(b.ID) })
	whole := store.Query{AllTenants: true}
	seen, err := paging.Through(t.Context(), s, whole, records)
	require.NoError(t, err)
	require.Equal(t, records, seen.Records)
	_, err = paging.Through(t.Context(), s, store.Query{Tenant: "acme"}, records)
	require.NoError(t, err)
	_, err = paging.Through(t.Context(), s, whole, records+1)
	require.ErrorContains(t, err, "instead of")
	_, err = paging.Through(t.Context(), s, store.Query{Tenant: "acme"}, records+1)
	require.ErrorContains(t, err, "ends before")

	var kept []store.Record
	for name, spoil := range map[string]func(p *store.Page){
		"instead of":   func(p *store.Page) { p.Records = p.Records[1:] },
		"instead of ":  func(p *store.Page) { p.Records = append(p.Records, p.Records[len(p.Records)-1]) },
		"instead of {": func(p *store.Page) { p.Records[0], p.Records[1] = p.Records[1], p.Records[0] },
		"ends before":  func(p *store.Page) { p.Next = "" },
		"memory grows": func(p *store.Page) { kept = append(kept, p.Records...) },
	} {
		_, err := paging.Through(t.Context(), spoilt{s, spoil}, whole, records)
		require.ErrorContains(t, err, name)
	}
	require.Len(t, kept, records)
}

// A shelf is a read-only store whose records are in order.
type shelf struct {
	store.Store
	records []store.Record
}

func (s shelf) List(_ context.Context, q store.Query) (store.Page, error) {
	after, limit, err := q.Start()
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	first, _ := slices.BinarySearchFunc(s.records, after, func(r store.Record, p store.Place) int { return cmp.Or(r.ID.Compare(p.ID), -1) })
	for _, rec := range s.records[first:] {
		if !q.AllTenants && rec.ID.Tenant != q.Tenant {
			continue
		}
		if len(page.Records) == limit {
			page.Next = store.Cursor(page.Records[limit-1].ID)
			break
		}
		page.Records = append(page.Records, rec)
	}
	return page, nil
}

// A spoilt store changes each page.
type spoilt struct {
	store.Store
	spoil func(*store.Page)
}

func (s spoilt) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := s.Store.List(ctx, q)
	s.spoil(&page)
	return page, err
}
