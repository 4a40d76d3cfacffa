package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// A list has each record, or the reason why it does not open.
func TestListAndRead(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	b := newEngine(m, keys, &hears{}, clock)
	save := func(r *Tx) error { r.Generation = 7; r.Save(); return nil }
	require.NoError(t, b.Change(ctx, id, save))
	other, err := account.Seal(ring(t), store.AccountID{Tenant: "acme", User: "43"}, account.Account{Generation: 3}, at, time.Time{})
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
		got, found, err := b.Read(ctx, want.ID)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want.Err == nil, got.Err == nil)
		got.Err, want.Err = nil, nil
		require.Equal(t, want, got)
	}
	none, found, err := b.Read(ctx, store.AccountID{User: "nobody"})
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, Entry{ID: store.AccountID{User: "nobody"}}, none)
}

// A caller's mistake is reported as such; a failure of the store is ErrUnavailable, and
// never "there is none".
func TestShelfErrors(t *testing.T) {
	s, ctx := totptest.Wrap(store.NewMemory()), context.Background()
	keys := ring(t)
	b := newEngine(s, keys, &hears{}, clock)
	_, err := b.List(ctx, store.Query{Limit: -1})
	require.ErrorIs(t, err, store.ErrQuery)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	_, err = b.List(ctx, store.Query{Cursor: "x"})
	require.ErrorIs(t, err, store.ErrCursor)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	_, _, err = b.Read(ctx, store.AccountID{})
	require.ErrorIs(t, err, store.ErrID)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	gone := errors.New("gone")
	s.SetFaults(totptest.Faults{Get: gone, List: gone})
	_, err = b.List(ctx, store.Query{})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, gone)
	_, _, err = b.Read(ctx, id)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, gone)
}

// A ring that did not seal the records is found at the start; an empty store is ready. A
// few damaged records, wherever they are, take no process out of service.
func TestReady(t *testing.T) {
	m, ctx := store.NewMemory(), t.Context()
	e, stranger := newEngine(m, ring(t), &hears{}, clock), newEngine(m, ring(t), &hears{}, clock)
	write := func(e *Engine, user string) {
		save := func(tx *Tx) error { tx.Save(); return nil }
		require.NoError(t, e.Change(ctx, store.AccountID{Tenant: "acme", User: user}, save))
	}
	require.NoError(t, e.Ready(ctx))
	for _, user := range "abcdefghi" {
		write(stranger, string(user))
		require.ErrorIs(t, e.Ready(ctx), keyring.ErrUnknownKey, "it opens none of the records")
	}
	write(e, "j")
	require.NoError(t, e.Ready(ctx))
	require.NoError(t, stranger.Ready(ctx))
	require.ErrorIs(t, newEngine(m, ring(t), &hears{}, clock).Ready(ctx), keyring.ErrUnknownKey)
	down := totptest.Wrap(m)
	down.SetFaults(totptest.Faults{List: errors.New("gone")})
	require.ErrorIs(t, newEngine(down, e.Keys, &hears{}, clock).Ready(ctx), store.ErrUnavailable)
}
