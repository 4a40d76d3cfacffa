package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
)

var errOops = errors.New("oops")

// A hook takes the place of the host's own code that runs inside the client, such as
// tracing.
type hook func()

func (h hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no server") }
}

func (h hook) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { h(); return nil }
}

func (h hook) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { h(); return nil }
}

func (h hook) store(t *testing.T) *redisstore.Store {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	client.AddHook(h)
	return redisstore.New(client, redisstore.Options{})
}

// operations returns those of a store. The versions are drawn before: in FIPS 140-3 mode
// a draw may ask the clock, which synctest stops.
func operations(s store.Store) map[string]func(context.Context) error {
	rec, was := record(), store.NewVersion()
	return map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, alice); return err },
		"Put":    func(ctx context.Context) error { return s.Put(ctx, rec, store.Version{}) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, alice, was) },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, store.Query{Tenant: "acme"}); return err },
	}
}

// A panic of a client is a panic in the caller's goroutine, where net/http recovers: one
// request ends, and not the process that serves everybody. The value of the panic and its
// place are kept.
func TestPanicOfAClientIsTheCallers(t *testing.T) {
	recovered := func(f func() error) (p any) {
		defer func() { p = recover() }()
		t.Logf("no panic, but the error %v", f())
		return nil
	}
	for name := range operations(nil) {
		s := hook(func() { panic(errOops) }).store(t)
		call := operations(s)[name]
		p, is := recovered(func() error { return call(t.Context()) }).(error)
		require.True(t, is, name)
		require.ErrorIs(t, p, errOops, name)
		require.ErrorContains(t, p, "redisstore: the client panicked: oops", name)
		require.ErrorContains(t, p, "panic_test.go:", "%s: the stack says where", name)

		// Its connection may have an answer that nobody has read.
		for next, call := range operations(s) {
			err := call(t.Context())
			require.ErrorContains(t, err, "restart the process", next)
			require.NotErrorIs(t, err, store.ErrNotFound, next)
			require.NotErrorIs(t, err, store.ErrConflict, next)
		}
	}
	var nothing runtime.Error
	for name := range operations(nil) {
		call := operations(redisstore.New(nil, redisstore.Options{}))[name]
		p, is := recovered(func() error { return call(t.Context()) }).(error)
		require.True(t, is, name)
		require.ErrorAs(t, p, &nothing, name)
	}
}

// A client that ends its goroutine has not answered: that means neither "no record",
// which lets people without a factor go on, nor "written".
func TestEndedGoroutineIsAnError(t *testing.T) {
	for name, call := range operations(hook(runtime.Goexit).store(t)) {
		err := call(t.Context())
		require.ErrorContains(t, err, "ended its goroutine", name)
		require.NotErrorIs(t, err, store.ErrNotFound, name)
		require.NotErrorIs(t, err, store.ErrConflict, name)
	}
}

// A caller who has waited long enough is gone when the client panics. There is no request
// left to end, and the process serves everybody else: the panic is logged.
func TestPanicAfterTheCallerHasGone(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	var deaf chan struct{}
	for name := range operations(nil) {
		call := operations(hook(func() { <-deaf; panic(errOops) }).store(t))[name]
		log.Reset()
		synctest.Test(t, func(t *testing.T) {
			deaf = make(chan struct{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, call(ctx), context.DeadlineExceeded, name)
			close(deaf)
			synctest.Wait()
		})
		require.Contains(t, log.String(), "level=ERROR", name)
		require.Contains(t, log.String(), "oops", name)
		require.Contains(t, log.String(), "panic_test.go:", "%s: the stack says where", name)
	}
}
