package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

var (
	at = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	id = store.AccountID{Tenant: "acme", User: "42"}
)

func clock() time.Time { return at }

func ring(t testing.TB) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	return r
}

func newEngine(s store.Store, keys *keyring.Ring, sink event.Sink, now func() time.Time) *Engine {
	return New(Config{Store: s, Keys: keys, Events: sink, Now: now})
}

// A takes is a sink that takes so many events, then refuses.
type takes struct {
	mu     sync.Mutex
	refuse bool
	got    []uint64
}

func (s *takes) Record(_ context.Context, e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return errors.New("sink is full")
	}
	s.got = append(s.got, e.Number)
	return nil
}
