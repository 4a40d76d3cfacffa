package admin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
)

// A change that ends the sessions of the administrator who asked ends the request: it may
// have come from a thief in their name. Nothing that helps the owner afterwards brings it
// back, and an operator cannot approve it either.
func TestRequestEndsWithItsAskersSessions(t *testing.T) {
	frozen := func(o *organization) { o.Freeze(o.boss.User) }
	for name, c := range map[string]struct {
		then func(o *organization)
		is   error
	}{
		"nothing":               {func(*organization) {}, nil},
		"an hour":               {func(o *organization) { o.Clock.Advance(time.Hour) }, nil},
		"a browser was revoked": {func(o *organization) { require.NoError(o.T, o.Account(o.boss.User).RevokeBrowsers(o.Ctx)) }, nil},
		"frozen":                {frozen, admin.ErrNotAllowed},
		"frozen, unlocked": {func(o *organization) {
			frozen(o)
			require.NoError(o.T, o.Admin(nil).Unlock(o.Ctx, ops, o.boss.ID))
		}, admin.ErrNotAllowed},
		"frozen, reset, set up": {func(o *organization) {
			frozen(o)
			o.Reset(o.boss.ID)
			next, err := o.VerifyIssuedCode(o.Ctx, o.Challenge(o.boss.User), o.IssueCode(o.boss.ID))
			require.NoError(o.T, err)
			o.EnrollBy(next.Challenge)
		}, admin.ErrNotAllowed},
		"reset": {func(o *organization) { o.Reset(o.boss.ID) }, admin.ErrNotAllowed},
		"a new password": {func(o *organization) {
			require.NoError(o.T, servicetest.ErrorOf(o.Account(o.boss.User).PasswordChanged(o.Ctx)))
		}, admin.ErrNotAllowed},
		"signed out everywhere": {func(o *organization) {
			require.NoError(o.T, servicetest.ErrorOf(o.Account(o.boss.User).EndSessions(o.Ctx)))
		}, admin.ErrNotAllowed},
		"erased": {func(o *organization) { require.NoError(o.T, o.Admin(nil).Forget(o.Ctx, ops, o.boss.ID)) }, admin.ErrNotAllowed},
		"erased, and enrolled again": {func(o *organization) {
			require.NoError(o.T, o.Admin(nil).Forget(o.Ctx, ops, o.boss.ID))
			o.Enroll(o.boss.User)
		}, admin.ErrNotAllowed},
		"the epoch of the ring was raised": {func(o *organization) {
			o.RaiseEpoch()
			o.Service = o.Open(ofTenants)
			o.admin = o.Admin(letAll)
		}, admin.ErrNotAllowed},
	} {
		for what, w := range waits {
			for _, operator := range []bool{false, true} {
				t.Run(fmt.Sprint(name, "/", what, "/", operator), func(t *testing.T) {
					o := byTwo(t, func(c *totpflow.Config) { c.Observer = quiet })
					require.ErrorIs(t, w.ask(o, o.ByFor(o.boss, w.purpose(o))), admin.ErrApproval)
					o.Clock.Advance(time.Minute)
					c.then(o)
					var by admin.Actor = ops
					if !operator {
						by = o.By(o.deputy, admin.ActionApprove)
					}
					err := servicetest.ErrorOf(o.admin.Approve(o.Ctx, by, "acme", o.pending("acme")))
					require.ErrorIs(t, err, c.is)
					require.Equal(t, c.is == nil, w.done(o))
				})
			}
		}
	}
}

// A policy that is set ends the requests for another one: an administrator who approved
// them would undo a policy that they did not see. Other requests stay.
func TestPolicyEndsRequestsForAnother(t *testing.T) {
	o := byTwo(t)
	lower := waits["a lower policy"]
	require.ErrorIs(t, lower.ask(o, o.ByFor(o.boss, lower.purpose(o))), admin.ErrApproval)
	request := o.pending("acme")
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true, IssuedCode: true})
	require.Equal(t, "none", o.pending("acme"))
	err := servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.ByFor(o.deputy, admin.ActionApprove.On(request)), "acme", request))
	require.ErrorIs(t, err, admin.ErrNoRequest)

	exempt := waits["an exemption"]
	require.ErrorIs(t, exempt.ask(o, o.ByFor(o.boss, exempt.purpose(o))), admin.ErrApproval)
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.By(o.deputy, admin.ActionApprove), "acme", o.pending("acme"))))
}

// An administrator who resets people one by one needs the second administrator as for a
// crowd; a few resets an hour help people who lost their phone.
func TestResetsOneByOne(t *testing.T) {
	o := byTwo(t)
	var users []totpflow.AccountID
	for i := range 20 {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("u", i)}}
		o.Enroll(u)
		users = append(users, u.ID)
	}
	reset := func(by person, id totpflow.AccountID, what admin.Scope) error {
		o.Clock.Advance(30 * time.Second)
		return servicetest.ErrorOf(o.admin.Reset(o.Ctx, o.ByFor(by, admin.Purpose(admin.ActionResetAccount, id)), id, what))
	}
	done, asked := 0, 0
	for _, id := range users {
		switch err := reset(o.boss, id, admin.ScopeAll); {
		case err == nil:
			done++
		default:
			require.ErrorIs(t, err, admin.ErrApproval)
			require.Equal(t, admin.StateEnabled, o.Member(id).State)
			asked++
		}
	}
	require.Equal(t, admin.MaxResets, done)
	require.Equal(t, 20-admin.MaxResets, asked)
	st, err := o.admin.Tenant(o.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, []string{"u5"}, st.Pending[0].Targets)

	last := users[len(users)-1]
	require.NoError(t, reset(o.boss, last, admin.ScopeBrowsers), "takes no factor away")
	require.NoError(t, reset(o.deputy, last, admin.ScopeAll), "each has their own count")
	o.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.ByFor(o.deputy, admin.ActionApprove.On(st.Pending[0].ID)), "acme", st.Pending[0].ID)))
	require.Len(t, o.EventsOf(event.Reset), 1)
	require.ErrorIs(t, reset(o.boss, users[6], admin.ScopeAll), admin.ErrApproval)
	require.NoError(t, o.admin.Unlock(o.Ctx, ops, o.boss.ID))
	require.NoError(t, reset(o.boss, users[6], admin.ScopeAll), "it is a wait that an unlock ends, as of a clock that was ahead")
	o.Clock.Advance(time.Hour)
	require.NoError(t, reset(o.boss, users[7], admin.ScopeAll))

	o.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for _, id := range users {
		require.NoError(t, reset(o.boss, id, admin.ScopeAll), "where one is enough")
	}
}
