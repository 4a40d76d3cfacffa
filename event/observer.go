package event

import (
	"context"
	"errors"
	"slices"

	"github.com/totpflow/totpflow/internal/guard"
)

// An Observer receives every event at once: a log, a metric, a [SprayDetector]. It is
// called on the goroutine of the flow, after the account's record was written, and
// decides nothing: the person has already been let in or refused. A crash in
// between loses the event for observers; events that people must know about go to a
// [Notifier].
//
// Observe may be called from several goroutines at once. The flow waits for it, so it
// must not wait for a network. A panic in it is logged and goes no further.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// An ObserverFunc is a function as an [Observer].
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// Tee returns an observer that calls all of observers, one after the other; nil ones
// are left out. A panic in one is kept from the others, and raised after the last of
// them with everything that was raised.
func Tee(observers ...Observer) Observer {
	observers = slices.DeleteFunc(slices.Clone(observers), func(o Observer) bool { return o == nil })
	return ObserverFunc(func(ctx context.Context, e Event) {
		var errs []error
		for _, o := range observers {
			errs = append(errs, guard.Call(func() error { o.Observe(ctx, e); return nil }))
		}
		if err := errors.Join(errs...); err != nil {
			panic(err)
		}
	})
}
