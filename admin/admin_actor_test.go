package admin_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
)

// Actors that are refused: each case makes the admin and the actor, and names the error.
// Everything else about the call is right.
var refusedActors = map[string]struct {
	is error
	by func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor)
}{
	"no rule": {admin.ErrNotAllowed, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.Admin(nil), o.ByFor(o.boss, p)
	}},
	"the rule says no": {errSays, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.Admin(func(_ context.Context, u totpflow.User, asked totpflow.Action, id store.AccountID) error {
			require.Equal(o.T, o.boss.User, u)
			require.Equal(o.T, p.Action, asked)
			require.Equal(o.T, "acme", id.Tenant)
			return errSays
		}), o.ByFor(o.boss, p)
	}},
	"another tenant": {admin.ErrNotAllowed, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, o.ByFor(o.elsewhere, p)
	}},
	"a tenant below": {admin.ErrNotAllowed, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, o.ByFor(o.unit, p)
	}},
	"nobody": {admin.ErrNotAllowed, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: totpflow.User{ID: totpflow.AccountID{Tenant: "acme"}}, Proof: o.ByFor(o.boss, p).Proof}
	}},
	"no proof": {totpflow.ErrProof, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User}
	}},
	"a proof of another action": {totpflow.ErrProof, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, o.ByFor(o.boss, totpflow.Action("delete backup").On(""))
	}},
	"a proof for another target": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, o.ByFor(o.boss, p.Action.On(p.Target+"x"))
	}},
	"a proof of somebody else": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.ByFor(o.deputy, p).Proof}
	}},
	"a proof of the namesake in another tenant": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.ByFor(o.elsewhere, p).Proof}
	}},
	"a used proof": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		by := o.ByFor(o.boss, p)
		require.NoError(o.T, o.Account(o.boss.User).ConsumeProof(o.Ctx, by.Proof, p))
		return o.admin, by
	}},
	"an old proof": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		by := o.ByFor(o.boss, p)
		o.Clock.Advance(totpflow.ProofLifetime)
		return o.admin, by
	}},
	"the proof of a sign-in": {totpflow.ErrProof, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.PassByCode(o.boss.User, o.boss.Phone).Proof}
	}},
	"a trusted browser": {totpflow.ErrProof, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		next, err := o.SignIn(o.Ctx, o.boss.User, o.TrustBrowserOf(o.boss.User, o.boss.Phone))
		require.NoError(o.T, err)
		require.Equal(o.T, totpflow.ReasonTrustedBrowser, next.Reason)
		return o.admin, admin.Administrator{User: o.boss.User, Proof: next.Proof}
	}},
	"an administrator whose account was frozen since": {totpflow.ErrProof, func(o *organization, p totpflow.Purpose) (admin.Admin, admin.Actor) {
		by := o.ByFor(o.boss, p)
		o.Freeze(o.boss.User)
		return o.admin, by
	}},
	"an operator without a name": {admin.ErrNotAllowed, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Operator{Reason: "ticket 7"}
	}},
	"an operator without a reason": {admin.ErrNotAllowed, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, admin.Operator{Name: "root"}
	}},
	"no leave": {admin.ErrNotAllowed, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, nil
	}},
	"a pointer to one": {admin.ErrNotAllowed, func(o *organization, _ totpflow.Purpose) (admin.Admin, admin.Actor) {
		return o.admin, &admin.Operator{Name: "root", Reason: "ticket 7"}
	}},
}

// Without permission every call is refused, nothing has changed and no event reports a
// success. With it, each call does what it says: by an administrator of the tenant, by
// one of a tenant above, and by an operator, for whom the rule is not asked.
func TestActors(t *testing.T) {
	for name, call := range actingCalls {
		t.Run(name, func(t *testing.T) {
			o := prepared(t, call)
			for why, c := range refusedActors {
				if strings.Contains(why, "frozen") {
					continue
				}
				adm, by := c.by(o, call.purpose(o))
				o.Unchanged(func() {
					require.ErrorIs(t, call.do(o, adm, by, anaID), c.is, why)
				})
			}
			frozen := refusedActors["an administrator whose account was frozen since"] // last: the account stays frozen
			adm, by := frozen.by(o, call.purpose(o))
			o.Unchanged(func() { require.ErrorIs(t, call.do(o, adm, by, anaID), frozen.is) })

			for who, leave := range map[string]func(o *organization) (admin.Admin, admin.Actor){
				"boss":          func(o *organization) (admin.Admin, admin.Actor) { return o.admin, o.ByFor(o.boss, call.purpose(o)) },
				"provider/p1":   func(o *organization) (admin.Admin, admin.Actor) { return o.admin, o.ByFor(o.provider, call.purpose(o)) },
				"operator root": func(o *organization) (admin.Admin, admin.Actor) { return o.Admin(nil), ops },
			} {
				o := prepared(t, call)
				adm, by := leave(o)
				o.Events.Kinds()
				require.NoError(t, call.do(o, adm, by, anaID), who)
				told := o.EventsOf(call.told)
				require.Len(t, told, 1)
				require.True(t, strings.HasPrefix(told[0].Actor, who), "%q was not %q", told[0].Actor, who)
				if by, ok := by.(admin.Administrator); ok {
					require.ErrorIs(t, call.do(o, adm, by, anaID), totpflow.ErrProof, "one proof, one call")
				}
			}
		})
	}
}

// Administrators do nothing to their own accounts: for that they have their own code, or
// another administrator.
func TestNotToOneself(t *testing.T) {
	for name, call := range actingCalls {
		if name == "SetPolicy" || call.action == admin.ActionApprove {
			continue // about a tenant; for requests see TestSecondAdministrator
		}
		t.Run(name, func(t *testing.T) {
			o := newOrganization(t)
			o.TrustBrowserOf(o.boss.User, o.boss.Phone)
			o.EnrollBy(o.Prove(o.boss.User, totpflow.ActionAddAuthenticator, o.boss.Phone))
			o.EnrollBy(o.Prove(o.boss.User, totpflow.ActionAddAuthenticator, o.boss.Phone))
			third := o.Status(o.boss.User).Authenticators[2].ID
			remove := o.ProveFor(o.boss.User, totpflow.ActionRemoveAuthenticator.On(third), o.boss.Phone)
			require.NoError(t, servicetest.ErrorOf(o.Account(o.boss.User).RemoveAuthenticator(o.Ctx, remove, third)))
			o.TrustBrowserOf(o.boss.User, o.boss.Phone)
			by := o.ByFor(o.boss, call.purpose(o))
			o.Unchanged(func() {
				require.ErrorIs(t, call.do(o, o.admin, by, o.boss.ID), admin.ErrSelf)
			})
			require.NoError(t, o.Account(o.boss.User).ConsumeProof(o.Ctx, by.Proof, call.purpose(o)), "the proof is not lost by it")
		})
	}
	// Nor when their own account is hidden among others.
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.ByFor(o.boss, manyOfAcme)
	o.Unchanged(func() {
		_, err := o.admin.ResetMany(o.Ctx, by, "acme", []string{ana.ID.User, o.boss.ID.User}, admin.ScopeAll)
		require.ErrorIs(t, err, admin.ErrSelf)
	})
}

// A call for many accounts asks the host's rule about each of them before it changes
// anything.
func TestRuleIsAskedOfEach(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	var asked []string
	adm := o.Admin(func(_ context.Context, _ totpflow.User, _ totpflow.Action, id store.AccountID) error {
		asked = append(asked, id.User)
		if id.User == "chief" {
			return errSays
		}
		return nil
	})
	by := o.ByFor(o.boss, manyOfAcme)
	o.Unchanged(func() {
		_, err := adm.ResetMany(o.Ctx, by, "acme", []string{ana.ID.User, "chief"}, admin.ScopeAll)
		require.ErrorIs(t, err, errSays)
	})
	require.Equal(t, []string{ana.ID.User, "chief"}, asked)
}

// Calls that only read require no proof. Otherwise they are refused as the others are,
// even when they would read a tenant above.
func TestActorsWhoLook(t *testing.T) {
	calls := map[string]func(o *organization, a admin.Admin, by admin.Actor) error{
		"Status": func(o *organization, a admin.Admin, by admin.Actor) error {
			return servicetest.ErrorOf(servicetest.Collect(a.Status(o.Ctx, by, anaID)))
		},
		"Status, the second of two": func(o *organization, a admin.Admin, by admin.Actor) error {
			if adm, ok := by.(admin.Administrator); ok && adm.User.ID.User != "" {
				return servicetest.ErrorOf(servicetest.Collect(a.Status(o.Ctx, by, store.AccountID{Tenant: adm.User.ID.Tenant, User: "x"}, anaID)))
			}
			return servicetest.ErrorOf(servicetest.Collect(a.Status(o.Ctx, by, anaID, anaID)))
		},
		"List": func(o *organization, a admin.Admin, by admin.Actor) error {
			return servicetest.ErrorOf(servicetest.Collect(a.List(o.Ctx, by, store.Query{Tenant: "acme"})))
		},
		"Tally": func(o *organization, a admin.Admin, by admin.Actor) error {
			return servicetest.ErrorOf(a.Tally(o.Ctx, by, store.Query{Tenant: "acme"}))
		},
		"Tenant": func(o *organization, a admin.Admin, by admin.Actor) error {
			return servicetest.ErrorOf(a.Tenant(o.Ctx, by, "acme"))
		},
	}
	o := newOrganization(t)
	o.Enroll(ana)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for why, c := range refusedActors {
				if c.is == totpflow.ErrProof {
					continue
				}
				adm, by := c.by(o, admin.Purpose(admin.ActionViewAccounts, anaID))
				o.Unchanged(func() { require.ErrorIs(t, call(o, adm, by), c.is, why) })
			}
			for _, c := range []person{o.boss, o.provider} {
				require.NoError(t, call(o, o.admin, admin.Administrator{User: c.User}))
			}
			require.NoError(t, call(o, o.Admin(nil), ops))
		})
	}
	t.Run("all tenants", func(t *testing.T) {
		for _, c := range []person{o.boss, o.provider} {
			_, err := servicetest.Collect(o.admin.List(o.Ctx, admin.Administrator{User: c.User}, store.Query{AllTenants: true}))
			require.ErrorIs(t, err, admin.ErrNotAllowed)
		}
		_, err := servicetest.Collect(o.admin.List(o.Ctx, nil, store.Query{AllTenants: true}))
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		page, err := o.admin.ListPage(o.Ctx, ops, store.Query{AllTenants: true})
		require.NoError(t, err)
		require.Len(t, page.Members, 6)
	})
	t.Run("oneself", func(t *testing.T) {
		members, err := servicetest.Collect(o.admin.Status(o.Ctx, admin.Administrator{User: o.boss.User}, o.boss.ID))
		require.NoError(t, err)
		require.Len(t, members, 1)
	})
	t.Run("sweeps", func(t *testing.T) {
		for _, by := range []admin.Operator{{}, {Name: "root"}, {Reason: "ticket 7"}} {
			o.Unchanged(func() {
				require.ErrorIs(t, o.admin.Reseal(o.Ctx, by, "", nil), admin.ErrNotAllowed)
				require.ErrorIs(t, o.admin.AfterDatabaseRestore(o.Ctx, by, start, "", nil), admin.ErrNotAllowed)
				require.ErrorIs(t, servicetest.ErrorOf(servicetest.Collect(o.admin.Check(o.Ctx, by))), admin.ErrNotAllowed)
			})
		}
	})
}
