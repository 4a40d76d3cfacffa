package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// prompt returns what f returns, or the context's error as soon as the context is done,
// which the client would notice only after its own time-outs. If f is still running then,
// its outcome is open. f may share nothing with the caller.
//
// A panic of f becomes one in the caller's goroutine, as a *panicked: net/http and others
// recover only from panics of their own goroutines, so that one driver's fault would
// otherwise end the process for everybody. Where the caller has gone, the panic is
// logged, since it has no request to end. If f ends its goroutine (runtime.Goexit), the
// error is errEnded: a driver's silence must mean neither "no record" nor "written".
//
// Package sqlstore has the same. It is not shared: this module is released apart
// from that one, and an internal package would tie each version to one of the
// other.
func prompt[T any](ctx context.Context, fuse *fuse, f func() (T, error)) (T, error) {
	var none T
	if err := fuse.err(); err != nil {
		return none, err
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	answer, gone := make(chan outcome[T]), make(chan struct{})
	defer close(gone)
	go func() {
		o := outcome[T]{err: errEnded}
		defer func() {
			if p := recover(); p != nil {
				o = outcome[T]{panicked: &panicked{p, debug.Stack()}}
				fuse.blown.CompareAndSwap(nil, o.panicked)
			}
			select {
			case answer <- o:
			case <-gone:
				o.log(ctx)
			}
		}()
		o.value, o.err = f()
	}()
	select {
	case o := <-answer:
		if o.panicked != nil {
			panic(o.panicked)
		}
		if err := fuse.err(); err != nil { // the answer may be that of the call that panicked
			return none, err
		}
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// A fuse blows with the first panic. The connection goes back to the pool with an answer
// that nobody has read, which the next call would take for its own: a lost race could
// pass for a won one. So every later call is refused.
type fuse struct{ blown atomic.Pointer[panicked] }

func (f *fuse) err() error {
	if p := f.blown.Load(); p != nil {
		return fmt.Errorf("redisstore: the client has panicked, and its connections cannot be trusted; restart the process (%v)", p.value)
	}
	return nil
}

// errEnded means that f did not return.
var errEnded = errors.New("redisstore: the client ended its goroutine without an answer")

// An outcome is the result of f.
type outcome[T any] struct {
	value    T
	err      error
	panicked *panicked
}

// log reports a panic that no caller is left to receive. Any other outcome that comes too
// late is open, and the next read sees it.
func (o outcome[T]) log(ctx context.Context) {
	if o.panicked != nil {
		slog.ErrorContext(ctx, "redisstore: the client panicked after its caller had gone", "panic", o.panicked)
	}
}

// panicked is the value of a panic, and the stack that it came from, which the
// goroutine that panics again does not show.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("redisstore: the client panicked: %v\n\n%s", p.value, p.stack)
}

// Unwrap returns the value where it is an error, as with a nil pointer.
func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
