package engine

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// Observers receive ids as the host knows them, although the record keeps them cleaned,
// and where the request came from, even with an event that is in no record.
func TestObservedAsTheHostKnowsIt(t *testing.T) {
	var got []event.Event
	e := newEngine(store.NewMemory(), ring(t), event.ObserverFunc(func(_ context.Context, ev event.Event) { got = append(got, ev) }), clock)
	odd := store.AccountID{Tenant: "ac\u00a0me", User: "ana\u200cx"}
	from := event.Source{Address: "192.0.2.1", UserAgent: "Firefox"}
	ctx := event.WithSource(t.Context(), from)
	for _, saved := range []bool{true, false} {
		require.NoError(t, e.Change(ctx, odd, func(tx *Tx) error {
			tx.Log(event.Event{Kind: event.SignedIn})
			if saved {
				tx.Save()
			}
			return nil
		}))
	}
	e.Report(ctx, event.Event{Kind: event.KeysRotated})
	require.Equal(t, []event.Event{
		{Number: 1, At: at, Source: from, Tenant: odd.Tenant, User: odd.User, Kind: event.SignedIn},
		{At: at, Source: from, Tenant: odd.Tenant, User: odd.User, Kind: event.SignedIn},
		{At: at, Source: from, Kind: event.KeysRotated},
	}, got)
}
