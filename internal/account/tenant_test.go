package account

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Which ids belong to nobody.
func TestReserved(t *testing.T) {
	for user, reserved := range map[string]bool{
		"totpflow:tenant": true, "totpflow:": true, "totpflow:x": true, "totpflow:sends:x": true,
		"totpflow": false, "Totpflow:tenant": false, " totpflow:tenant": false, "x": false, "": false,
	} {
		id := store.AccountID{Tenant: "acme", User: user}
		require.Equal(t, reserved, id.Reserved(), user)
		if user != "" {
			require.Equal(t, reserved, Validate(id) != nil, user)
		}
	}
	require.True(t, TenantID("acme").Reserved())
	require.True(t, SendsID("x").Reserved())
	require.ErrorIs(t, Validate(store.AccountID{}), store.ErrID)
	require.False(t, store.AccountID{Tenant: "totpflow:tenant", User: "42"}.Reserved(), "a tenant may be called anything")
}

// A request is pending for 24 hours, is taken once, and taking one leaves the others.
func TestRequests(t *testing.T) {
	var a Tenant
	for i := range 3 {
		next, err := a.AddRequest(Request{ID: fmt.Sprint(i), Asked: at.Add(time.Duration(i) * time.Hour)}, at.Add(time.Duration(i)*time.Hour))
		require.NoError(t, err)
		require.Len(t, a.Pending, i, "the one before stays as it was")
		a = next
	}
	now := at.Add(3 * time.Hour)
	left, q, ok := a.RemoveRequest("1", now)
	require.True(t, ok)
	require.Equal(t, "1", q.ID)
	require.Len(t, left.Pending, 2)
	require.Len(t, a.Pending, 3)
	_, _, ok = left.RemoveRequest("1", now)
	require.False(t, ok)
	_, _, ok = a.RemoveRequest("", now)
	require.False(t, ok)

	for age, live := range map[time.Duration]bool{-31 * time.Second: false, -30 * time.Second: true, 0: true, 24*time.Hour - 1: true, 24 * time.Hour: false} {
		require.Equal(t, live, a.Pending[0].Live(at.Add(age)), age)
		_, _, ok = a.RemoveRequest("0", at.Add(age))
		require.Equal(t, live, ok, age)
	}
	whole := Account{Tenant: a}
	whole.Prune(at.Add(25 * time.Hour))
	require.Len(t, whole.Tenant.Pending, 1, "what has run out leaves the record")
}

// The number and the size of pending requests are bounded; expired ones make room.
func TestRequestsAreBounded(t *testing.T) {
	var a Tenant
	for i := range MaxRequests {
		var err error
		a, err = a.AddRequest(Request{ID: fmt.Sprint(i), Asked: at}, at)
		require.NoError(t, err)
	}
	same, err := a.AddRequest(Request{ID: "more", Asked: at}, at)
	require.ErrorIs(t, err, ErrTooManyRequests)
	require.Len(t, same.Pending, MaxRequests)
	a, err = a.AddRequest(Request{ID: "more", Asked: at.Add(RequestAge)}, at.Add(RequestAge))
	require.NoError(t, err)
	require.Len(t, a.Pending, 1)

	big := Request{ID: "big", Asked: at, Targets: slices.Repeat([]string{strings.Repeat("x", store.MaxID)}, 40<<10/store.MaxID)}
	_, err = Tenant{}.AddRequest(big, at)
	require.ErrorIs(t, err, ErrTooManyRequests)
	big.Targets = big.Targets[:len(big.Targets)-3]
	_, err = Tenant{}.AddRequest(big, at)
	require.NoError(t, err)
	big.Targets[0] += "x"
	_, err = Tenant{}.AddRequest(big, at)
	require.ErrorIs(t, err, wire.ErrMalformed, "no store takes such an id")

	bad := policy.Policy{Deadline: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	_, err = Tenant{}.AddRequest(Request{ID: "bad", Asked: at, Policy: &bad}, at)
	require.Error(t, err, "what cannot be written does not wait")
}

// The state word by which a list selects the record. A tenant's own record never has an
// account's word.
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
		rec, err := Seal(ring(t), c.id, c.a, at, time.Time{})
		require.NoError(t, err)
		require.Equal(t, want, rec.State)
	}
	var told event.Activity
	told, _ = told.Append(event.Event{At: at, Kind: event.BulkReset})
	rec, err := Seal(ring(t), TenantID("acme"), Account{Activity: told}, at, time.Time{})
	require.NoError(t, err)
	require.Equal(t, "tenant", rec.State, "a tenant without a policy, of which something was told")
	rec, err = Seal(ring(t), TenantID("acme"), Account{Tenant: Tenant{Policy: &p}, Sends: manySends(t, at)}, at, time.Time{})
	require.NoError(t, err)
	require.Equal(t, "tenant", rec.State)
}
