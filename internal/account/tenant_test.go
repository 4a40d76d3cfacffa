package account

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Which ids are nobody's.
func TestReserved(t *testing.T) {
	for user, reserved := range map[string]bool{
		"totpflow:tenant": true, "totpflow:": true, "totpflow:x": true, "totpflow:sends:x": true,
		"totpflow": false, "Totpflow:tenant": false, " totpflow:tenant": false, "x": false, "": false,
	} {
		id := store.AccountID{Tenant: "acme", User: user}
		require.Equal(t, reserved, Reserved(id), user)
		if user != "" {
			require.Equal(t, reserved, Validate(id) != nil, user)
		}
	}
	require.True(t, Reserved(TenantID("acme")))
	require.True(t, Reserved(SendsID("x")))
	require.ErrorIs(t, Validate(store.AccountID{}), store.ErrID)
	require.False(t, Reserved(store.AccountID{Tenant: "totpflow:tenant", User: "42"}), "a tenant may be called anything")
}

// A request waits 24 hours, is taken once, and taking one leaves the others.
func TestRequests(t *testing.T) {
	var a Tenant
	for i := range 3 {
		next, err := a.Ask(Request{ID: fmt.Sprint(i), Asked: at.Add(time.Duration(i) * time.Hour)}, at.Add(time.Duration(i)*time.Hour))
		require.NoError(t, err)
		require.Len(t, a.Pending, i, "the one before stays as it was")
		a = next
	}
	now := at.Add(3 * time.Hour)
	left, q, ok := a.Take("1", now)
	require.True(t, ok)
	require.Equal(t, "1", q.ID)
	require.Len(t, left.Pending, 2)
	require.Len(t, a.Pending, 3)
	_, _, ok = left.Take("1", now)
	require.False(t, ok)
	_, _, ok = a.Take("", now)
	require.False(t, ok)

	for age, live := range map[time.Duration]bool{-31 * time.Second: false, -30 * time.Second: true, 0: true, 24*time.Hour - 1: true, 24 * time.Hour: false} {
		require.Equal(t, live, a.Pending[0].Live(at.Add(age)), age)
		_, _, ok = a.Take("0", at.Add(age))
		require.Equal(t, live, ok, age)
	}
	whole := Account{Tenant: a}
	whole.prune(at.Add(25 * time.Hour))
	require.Len(t, whole.Tenant.Pending, 1, "what has run out leaves the record")
}

// As many may wait as there is room for, by number and by size; what has run out
// makes room.
func TestRequestsAreBounded(t *testing.T) {
	var a Tenant
	for i := range MaxRequests {
		var err error
		a, err = a.Ask(Request{ID: fmt.Sprint(i), Asked: at}, at)
		require.NoError(t, err)
	}
	same, err := a.Ask(Request{ID: "more", Asked: at}, at)
	require.ErrorIs(t, err, ErrRequests)
	require.Len(t, same.Pending, MaxRequests)
	a, err = a.Ask(Request{ID: "more", Asked: at.Add(RequestAge)}, at.Add(RequestAge))
	require.NoError(t, err)
	require.Len(t, a.Pending, 1)

	big := Request{ID: "big", Asked: at, Targets: []string{strings.Repeat("x", 40<<10)}}
	_, err = Tenant{}.Ask(big, at)
	require.ErrorIs(t, err, ErrRequests)
	big.Targets[0] = big.Targets[0][:40<<10-200]
	_, err = Tenant{}.Ask(big, at)
	require.NoError(t, err)

	bad := policy.Policy{Deadline: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	_, err = Tenant{}.Ask(Request{ID: "bad", Asked: at, Policy: &bad}, at)
	require.Error(t, err, "what cannot be written does not wait")
}

// The word of a record that lists go by. A tenant's own never has an account's.
func TestStateWords(t *testing.T) {
	p := policy.Policy{}
	for want, c := range map[string]struct {
		id store.AccountID
		a  Account
	}{
		"active":   {id, full(t)},
		"disabled": {id, Account{}},
		"frozen":   {id, Account{Freeze: Freeze{At: at}}},
		"tenant":   {TenantID("acme"), Account{Tenant: Tenant{Policy: &p}}},
		"sends":    {SendsID("x"), Account{Sends: manySends(t, at)}},
	} {
		rec, err := seal(ring(t), c.id, c.a, at)
		require.NoError(t, err)
		require.Equal(t, want, rec.State)
	}
	var told event.Activity
	told, _ = told.Append(event.Event{At: at, Kind: event.BulkReset})
	rec, err := seal(ring(t), TenantID("acme"), Account{Activity: told}, at)
	require.NoError(t, err)
	require.Equal(t, "tenant", rec.State, "a tenant without a policy, of which something was told")
	rec, err = seal(ring(t), TenantID("acme"), Account{Tenant: Tenant{Policy: &p}, Sends: manySends(t, at)}, at)
	require.NoError(t, err)
	require.Equal(t, "tenant", rec.State)
}

// Events of a tenant's record are about the tenant and no user, are numbered
// like others, and are offered again until the sink has them.
func TestEventsOfATenant(t *testing.T) {
	m, keys, ctx := store.NewMemory(), ring(t), context.Background()
	var got []event.Event
	down := true
	b := NewBook(m, keys, event.SinkFunc(func(_ context.Context, e event.Event) error {
		if down {
			return context.DeadlineExceeded
		}
		got = append(got, e)
		return nil
	}), clock)
	log := func() {
		require.NoError(t, b.ChangeTenant(ctx, "acme", func(r *Round) error {
			r.Log(event.Event{Kind: event.PolicySet})
			r.Save()
			return nil
		}))
	}
	log()
	down = false
	log()
	require.Len(t, got, 2)
	for i, e := range got {
		require.EqualValues(t, i+1, e.Number)
		require.Equal(t, "acme", e.Tenant)
		require.Empty(t, e.User)
	}
	// What is told of no record has no number.
	b.Tell(ctx, event.Event{Kind: event.KeysRotated})
	require.Zero(t, got[2].Number)
	require.Equal(t, at, got[2].At)
}

// The tenant's record is reached by no user's id.
func TestTenantsAreApartFromUsers(t *testing.T) {
	b := NewBook(store.NewMemory(), ring(t), &takes{}, clock)
	ctx := context.Background()
	fail := func(*Round) error { t.Error("decided"); return nil }
	require.ErrorIs(t, b.Change(ctx, TenantID("acme"), fail), store.ErrID)
	require.ErrorIs(t, b.Change(ctx, SendsID("x"), fail), store.ErrID)
	require.ErrorIs(t, b.Forget(ctx, TenantID("acme"), fail), store.ErrID)
	require.ErrorIs(t, b.ChangeTenant(ctx, "\x00", fail), store.ErrID)
}
