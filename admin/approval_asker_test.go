package admin_test

import (
	"fmt"
	"strings"
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

// Setting a policy ends the requests for another policy: an administrator who approved
// them would undo a policy that they had not seen. Other requests stay.
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

// An actor names one administrator or two. The first one is whole even where an event has cut
// off the second one, or the words between them.
func TestApproved(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for actor, want := range map[string][2]string{
		"":                                       {"", ""},
		"boss":                                   {"boss", ""},
		"operator root":                          {"operator root", ""},
		"deputy, asked by boss":                  {"deputy", "boss"},
		"boss, asked by provider/p1":             {"boss", "provider/p1"},
		long(100) + ", asked by " + long(100):    {long(100), long(79)},
		long(179) + ", asked by boss":            {long(179), ""},
		long(182) + ", asked by boss":            {long(182), ""},
		long(189) + ", asked by boss":            {long(189), ""},
		long(190) + ", asked by boss":            {long(190), ""},
		long(10) + ", asked":                     {long(10) + ", asked", ""}, // not cut off
		strings.Repeat("é", 95) + ", asked by x": {strings.Repeat("é", 95), ""},
	} {
		by, asked := admin.Approved(event.Event{Actor: actor}.Clean().Actor)
		require.Equal(t, want, [2]string{by, asked}, actor)
	}
}
