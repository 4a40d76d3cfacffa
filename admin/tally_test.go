package admin_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Each state is counted where it belongs: a number that an administrator reads as "so many are
// protected" must count nobody who is not.
func TestTallyOfEachState(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	number := 0
	each := func(n int, do func(u totpflow.User)) {
		for range n {
			number++
			do(totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("u", number)}})
		}
	}
	app := func(u totpflow.User) person { return h.hire(u.ID.Tenant, u.ID.User) }
	each(1, func(u totpflow.User) { app(u) })
	each(2, func(u totpflow.User) {
		p := app(u)
		require.NoError(t, servicetest.ErrorOf(h.BeginEnrollment(h.Ctx, h.Prove(u, totpflow.ActionReplaceAuthenticator, p.Phone))))
	})
	each(3, func(u totpflow.User) { h.EnrollPhone(u, &sent); h.Clock.Advance(days(1)) })
	each(4, func(u totpflow.User) { h.Step(u) })
	each(5, func(u totpflow.User) {
		next, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		require.NoError(t, servicetest.ErrorOf(h.BeginEnrollment(h.Ctx, next.Challenge)))
	})
	each(6, func(u totpflow.User) { app(u); h.Reset(u.ID) })
	each(7, func(u totpflow.User) { h.exempts(u.ID) })
	each(8, func(u totpflow.User) { app(u); h.Freeze(u) })
	got, err := h.Admin(nil).Tally(h.Ctx, ops, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Equal(t, admin.Tally{Total: 36, Enabled: 6, NotEnrolled: 9, Reset: 6, Exempt: 7, Frozen: 8}, got)
}

// A tally opens no record, and agrees with the list. Tenants' own records are not
// counted.
func TestTally(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	h.Enroll(ana)
	for _, user := range []string{"reset", "frozen"} {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: user}}
		h.Enroll(u)
		if user == "frozen" {
			h.Freeze(u)
		} else {
			h.Reset(u.ID)
		}
	}
	_, err := h.Admin(nil).Exempt(h.Ctx, ops, agentID, "agent")
	require.NoError(t, err)
	before := h.Store.Counts()
	got, err := h.Admin(nil).Tally(h.Ctx, ops, store.Query{Tenant: "acme"})
	require.NoError(t, err)
	require.Equal(t, admin.Tally{Total: 4, Enabled: 1, Reset: 1, Exempt: 1, Frozen: 1}, got)
	require.Equal(t, before.Get, h.Store.Counts().Get)
	all, err := h.Admin(nil).Tally(h.Ctx, ops, store.Query{AllTenants: true})
	require.NoError(t, err)
	require.Equal(t, got, all)

	var counts admin.Counts
	for m, err := range h.Admin(nil).List(h.Ctx, ops, store.Query{Tenant: "acme"}) {
		require.NoError(t, err)
		counts.Add(m)
	}
	require.Equal(t, counts.Total, got.Total)
	require.Equal(t, counts.Enabled, got.Enabled)

	_, err = h.Admin(nil).Tally(h.Ctx, admin.Administrator{User: ana}, store.Query{AllTenants: true})
	require.ErrorIs(t, err, admin.ErrNotAllowed)
	_, err = h.Admin(nil).Tally(h.Ctx, ops, store.Query{Tenant: "acme", State: "frozen"})
	require.ErrorIs(t, err, store.ErrQuery)
	h.Store.SetFaults(totptest.Faults{List: store.ErrUnavailable})
	_, err = h.Admin(nil).Tally(h.Ctx, ops, store.Query{Tenant: "acme"})
	require.ErrorIs(t, err, store.ErrUnavailable)
}
