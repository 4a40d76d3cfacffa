package engine

import (
	"context"
	"log/slog"
	"sync"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// An outbox offers events to the host's sink, at least once.
//
// Events are written with the account, so that a crash between the write and
// the sink loses none: what the sink did not take stays in the record and is
// offered again after the account's next flow. What it did take is remembered
// here and dropped from the record when that is next written, which costs no
// write of its own. Another process, or this one after a restart, may offer an
// event again: sinks recognise it by its number.
type outbox struct {
	sink event.Sink // a Tee, which makes a panic of the host's an error

	mu    sync.Mutex
	known map[store.AccountID]uint64 // the highest number the sink has taken
}

// remembered bounds the memory of what the sink has taken. Forgetting costs a
// repeated offer, never a lost one.
const remembered = 10_000

func newOutbox(sink event.Sink) *outbox {
	return &outbox{sink: event.Tee(sink), known: make(map[store.AccountID]uint64)}
}

// taken returns the number up to which the sink has the account's events, when
// last is the newest number in the record. A record whose numbers are behind
// was deleted or restored meanwhile: what is known is of another life.
func (o *outbox) taken(id store.AccountID, last uint64) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known[id] > last {
		delete(o.known, id)
	}
	return o.known[id]
}

// report offers the sink the events of an attempt that counted. The caller's context may
// already be at its end: what happened has happened, and is told all the same.
func (o *outbox) report(ctx context.Context, tx *Tx) {
	ctx = context.WithoutCancel(ctx)
	if !tx.save {
		for _, e := range tx.events {
			o.offer(ctx, e)
		}
		return
	}
	taken := o.taken(tx.id, tx.Activity.Last())
	for _, e := range tx.Activity.Outbox(subject(tx.id)) {
		if e.Number <= taken {
			continue
		}
		if !o.offer(ctx, e) {
			return // in order: the rest waits behind the one that was refused
		}
		o.remember(tx.id, e.Number)
	}
}

func (o *outbox) offer(ctx context.Context, e event.Event) bool {
	err := o.sink.Record(ctx, e)
	if err != nil {
		slog.WarnContext(ctx, "totpflow: the event sink refused an event", "kind", e.Kind, "number", e.Number, "error", err)
	}
	return err == nil
}

// Report gives the sink an event that is about no account and stands in no record.
func (e *Engine) Report(ctx context.Context, ev event.Event) {
	ev.At, ev.Source = e.Now().UTC(), event.SourceOf(ctx)
	e.outbox.offer(context.WithoutCancel(ctx), ev)
}

func (o *outbox) remember(id store.AccountID, number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.known[id]; !ok && len(o.known) >= remembered {
		for other := range o.known { // any one
			delete(o.known, other)
			break
		}
	}
	o.known[id] = max(o.known[id], number)
}
