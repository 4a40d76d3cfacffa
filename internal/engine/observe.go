package engine

import (
	"context"
	"log/slog"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/guard"
)

// observe passes an event to the observer. The change has happened, even if the caller's
// context has ended.
func (e *Engine) observe(ctx context.Context, ev event.Event) {
	ctx = context.WithoutCancel(ctx)
	if err := guard.Call(func() error { e.Observer.Observe(ctx, ev); return nil }); err != nil {
		e.report(ctx, slog.LevelError, troubleOf{kind: observerPanic, more: string(ev.Kind)},
			slog.String("kind", string(ev.Kind)), slog.Uint64("number", ev.Number), slog.Any("error", err))
	}
}

// observeAll passes the observer the events of an attempt that counted, and the
// notifications that found no place in the record beside them.
func (e *Engine) observeAll(ctx context.Context, tx *Tx) {
	for _, ev := range tx.events {
		e.observe(ctx, ev)
	}
	if tx.crowdedOut > 0 {
		tenant, user := subject(tx.id)
		e.observe(ctx, event.Event{At: tx.Now, Tenant: tenant, User: user, Kind: event.NotificationDropped, Reason: "too many wait", Remaining: tx.crowdedOut})
	}
}

// Report passes an event to the observer that is not in a record.
func (e *Engine) Report(ctx context.Context, ev event.Event) {
	ev.At, ev.Source = e.Now().UTC(), event.SourceOf(ctx)
	e.observe(ctx, ev)
}
