package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	require.Equal(t, id, store.AccountID{Tenant: got[0].Tenant, User: got[0].User})
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
		o.remember(store.AccountID{User: fmt.Sprint(i)}, 1)
	}
	o.remember(store.AccountID{User: "0"}, 2)
	require.Len(t, o.known, remembered)
	o.remember(store.AccountID{User: "new"}, 1)
	require.Len(t, o.known, remembered)
}

// vanishing is a store that answers a Get, after a write, and a Delete as told.
type vanishing struct {
	*store.Memory
	get, del   error
	puts, dels int
}

func (v *vanishing) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if v.puts > 0 && v.get != nil {
		return store.Record{}, v.get
	}
	return v.Memory.Get(ctx, id)
}

func (v *vanishing) Put(ctx context.Context, rec store.Record, was store.Version) error {
	v.puts++
	return v.Memory.Put(ctx, rec, was)
}

func (v *vanishing) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	v.dels++
	if v.del != nil {
		return v.del
	}
	return v.Memory.Delete(ctx, id, was)
}

// To forget is to delete once, and again after a lost race only; somebody else's
// deletion will do, and what is not there is not written for it.
func TestForgetDeletesOnce(t *testing.T) {
	down := errors.New("timeout")
	for name, c := range map[string]struct {
		get, del   error
		is         error
		puts, dels int
	}{
		"deleted":                   {nil, nil, nil, 1, 1},
		"somebody else deleted it":  {store.ErrNotFound, nil, nil, 1, 0},
		"it cannot be looked for":   {down, nil, down, 1, 0},
		"it cannot be deleted":      {nil, down, down, 1, 1},
		"every race for it is lost": {nil, store.ErrConflict, store.ErrConflict, 1, deletions},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vanishing{Memory: store.NewMemory(), get: c.get, del: c.del}
			b := NewBook(v, ring(t), &takes{}, clock)
			require.NoError(t, b.Change(t.Context(), id, func(r *Round) error { r.Save(); return nil }))
			v.puts = 0
			err := b.Forget(t.Context(), id, func(*Round) error { return nil })
			require.ErrorIs(t, err, c.is)
			require.Equal(t, c.is != nil, errors.Is(err, store.ErrUnavailable))
			require.Equal(t, []int{c.puts, c.dels}, []int{v.puts, v.dels})
		})
	}
	v := &vanishing{Memory: store.NewMemory()}
	require.NoError(t, NewBook(v, ring(t), &takes{}, clock).Forget(t.Context(), id, func(*Round) error { return nil }))
	require.Zero(t, v.puts)
}

// What waits is part of the record, also where no policy was ever set, and may
// take so many bytes to the last one.
func TestWhatWaitsIsKept(t *testing.T) {
	q := Request{ID: "one", Asked: at, Targets: []string{""}}
	a, err := Tenant{}.Ask(q, at)
	require.NoError(t, err)
	data, err := encode(Account{Tenant: a})
	require.NoError(t, err)
	back, err := decode(data)
	require.NoError(t, err)
	require.Equal(t, a, back.Tenant)

	size, err := json.Marshal(a.Pending)
	require.NoError(t, err)
	for more, fits := range map[int]bool{0: true, 1: false} {
		q.Targets[0] = strings.Repeat("x", maxRequested-len(size)+more)
		_, err := Tenant{}.Ask(q, at)
		require.Equal(t, fits, err == nil)
	}
}
