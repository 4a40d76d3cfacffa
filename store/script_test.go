package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

var errDisk = errors.New("disk on fire")

type (
	getHook = func(ctx context.Context) error
	putHook = func(ctx context.Context, rec store.Record, was store.Version) error
)

// A script is a Memory whose next calls fail as it says. A nil hook, or one past the end,
// is a healthy call.
type script struct {
	*store.Memory
	get  []getHook
	put  []putHook
	gets int
	puts int
}

func (s *script) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	n := s.gets
	s.gets++
	if n < len(s.get) && s.get[n] != nil {
		if err := s.get[n](ctx); err != nil {
			return store.Record{}, err
		}
	}
	return s.Memory.Get(ctx, id)
}

func (s *script) Put(ctx context.Context, rec store.Record, was store.Version) error {
	n := s.puts
	s.puts++
	if n < len(s.put) && s.put[n] != nil {
		return s.put[n](ctx, rec, was)
	}
	return s.Memory.Put(ctx, rec, was)
}

// count reads a counter record, and next builds its successor.
func count(rec store.Record) uint64 {
	if len(rec.Sealed) == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(rec.Sealed)
}

func counter(n uint64) *store.Record {
	return &store.Record{State: "active", Sealed: binary.BigEndian.AppendUint64(nil, n)}
}

func step(was store.Record, _ bool) (*store.Record, error) { return counter(count(was) + 1), nil }

// stored returns the contents of the store, without its script.
func stored(t *testing.T, s *script) (n uint64, found bool) {
	t.Helper()
	rec, err := s.Memory.Get(t.Context(), alice)
	if errors.Is(err, store.ErrNotFound) {
		return 0, false
	}
	require.NoError(t, err)
	return count(rec), true
}

// failBefore reports err and writes nothing.
func failBefore(err error) putHook {
	return func(context.Context, store.Record, store.Version) error { return err }
}

// failAfter writes and then reports err: an acknowledgement lost on the way.
func failAfter(m *store.Memory, err error) putHook {
	return func(ctx context.Context, rec store.Record, was store.Version) error {
		if e := m.Put(ctx, rec, was); e != nil {
			return e
		}
		return err
	}
}

// other writes in between, as a second process does.
func other(t *testing.T, m *store.Memory, n uint64) {
	t.Helper()
	require.NoError(t, store.Update(context.Background(), m, alice, func(store.Record, bool) (*store.Record, error) { return counter(n), nil }))
}
