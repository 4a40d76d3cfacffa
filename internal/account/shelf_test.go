package account

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A list shows each record, or why it does not open.
func TestListAndRead(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	b := NewBook(m, keys, &takes{}, clock)
	save := func(r *Round) error { r.Generation = 7; r.Save(); return nil }
	require.NoError(t, b.Change(ctx, id, save))
	other, err := seal(ring(t), store.AccountID{Tenant: "acme", User: "43"}, full(t), at)
	require.NoError(t, err)
	require.NoError(t, m.Put(ctx, *other, store.Version{}))

	page, err := b.List(ctx, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Len(t, page.Entries, 2)
	good, bad := page.Entries[0], page.Entries[1]
	require.NoError(t, good.Err)
	require.EqualValues(t, 7, good.Account.Generation)
	require.Equal(t, keys.IDs()[0], good.KeyID)
	require.Equal(t, at, good.Updated)
	require.ErrorIs(t, bad.Err, keyring.ErrUnknownKey)
	require.NotEmpty(t, bad.KeyID)
	require.Zero(t, bad.Account)
	for _, want := range page.Entries {
		got, found, err := Read(ctx, m, keys, want.ID)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want.Err == nil, got.Err == nil)
		got.Err, want.Err = nil, nil
		require.Equal(t, want, got)
	}
	none, found, err := Read(ctx, m, keys, store.AccountID{User: "nobody"})
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, Entry{ID: store.AccountID{User: "nobody"}}, none)
}

// What the caller got wrong is the caller's; what the store cannot do is
// ErrUnavailable, and never "there is none".
func TestShelfErrors(t *testing.T) {
	s, ctx := totptest.Wrap(store.NewMemory()), context.Background()
	keys := ring(t)
	b := NewBook(s, keys, &takes{}, clock)
	_, err := b.List(ctx, store.Query{Limit: -1})
	require.ErrorIs(t, err, store.ErrQuery)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	_, err = b.List(ctx, store.Query{Cursor: "x"})
	require.ErrorIs(t, err, store.ErrCursor)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	_, _, err = Read(ctx, s, keys, store.AccountID{})
	require.ErrorIs(t, err, store.ErrID)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	gone := errors.New("gone")
	s.SetFaults(totptest.Faults{Get: gone, List: gone})
	_, err = b.List(ctx, store.Query{})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, gone)
	_, _, err = Read(ctx, s, keys, id)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, gone)
}

// Forgetting tells first, then deletes; what decide refuses stays.
func TestForget(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	s := &takes{}
	b := NewBook(m, ring(t), s, clock)
	require.NoError(t, b.Forget(ctx, id, func(r *Round) error { require.False(t, r.Found); return nil }))
	require.NoError(t, b.Change(ctx, id, func(r *Round) error { r.Save(); return nil }))
	refusal := errors.New("no")
	require.ErrorIs(t, b.Forget(ctx, id, func(*Round) error { return refusal }), refusal)
	_, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.NoError(t, b.Forget(ctx, id, func(r *Round) error {
		r.Log(event.Event{Kind: event.Forgotten})
		return nil
	}))
	require.Equal(t, []uint64{1}, s.got)
	_, err = m.Get(ctx, id)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// Somebody who writes at each moment does not keep an erasure from ending.
func TestForgetEnds(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	b := NewBook(m, ring(t), &takes{}, clock)
	busy := &conflicts{Store: m}
	forgets := NewBook(busy, b.keys, &takes{}, clock)
	require.NoError(t, b.Change(ctx, id, func(r *Round) error { r.Save(); return nil }))
	err := forgets.Forget(ctx, id, func(*Round) error { return nil })
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, deletions, busy.deletes)
}

// A conflicts store loses every deletion.
type conflicts struct {
	store.Store
	deletes int
}

func (s *conflicts) Delete(context.Context, store.AccountID, store.Version) error {
	s.deletes++
	return store.ErrConflict
}

// A record that is not under the newest key says so to the round, and the write
// of it is under that key.
func TestRewrite(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	old := keyring.Generate()
	next, err := keyring.Rotate(old)
	require.NoError(t, err)
	book := func(text string) *Book {
		keys, err := keyring.Parse(text)
		require.NoError(t, err)
		return NewBook(m, keys, &takes{}, clock)
	}
	for _, any := range []store.AccountID{id, TenantID("acme"), SendsID("x")} {
		stale := func(b *Book) (stale bool) {
			require.NoError(t, b.Rewrite(ctx, any, func(r *Round) error { stale = r.Stale; r.Save(); return nil }))
			return stale
		}
		require.False(t, stale(book(old)), "there is no record")
		require.False(t, stale(book(old)))
		require.True(t, stale(book(next)))
		require.False(t, stale(book(next)))
	}
}
