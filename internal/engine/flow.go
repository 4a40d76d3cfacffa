package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/guard"
	"github.com/totpflow/totpflow/store"
)

// A Flow is a call by the product that has not ended. It is nil if it is part of another
// flow, or if there is no observer of flows.
type Flow struct {
	engine *Engine
	ctx    context.Context // the caller's context
	name   string
	began  time.Time
	lost   atomic.Int64
	ended  atomic.Bool
}

type flowKey struct{}

// Begin begins a flow of this name. It returns a context for the calls that the flow
// makes: they are part of it. Without an observer of flows it does nothing.
func (e *Engine) Begin(ctx context.Context, name string) (context.Context, *Flow) {
	if e.Flows == nil {
		return ctx, nil
	}
	if f, ok := ctx.Value(flowKey{}).(*Flow); ok && f.engine == e && !f.ended.Load() {
		return ctx, nil
	}
	f := &Flow{engine: e, ctx: ctx, name: name, began: e.Now()}
	return context.WithValue(ctx, flowKey{}, f), f
}

// End ends the flow. Defer it, with the address of the call's error.
func (f *Flow) End(err *error) {
	if f == nil {
		return
	}
	f.ended.Store(true)
	e := f.engine
	heard := event.Flow{
		Name: f.name, Outcome: e.outcome(f.ctx, *err), Began: f.began,
		Duration: max(e.Now().Sub(f.began), 0), Lost: int(f.lost.Load()),
	}
	if p := recover(); p != nil { // a panic of the host's code, such as a rule
		heard.Outcome = event.OutcomeFailed
		e.observeFlow(f.ctx, heard)
		panic(p)
	}
	e.observeFlow(f.ctx, heard)
}

func (e *Engine) observeFlow(ctx context.Context, f event.Flow) {
	if err := guard.Call(func() error { e.Flows.ObserveFlow(ctx, f); return nil }); err != nil {
		e.report(ctx, slog.LevelError, troubleOf{kind: observerPanic, more: f.Name}, slog.String("flow", f.Name), slog.Any("error", err))
	}
}

// lose notes rounds that the flow of the context has lost.
func lose(ctx context.Context, rounds int) {
	if f, ok := ctx.Value(flowKey{}).(*Flow); ok {
		f.lost.Add(int64(rounds))
	}
}

// outcome returns err as one word.
func (e *Engine) outcome(ctx context.Context, err error) event.Outcome {
	switch {
	case err == nil:
		return event.OutcomeOK
	case errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled):
		return event.OutcomeCanceled
	case errors.Is(err, store.ErrUnavailable):
		return event.OutcomeUnavailable
	case unopened(err):
		return event.OutcomeUnreadable
	case errors.Is(err, ErrPolicy), errors.As(err, new(*HostError)):
		return event.OutcomeFailed
	}
	return e.Outcome(err)
}

// A HostError is an error of the host's code: a provider of messages, a notifier.
type HostError struct{ Err error }

// Error returns the text of the host's error.
func (h *HostError) Error() string { return h.Err.Error() }

// Unwrap returns the host's error.
func (h *HostError) Unwrap() error { return h.Err }

// OfHost marks err as the host's, unless it is nil.
func OfHost(err error) error {
	if err == nil {
		return nil
	}
	return &HostError{err}
}
