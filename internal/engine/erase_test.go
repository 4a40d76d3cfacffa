package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

// Forgetting reports first, then deletes; an account that decide refuses stays.
func TestForget(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	s := &hears{}
	b := newEngine(m, ring(t), s, clock)
	require.NoError(t, b.Erase(ctx, id, func(r *Tx) error { require.False(t, r.Found); return nil }))
	require.NoError(t, b.Change(ctx, id, func(r *Tx) error { r.Save(); return nil }))
	refusal := errors.New("no")
	require.ErrorIs(t, b.Erase(ctx, id, func(*Tx) error { return refusal }), refusal)
	_, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.NoError(t, b.Erase(ctx, id, func(r *Tx) error {
		r.Log(event.Event{Kind: event.Forgotten})
		return nil
	}))
	require.Equal(t, []uint64{1}, s.got)
	_, err = m.Get(ctx, id)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A record that does not open is deleted on request, but not one that opens by now, and not
// another person's, which a store that ignores case returns.
func TestForgetUnopened(t *testing.T) {
	m, ctx, keys := store.NewMemory(), context.Background(), ring(t)
	s := &hears{}
	b, stranger := newEngine(m, keys, s, clock), newEngine(m, ring(t), &hears{}, clock)
	save := func(r *Tx) error { r.Save(); return nil }
	good, other := store.AccountID{Tenant: "acme", User: "ana"}, store.AccountID{Tenant: id.Tenant, User: id.User + "X"}
	require.NoError(t, b.Change(ctx, good, save))
	require.NoError(t, stranger.Change(ctx, id, save))
	forgotten := event.Event{Kind: event.Forgotten}
	because := b.Erase(ctx, id, func(*Tx) error { return nil })
	require.ErrorIs(t, because, keyring.ErrOpen)

	refusal := errors.New("no")
	require.Equal(t, refusal, b.EraseUnopened(ctx, id, refusal, forgotten), "it is not because the record does not open")
	require.Equal(t, because, b.EraseUnopened(ctx, good, because, forgotten))
	blind := newEngine(anyCase{m, id}, keys, s, clock)
	require.Equal(t, because, blind.EraseUnopened(ctx, other, because, forgotten))
	require.Empty(t, s.got)
	busy := newEngine(&conflicts{Store: m}, keys, s, clock)
	require.ErrorIs(t, busy.EraseUnopened(ctx, id, because, forgotten), store.ErrUnavailable)

	require.NoError(t, b.EraseUnopened(ctx, id, because, forgotten))
	_, err := m.Get(ctx, id)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = m.Get(ctx, good)
	require.NoError(t, err)
}

// An anyCase store has one record for every spelling of its id.
type anyCase struct {
	store.Store
	id store.AccountID
}

func (s anyCase) Get(ctx context.Context, _ store.AccountID) (store.Record, error) {
	return s.Store.Get(ctx, s.id)
}

// A writer who writes at every moment does not prevent an erasure from ending.
func TestForgetEnds(t *testing.T) {
	m, ctx := store.NewMemory(), context.Background()
	b := newEngine(m, ring(t), &hears{}, clock)
	busy := &conflicts{Store: m}
	forgets := newEngine(busy, b.Keys, &hears{}, clock)
	require.NoError(t, b.Change(ctx, id, func(r *Tx) error { r.Save(); return nil }))
	err := forgets.Erase(ctx, id, func(*Tx) error { return nil })
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, maxDeletions, busy.deletes)
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

// vanishing is a store that answers as it is told a Get after a write, and a Delete.
type vanishing struct {
	*store.Memory
	get, del   error
	puts, dels int
}

func (v *vanishing) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if v.puts > 0 && v.get != nil {
		return store.Record{}, v.get
	}
	return v.Memory.Get(ctx, id)
}

func (v *vanishing) Put(ctx context.Context, rec store.Record, was store.Version) error {
	v.puts++
	return v.Memory.Put(ctx, rec, was)
}

func (v *vanishing) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	v.dels++
	if v.del != nil {
		return v.del
	}
	return v.Memory.Delete(ctx, id, was)
}

// Forgetting deletes once, and again only after a lost race; a deletion by somebody else
// is enough, and a record that is missing is not written for it.
func TestForgetDeletesOnce(t *testing.T) {
	down := errors.New("timeout")
	for name, c := range map[string]struct {
		get, del   error
		is         error
		puts, dels int
	}{
		"deleted":                   {nil, nil, nil, 1, 1},
		"somebody else deleted it":  {store.ErrNotFound, nil, nil, 1, 0},
		"it cannot be looked for":   {down, nil, down, 1, 0},
		"it cannot be deleted":      {nil, down, down, 1, 1},
		"every race for it is lost": {nil, store.ErrConflict, store.ErrConflict, 1, maxDeletions},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vanishing{Memory: store.NewMemory(), get: c.get, del: c.del}
			b := newEngine(v, ring(t), &hears{}, clock)
			require.NoError(t, b.Change(t.Context(), id, func(r *Tx) error { r.Save(); return nil }))
			v.puts = 0
			err := b.Erase(t.Context(), id, func(*Tx) error { return nil })
			require.ErrorIs(t, err, c.is)
			require.Equal(t, c.is != nil, errors.Is(err, store.ErrUnavailable))
			require.Equal(t, []int{c.puts, c.dels}, []int{v.puts, v.dels})
		})
	}
	busy := &vanishing{Memory: store.NewMemory(), del: store.ErrNotWritten}
	b := newEngine(busy, ring(t), &hears{}, clock)
	require.NoError(t, b.Change(t.Context(), id, func(r *Tx) error { r.Save(); return nil }))
	err := b.Erase(t.Context(), id, func(*Tx) error { return nil })
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NotErrorIs(t, err, store.ErrNotWritten, "the write before it was done")

	v := &vanishing{Memory: store.NewMemory()}
	require.NoError(t, newEngine(v, ring(t), &hears{}, clock).Erase(t.Context(), id, func(*Tx) error { return nil }))
	require.Zero(t, v.puts)
}
