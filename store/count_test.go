package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

func TestCountRefuses(t *testing.T) {
	for name, q := range map[string]store.Query{
		"state":            {AllTenants: true, State: "active"},
		"due":              {AllTenants: true, DueBefore: time.Unix(1, 0)},
		"cursor":           {Tenant: "acme", Cursor: store.Cursor(alice)},
		"tenant and all":   {AllTenants: true, Tenant: "acme"},
		"no such tenant":   {Tenant: "a\x00"},
		"a negative limit": {Limit: -1},
	} {
		_, err := store.Count(t.Context(), store.NewMemory(), q)
		require.ErrorIs(t, err, store.ErrQuery, name)
		require.NotErrorIs(t, err, store.ErrUnavailable, name)
	}
}

// A counter is asked about the tenant alone, and its failure is the store's.
func TestCountAsksACounter(t *testing.T) {
	c := &quick{answer: map[string]int{"active": 3}}
	got, err := store.Count(t.Context(), c, store.Query{Tenant: "acme", Limit: 7, Heads: true})
	require.NoError(t, err)
	require.Equal(t, c.answer, got)
	require.Equal(t, store.Query{Tenant: "acme"}, c.asked)
	c.err = errors.New("connection reset")
	_, err = store.Count(t.Context(), c, store.Query{})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, c.err)
}

type quick struct {
	store.Store
	answer map[string]int
	err    error
	asked  store.Query
}

func (c *quick) Count(_ context.Context, q store.Query) (map[string]int, error) {
	c.asked = q
	return c.answer, c.err
}

// Any other store is read page by page, without the sealed bytes.
func TestCountReadsHeads(t *testing.T) {
	m := store.NewMemory()
	for n := range store.MaxLimit + 1 {
		rec := store.Record{ID: store.AccountID{Tenant: "acme", User: fmt.Sprint(n)}, Version: store.NewVersion(), State: "active"}
		require.NoError(t, m.Put(t.Context(), rec, store.Version{}))
	}
	l := &lister{Store: m}
	got, err := store.Count(t.Context(), l, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"active": store.MaxLimit + 1}, got)
	require.Len(t, l.asked, 2)
	for _, q := range l.asked {
		require.True(t, q.Heads)
	}
	l.damaged = true
	got, err = store.Count(t.Context(), l, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"active": store.MaxLimit + 1}, got, "a record that cannot be read is not in the empty state")

	l.end = errors.New("connection reset")
	_, err = store.Count(t.Context(), l, store.Query{Tenant: "acme"})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, l.end, "a list that breaks off does not make a smaller count")

	l.end, l.round = nil, true
	_, err = store.Count(t.Context(), l, store.Query{Tenant: "acme"})
	require.ErrorIs(t, err, store.ErrUnavailable)
}

// A lister notes the queries, has a damaged record, and ends after a page or goes round in
// circles.
type lister struct {
	store.Store
	asked   []store.Query
	damaged bool
	end     error
	round   bool
}

func (l *lister) List(ctx context.Context, q store.Query) (store.Page, error) {
	l.asked = append(l.asked, q)
	page, err := l.Store.List(ctx, q)
	if q.Cursor != "" && l.end != nil {
		return store.Page{}, l.end
	}
	if l.damaged {
		page.Records = append(page.Records, store.Record{ID: alice})
	}
	if l.round {
		page.Next = store.Cursor(alice)
	}
	return page, err
}
