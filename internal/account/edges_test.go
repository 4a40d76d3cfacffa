package account

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/trust"
)

// An account whose only factor is a phone is listed as that, and one with both as
// what the app makes it.
func TestStateWordOfPhones(t *testing.T) {
	a := Account{Phones: manyPhones(t, at)}
	require.Equal(t, "phone", a.state(id, at))
	a.Enrollment = full(t).Enrollment
	require.Equal(t, "active", a.state(id, at))
	a.Phones = a.Phones.Clear()
	require.Equal(t, "active", a.state(id, at))
}

// New factors end the code that is on its way, and the number that waits for one.
func TestFactorsChangedEndsPhoneCodes(t *testing.T) {
	a := Account{Phones: manyPhones(t, at)}
	_, sent := a.Phones.Sent(at.Add(time.Minute), "0123456789ABCDEF")
	require.True(t, sent)
	phones := a.Phones.Phones()
	a.FactorsChanged(at)
	_, sent = a.Phones.Sent(at.Add(time.Minute), "0123456789ABCDEF")
	require.False(t, sent)
	require.Equal(t, phones, a.Phones.Phones(), "the phones stay")
}

// A browser leaves the record when no policy could trust it any more, and not on
// the last moment at which one does.
func TestPruneKeepsTheLastMoment(t *testing.T) {
	a := Account{Browsers: []trust.Browser{{ID: "b", Issued: at}}}
	a.prune(at.Add(trust.MaxAge))
	require.Len(t, a.Browsers, 1)
	a.prune(at.Add(trust.MaxAge + 1))
	require.Empty(t, a.Browsers)
}

// A number that nobody verified leaves the record with the next write.
func TestPruneDropsPendingNumbers(t *testing.T) {
	n, err := phone.ParseNumber("+44 7700 900123")
	require.NoError(t, err)
	var a Account
	a.Phones, _, err = a.Phones.Add(at, n)
	require.NoError(t, err)
	a.prune(at.Add(24 * time.Hour))
	require.True(t, a.Phones.IsZero())
}

// What is told without a write is told of the account too.
func TestToldWithoutAWrite(t *testing.T) {
	var got []event.Event
	b := NewBook(store.NewMemory(), ring(t), event.SinkFunc(func(_ context.Context, e event.Event) error {
		got = append(got, e)
		return nil
	}), clock)
	require.NoError(t, b.Change(t.Context(), id, func(r *Round) error {
		r.Log(event.Event{Kind: event.Throttled})
		return nil
	}))
	require.Len(t, got, 1)
	require.Equal(t, id, store.ID{Tenant: got[0].Tenant, User: got[0].User})
}

// A flow whose caller has gone while it waited for its turn decides nothing.
func TestChangeAfterWaitingInVain(t *testing.T) {
	b := NewBook(store.NewMemory(), ring(t), &takes{}, clock)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, b.Change(t.Context(), id, func(*Round) error { // holds the turn
		cancel()
		err := b.Change(ctx, id, func(*Round) error { t.Error("decided"); return nil })
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		return nil
	}))
}

// Phones that are not understood are no phones that are not there.
func TestDecodeRefusesPhones(t *testing.T) {
	good, err := encode(closed(t))
	require.NoError(t, err)
	bad := strings.Replace(string(good), `"phones":{"v":1`, `"phones":{"v":2`, 1)
	require.NotEqual(t, string(good), bad)
	_, err = decode([]byte(bad))
	require.ErrorIs(t, err, ErrFormat)
}

// What another flow of this process has told meanwhile is not told again.
func TestToldMeanwhile(t *testing.T) {
	s := &takes{}
	b := NewBook(store.NewMemory(), ring(t), s, clock)
	log := func(r *Round) error {
		r.Log(event.Event{Kind: event.PolicySet})
		r.Save()
		return nil
	}
	first, _, err := b.change(t.Context(), id, log)
	require.NoError(t, err)
	require.NoError(t, b.Change(t.Context(), id, func(r *Round) error { r.Save(); return nil }))
	require.Equal(t, []uint64{1}, s.got, "by the flow that came after")
	b.outbox.report(t.Context(), first)
	require.Equal(t, []uint64{1}, s.got)
}

// A sink that refuses an event is told of in the host's log, and no other.
func TestRefusedEventsAreLogged(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(was)
	s := &takes{}
	b := NewBook(store.NewMemory(), ring(t), s, clock)
	b.Tell(t.Context(), event.Event{Kind: event.KeysRotated})
	require.Empty(t, log.String())
	s.refuse = true
	b.Tell(t.Context(), event.Event{Kind: event.KeysRotated})
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), "keys_rotated")
}

// What is known of one account costs nothing of what is known of the others.
func TestRememberingAgainForgetsNobody(t *testing.T) {
	o := newOutbox(&takes{})
	for i := range remembered {
		o.remember(store.ID{User: fmt.Sprint(i)}, 1)
	}
	o.remember(store.ID{User: "0"}, 2)
	require.Len(t, o.known, remembered)
	o.remember(store.ID{User: "new"}, 1)
	require.Len(t, o.known, remembered)
}
