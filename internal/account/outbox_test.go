package account

import (
	"bytes"
	"context"
	"errors"
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
	b := NewBook(store.NewMemory(), ring(t), s, clock)
	for range 2 {
		require.NoError(t, b.Change(context.Background(), id, func(r *Round) error {
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
	b := NewBook(store.NewMemory(), ring(t), event.SinkFunc(func(_ context.Context, e event.Event) error {
		if broken && e.Kind == event.Reset {
			panic("no such template")
		}
		got = append(got, e.Number)
		return nil
	}), clock)
	signIn := func(kind event.Kind) error {
		return b.Change(t.Context(), id, func(r *Round) error {
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
