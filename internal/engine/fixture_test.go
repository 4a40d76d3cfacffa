package engine

import (
	"context"
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

func newEngine(s store.Store, keys *keyring.Ring, observer event.Observer, now func() time.Time) *Engine {
	return New(Config{Store: s, Keys: keys, Observer: observer, Now: now})
}

// A hears is an observer that keeps the numbers of the events.
type hears struct {
	mu  sync.Mutex
	got []uint64
}

func (o *hears) Observe(_ context.Context, e event.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, e.Number)
}
