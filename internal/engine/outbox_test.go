package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// A refuses is a sink that refuses one event, so many times.
type refuses struct {
	number uint64
	times  int
	got    []uint64
}

func (s *refuses) Record(_ context.Context, e event.Event) error {
	if e.Number == s.number && s.times > 0 {
		s.times--
		return errors.New("not now")
	}
	s.got = append(s.got, e.Number)
	return nil
}

// Events come in order: what follows a refused one waits behind it, else a sink
// that keeps the highest number would take it for a repetition.
func TestEventsStayInOrder(t *testing.T) {
	s := &refuses{number: 2, times: 1}
	b := newEngine(store.NewMemory(), ring(t), s, clock)
	for range 2 {
		require.NoError(t, b.Change(context.Background(), id, func(r *Tx) error {
			for range 3 {
				r.Log(event.Event{Kind: event.SignedIn})
			}
			r.Save()
			return nil
		}))
	}
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6}, s.got)
}

// What the sink has taken is remembered of so many accounts, and never less of
// one than before: two flows may report at once.
func TestOutboxMemory(t *testing.T) {
	o := newOutbox(&takes{})
	o.remember(id, 7)
	o.remember(id, 5)
	require.EqualValues(t, 7, o.taken(id, 9))
	require.Zero(t, o.taken(id, 6), "numbers that went back are of another life")
	for i := range remembered + 100 {
		o.remember(store.AccountID{User: strconv.Itoa(i)}, 1)
	}
	require.Len(t, o.known, remembered)
}

// A sink that panics on one event locks nobody out: it has refused it, which is
// logged, and each later flow of the account has its answer.
func TestSinkThatPanics(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	broken, got := true, []uint64(nil)
	b := newEngine(store.NewMemory(), ring(t), event.SinkFunc(func(_ context.Context, e event.Event) error {
		if broken && e.Kind == event.Reset {
			panic("no such template")
		}
		got = append(got, e.Number)
		return nil
	}), clock)
	signIn := func(kind event.Kind) error {
		return b.Change(t.Context(), id, func(r *Tx) error {
			r.Log(event.Event{Kind: kind})
			r.Save()
			return nil
		})
	}
	require.NoError(t, signIn(event.Reset), "it is written already")
	require.NoError(t, signIn(event.SignedIn))
	require.Empty(t, got, "in order")
	require.Equal(t, 2, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), "no such template")
	broken = false
	require.NoError(t, signIn(event.SignedIn))
	require.Equal(t, []uint64{1, 2, 3}, got, "nothing is lost")
}

// A sink that refuses an event is told of in the host's log, and no other.
func TestRefusedEventsAreLogged(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	s := &takes{}
	b := newEngine(store.NewMemory(), ring(t), s, clock)
	b.Report(t.Context(), event.Event{Kind: event.KeysRotated})
	require.Empty(t, log.String())
	s.refuse = true
	b.Report(t.Context(), event.Event{Kind: event.KeysRotated})
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), "keys_rotated")
}

// What is known of one account costs nothing of what is known of the others.
func TestRememberingAgainForgetsNobody(t *testing.T) {
	o := newOutbox(&takes{})
	for i := range remembered {
		o.remember(store.AccountID{User: fmt.Sprint(i)}, 1)
	}
	o.remember(store.AccountID{User: "0"}, 2)
	require.Len(t, o.known, remembered)
	o.remember(store.AccountID{User: "new"}, 1)
	require.Len(t, o.known, remembered)
}

// What is told without a write is told of the account too.
func TestToldWithoutAWrite(t *testing.T) {
	var got []event.Event
	b := newEngine(store.NewMemory(), ring(t), event.SinkFunc(func(_ context.Context, e event.Event) error {
		got = append(got, e)
		return nil
	}), clock)
	require.NoError(t, b.Change(t.Context(), id, func(r *Tx) error {
		r.Log(event.Event{Kind: event.Throttled})
		return nil
	}))
	require.Len(t, got, 1)
	require.Equal(t, id, store.AccountID{Tenant: got[0].Tenant, User: got[0].User})
}

// What another flow of this process has told meanwhile is not told again.
func TestToldMeanwhile(t *testing.T) {
	s := &takes{}
	b := newEngine(store.NewMemory(), ring(t), s, clock)
	log := func(r *Tx) error {
		r.Log(event.Event{Kind: event.PolicySet})
		r.Save()
		return nil
	}
	first, _, err := b.decideAndSwap(t.Context(), id, log)
	require.NoError(t, err)
	require.NoError(t, b.Change(t.Context(), id, func(r *Tx) error { r.Save(); return nil }))
	require.Equal(t, []uint64{1}, s.got, "by the flow that came after")
	b.outbox.report(t.Context(), first)
	require.Equal(t, []uint64{1}, s.got)
}

// Events reach the sink in order and at least once: what it refused is offered
// again with the account's next flow, also by another process.
func TestEventsAreOfferedAgain(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	s := &takes{}
	b := newEngine(m, keys, s, clock)
	log := func(b *Engine) {
		require.NoError(t, b.Change(ctx, id, func(r *Tx) error {
			r.Log(event.Event{Kind: event.SignedIn})
			r.Save()
			return nil
		}))
	}
	log(b)
	s.refuse = true
	log(b)
	log(b)
	s.refuse = false
	log(b)
	require.Equal(t, []uint64{1, 2, 3, 4}, s.got)

	// What was taken leaves the record with the next write: a new process
	// repeats only the last.
	log(b)
	s.got = nil
	log(newEngine(m, keys, s, clock))
	require.Equal(t, []uint64{5, 6}, s.got)

	// A flow that writes nothing tells without a number, a deleted account
	// begins again at one.
	s.got = nil
	require.NoError(t, b.Change(ctx, id, func(r *Tx) error { r.Log(event.Event{Kind: event.Throttled}); return nil }))
	rec, err := m.Get(ctx, id)
	require.NoError(t, err)
	require.NoError(t, m.Delete(ctx, id, rec.Version))
	log(b)
	require.Equal(t, []uint64{0, 1}, s.got)
}

// Events of a write that was not acknowledged are not told.
func TestNoEventWithoutItsWrite(t *testing.T) {
	s := &takes{}
	b := newEngine(broken{store.NewMemory()}, ring(t), s, clock)
	err := b.Change(context.Background(), id, func(r *Tx) error {
		r.Log(event.Event{Kind: event.SignedIn})
		r.Save()
		return nil
	})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.Empty(t, s.got)
}
