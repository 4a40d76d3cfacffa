package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
)

// A Sink takes events, to log them, to store them or to write a mail. It is
// called after the account's record was written and never decides anything: the
// person has already been let in or refused.
//
// Record may be called from several goroutines at once. An error means "not
// taken": the event stays in the account's outbox and comes again with the
// account's next flow, so a sink sees an event at least once and tells
// repetitions by tenant, user and number. An event with number 0 was not
// written and does not come again.
//
// A panic in Record counts as an error, which holds its value and where it was:
// else a template that fails on one event would fail each later flow of the
// account, which offers that event again, and lock its owner out. The service
// logs both to [slog.Default].
type Sink interface {
	Record(ctx context.Context, e Event) error
}

// A SinkFunc is a function as a [Sink].
type SinkFunc func(ctx context.Context, e Event) error

// Record calls f.
func (f SinkFunc) Record(ctx context.Context, e Event) error { return f(ctx, e) }

// Slog returns a sink that logs each event to l, or to [slog.Default] when l is
// nil: refusals, a lost record and a frozen account at Warn, the rest at Info. It never fails and
// is as safe for concurrent use as l's handler.
func Slog(l *slog.Logger) Sink {
	return SinkFunc(func(ctx context.Context, e Event) error {
		to := l
		if to == nil {
			to = slog.Default()
		}
		to.LogAttrs(ctx, e.Kind.level(), "second factor", e.attrs()...)
		return nil
	})
}

// Tee returns a sink that tells all of sinks, one after the other; nil ones are
// left out. Where some return an error, or panic, the others are told all the
// same, and the error is all of theirs, joined. The event then comes again to
// every one of them, as [Sink] says.
func Tee(sinks ...Sink) Sink {
	sinks = slices.DeleteFunc(slices.Clone(sinks), func(s Sink) bool { return s == nil })
	return SinkFunc(func(ctx context.Context, e Event) error {
		var errs []error
		for _, s := range sinks {
			errs = append(errs, record(ctx, s, e))
		}
		return errors.Join(errs...)
	})
}

// record tells one sink. It is the only place that recovers from the host's code.
func record(ctx context.Context, s Sink, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("event: the sink panicked: %v\n\n%s", p, debug.Stack())
		}
	}()
	return s.Record(ctx, e)
}
