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

var alice = store.AccountID{Tenant: "acme", User: "alice"}

func TestUpdateCreatesThenChanges(t *testing.T) {
	s := store.NewMemory()
	for want := range 3 {
		err := store.Update(t.Context(), s, alice, func(was store.Record, found bool) (*store.Record, error) {
			require.Equal(t, want > 0, found)
			require.Equal(t, uint64(want), count(was))
			return step(was, found)
		})
		require.NoError(t, err)
	}
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, alice, rec.ID)
	require.Equal(t, uint64(3), count(rec))
}

// A decision cannot write to another account, or leave the version as it was.
func TestUpdateSetsIDAndVersion(t *testing.T) {
	s := store.NewMemory()
	mallory := store.AccountID{User: "mallory"}
	seen := make(map[store.Version]bool)
	for range 3 {
		err := store.Update(t.Context(), s, alice, func(was store.Record, _ bool) (*store.Record, error) {
			return &store.Record{ID: mallory, Version: was.Version}, nil
		})
		require.NoError(t, err)
		rec, err := s.Get(t.Context(), alice)
		require.NoError(t, err)
		require.False(t, seen[rec.Version])
		seen[rec.Version] = true
		_, err = s.Get(t.Context(), mallory)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}

// Sealed bytes may be bound to the version that they are written under.
func TestUpdateKeepsADrawnVersion(t *testing.T) {
	m := store.NewMemory()
	s := &script{Memory: m, put: []putHook{func(ctx context.Context, rec store.Record, was store.Version) error {
		other(t, m, 1)
		return m.Put(ctx, rec, was)
	}}}
	var drawn store.Version
	draw := func(store.Record, bool) (*store.Record, error) {
		drawn = store.NewVersion()
		return &store.Record{Version: drawn, Sealed: drawn[:]}, nil
	}
	require.NoError(t, store.Update(t.Context(), s, alice, draw))
	rec, err := m.Get(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, 2, s.puts)
	require.Equal(t, drawn, rec.Version)
	require.Equal(t, drawn[:], rec.Sealed)

	// One version for two rounds: a reader may have it from the first.
	s = &script{Memory: m, put: []putHook{failBefore(store.ErrConflict)}}
	err = store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) {
		return &store.Record{Version: store.Version{1}}, nil
	})
	require.ErrorIs(t, err, store.ErrRecord)
	require.Equal(t, 1, s.puts)
}

func TestUpdateNothingToWrite(t *testing.T) {
	wrong := errors.New("wrong code")
	for _, answer := range []error{nil, wrong} {
		s := &script{Memory: store.NewMemory()}
		err := store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) { return nil, answer })
		require.Equal(t, answer, err)
		require.Zero(t, s.puts)
	}
}

// A refused attempt is an answer that comes with a write: the failure is counted before
// anybody learns that the code was wrong.
func TestUpdateAnswersAnErrorAfterWriting(t *testing.T) {
	wrong := errors.New("wrong code")
	s := &script{Memory: store.NewMemory()}
	err := store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) { return counter(1), wrong })
	require.Equal(t, wrong, err, "the very answer, not a wrapped one")
	n, _ := stored(t, s)
	require.Equal(t, uint64(1), n)

	s = &script{Memory: store.NewMemory(), put: []putHook{failBefore(errDisk)}}
	err = store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) { return counter(1), wrong })
	require.NotErrorIs(t, err, wrong, "an uncharged guess must not be judged")
	require.ErrorIs(t, err, store.ErrUnavailable)
}

func TestUpdateRefusesBeforeTheStore(t *testing.T) {
	big := counter(1)
	big.Sealed = make([]byte, store.MaxSealed+1)
	for name, c := range map[string]struct {
		id   store.AccountID
		next *store.Record
		want error
		gets int
	}{
		"no user":   {store.AccountID{Tenant: "acme"}, counter(1), store.ErrID, 0},
		"too large": {alice, big, store.ErrTooLarge, 1},
		"bad state": {alice, &store.Record{State: "a\nb"}, store.ErrRecord, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{Memory: store.NewMemory()}
			err := store.Update(t.Context(), s, c.id, func(store.Record, bool) (*store.Record, error) { return c.next, nil })
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, store.ErrUnavailable)
			require.Equal(t, c.gets, s.gets)
			require.Zero(t, s.puts)
		})
	}
}

func TestUpdateDeadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	err := store.Update(ctx, store.NewMemory(), alice, step)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestUpdatePanicWritesNothing(t *testing.T) {
	s := &script{Memory: store.NewMemory()}
	other(t, s.Memory, 7)
	require.PanicsWithValue(t, "bug", func() {
		_ = store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) { panic("bug") })
	})
	n, _ := stored(t, s)
	require.Equal(t, uint64(7), n)
	require.Zero(t, s.puts)
}

// decide owns its argument: changing it, including its version, changes neither the
// comparison nor the store.
func TestUpdateDecideMayChangeItsArgument(t *testing.T) {
	s := store.NewMemory()
	other(t, s, 1)
	err := store.Update(t.Context(), s, alice, func(was store.Record, _ bool) (*store.Record, error) {
		was.Sealed[7] = 9
		was.Version = store.Version{}
		return &was, nil
	})
	require.NoError(t, err)
	rec, err := s.Get(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, uint64(9), count(rec))
}

// confused answers with somebody else's record, as a column that ignores case does, or
// with one without a version.
type confused struct {
	*store.Memory
	rec store.Record
}

func (c confused) Get(context.Context, store.AccountID) (store.Record, error) { return c.rec, nil }

func TestUpdateDistrustsTheStore(t *testing.T) {
	for name, rec := range map[string]store.Record{
		"other user":   {ID: store.AccountID{Tenant: "acme", User: "Alice"}, Version: store.Version{1}},
		"other tenant": {ID: store.AccountID{Tenant: "ACME", User: "alice"}, Version: store.Version{1}},
		"no version":   {ID: alice},
	} {
		t.Run(name, func(t *testing.T) {
			err := store.Update(t.Context(), confused{store.NewMemory(), rec}, alice, func(store.Record, bool) (*store.Record, error) {
				t.Error("decided on somebody else's record")
				return nil, nil
			})
			require.ErrorIs(t, err, store.ErrUnavailable)
		})
	}
}

// An answer that is an error is returned unchanged, even if the store has lost the
// acknowledgement: a broken connection must not turn "wrong code" into "right".
func TestUpdateKeepsTheAnswerWhenTheOutcomeIsUnclear(t *testing.T) {
	wrong := errors.New("wrong code")
	for name, failure := range map[string]error{"lost acknowledgement": errDisk, "a conflict with itself": store.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			m := store.NewMemory()
			s := &script{Memory: m, put: []putHook{failAfter(m, failure)}}
			err := store.Update(t.Context(), s, alice, func(store.Record, bool) (*store.Record, error) { return counter(1), wrong })
			require.Equal(t, wrong, err)
			n, _ := stored(t, s)
			require.Equal(t, uint64(1), n)
		})
	}
}

// The reason why the store is unavailable is stated once.
func TestUpdateSaysWhy(t *testing.T) {
	s := &script{Memory: store.NewMemory(), put: []putHook{failBefore(errDisk)}}
	err := store.Update(t.Context(), s, alice, step)
	require.EqualError(t, err, fmt.Sprintf("%v: write: %v", store.ErrUnavailable, errDisk))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = store.Update(ctx, store.NewMemory(), alice, step)
	require.EqualError(t, err, fmt.Sprintf("%v: read: %v: %v", store.ErrUnavailable, store.ErrNotWritten, context.Canceled))
}
