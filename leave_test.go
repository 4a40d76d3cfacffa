package totpflow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
)

// What an administrator without leave is: each case makes the admin and the
// leave, and says which error it is. All but the named thing would be right.
var withoutLeave = map[string]struct {
	is error
	by func(o *office, a totpflow.Action) (admin.Admin, admin.Actor)
}{
	"no rule": {admin.ErrNotAllowed, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.Admin(nil), o.by(o.boss, a)
	}},
	"the rule says no": {errSays, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.Admin(func(_ context.Context, u totpflow.User, asked totpflow.Action, id store.AccountID) error {
			require.Equal(o.t, o.boss.User, u)
			require.Equal(o.t, a, asked)
			require.Equal(o.t, "acme", id.Tenant)
			return errSays
		}), o.by(o.boss, a)
	}},
	"another tenant": {admin.ErrNotAllowed, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, o.by(o.elsewhere, a)
	}},
	"a tenant below": {admin.ErrNotAllowed, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, o.by(o.unit, a)
	}},
	"nobody": {admin.ErrNotAllowed, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: totpflow.User{ID: totpflow.AccountID{Tenant: "acme"}}, Proof: o.by(o.boss, a).Proof}
	}},
	"no proof": {totpflow.ErrProof, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User}
	}},
	"a proof of another action": {totpflow.ErrProof, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, o.by(o.boss, "delete backup")
	}},
	"a proof of somebody else": {totpflow.ErrProof, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.by(o.deputy, a).Proof}
	}},
	"a proof of the namesake in another tenant": {totpflow.ErrProof, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.by(o.elsewhere, a).Proof}
	}},
	"a used proof": {totpflow.ErrProof, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		by := o.by(o.boss, a)
		require.NoError(o.t, o.Account(o.boss.User).ConsumeProof(o.ctx, by.Proof, a))
		return o.admin, by
	}},
	"an old proof": {totpflow.ErrProof, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		by := o.by(o.boss, a)
		o.clock.Advance(totpflow.ProofLifetime)
		return o.admin, by
	}},
	"the proof of a sign-in": {totpflow.ErrProof, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Administrator{User: o.boss.User, Proof: o.pass(o.boss.User, o.boss.phone).Proof}
	}},
	"a trusted browser": {totpflow.ErrProof, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		next, err := o.SignIn(o.ctx, o.boss.User, o.trusted(o.boss.User, o.boss.phone))
		require.NoError(o.t, err)
		require.Equal(o.t, totpflow.ReasonTrustedBrowser, next.Reason)
		return o.admin, admin.Administrator{User: o.boss.User, Proof: next.Proof}
	}},
	"an administrator whose account was frozen since": {totpflow.ErrProof, func(o *office, a totpflow.Action) (admin.Admin, admin.Actor) {
		by := o.by(o.boss, a)
		o.disown(o.boss.User)
		return o.admin, by
	}},
	"an operator without a name": {admin.ErrNotAllowed, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Operator{Reason: "ticket 7"}
	}},
	"an operator without a reason": {admin.ErrNotAllowed, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, admin.Operator{Name: "root"}
	}},
	"no leave": {admin.ErrNotAllowed, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, nil
	}},
	"a pointer to one": {admin.ErrNotAllowed, func(o *office, _ totpflow.Action) (admin.Admin, admin.Actor) {
		return o.admin, &admin.Operator{Name: "root", Reason: "ticket 7"}
	}},
}

// Without leave every call is refused, nothing has changed and nothing tells of
// a success. With it, each does what it says: by an administrator of the tenant,
// of one above it, and by an operator, whom no rule is asked about.
func TestLeave(t *testing.T) {
	for name, call := range actingCalls {
		t.Run(name, func(t *testing.T) {
			o := prepared(t, call)
			for why, c := range withoutLeave {
				if strings.Contains(why, "frozen") {
					continue
				}
				adm, by := c.by(o, call.action)
				o.unchanged(func() {
					require.ErrorIs(t, call.do(o, adm, by, anaID), c.is, why)
				})
			}
			frozen := withoutLeave["an administrator whose account was frozen since"] // last: it stays so
			adm, by := frozen.by(o, call.action)
			o.unchanged(func() { require.ErrorIs(t, call.do(o, adm, by, anaID), frozen.is) })

			for who, leave := range map[string]func(o *office) (admin.Admin, admin.Actor){
				"boss":          func(o *office) (admin.Admin, admin.Actor) { return o.admin, o.by(o.boss, call.action) },
				"provider/p1":   func(o *office) (admin.Admin, admin.Actor) { return o.admin, o.by(o.provider, call.action) },
				"operator root": func(o *office) (admin.Admin, admin.Actor) { return o.Admin(nil), ops },
			} {
				o := prepared(t, call)
				adm, by := leave(o)
				o.events.kinds()
				require.NoError(t, call.do(o, adm, by, anaID), who)
				told := o.told(call.told)
				require.Len(t, told, 1)
				require.True(t, strings.HasPrefix(told[0].Actor, who), "%q was not %q", told[0].Actor, who)
				if by, ok := by.(admin.Administrator); ok {
					require.ErrorIs(t, call.do(o, adm, by, anaID), totpflow.ErrProof, "one proof, one call")
				}
			}
		})
	}
}

// Administrators do nothing to themselves: for that they have their own code,
// and somebody else to ask.
func TestNotToOneself(t *testing.T) {
	for name, call := range actingCalls {
		if name == "SetPolicy" || call.action == admin.ActionApprove {
			continue // of a tenant; for requests see TestSecondAdministrator
		}
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.trusted(o.boss.User, o.boss.phone)
			o.setUp(o.prove(o.boss.User, totpflow.ActionAddAuthenticator, o.boss.phone))
			o.setUp(o.prove(o.boss.User, totpflow.ActionAddAuthenticator, o.boss.phone))
			remove := o.prove(o.boss.User, totpflow.ActionRemoveAuthenticator, o.boss.phone)
			require.NoError(t, o.Account(o.boss.User).RemoveAuthenticator(o.ctx, remove, o.status(o.boss.User).Authenticators[2].ID))
			o.trusted(o.boss.User, o.boss.phone)
			by := o.by(o.boss, call.action)
			o.unchanged(func() {
				require.ErrorIs(t, call.do(o, o.admin, by, o.boss.id()), admin.ErrSelf)
			})
			require.NoError(t, o.Account(o.boss.User).ConsumeProof(o.ctx, by.Proof, call.action), "the proof is not lost by it")
		})
	}
	// Nor hidden among others.
	o := newOffice(t)
	o.enroll(ana)
	by := o.by(o.boss, admin.ActionResetAccount)
	o.unchanged(func() {
		_, err := o.admin.ResetMany(o.ctx, by, "acme", []string{ana.ID.User, o.boss.ID.User}, admin.ScopeAll)
		require.ErrorIs(t, err, admin.ErrSelf)
	})
}

// A call for many asks the host's rule of each of them, before anything is done.
func TestRuleIsAskedOfEach(t *testing.T) {
	o := newOffice(t)
	o.enroll(ana)
	var asked []string
	adm := o.Admin(func(_ context.Context, _ totpflow.User, _ totpflow.Action, id store.AccountID) error {
		asked = append(asked, id.User)
		if id.User == "chief" {
			return errSays
		}
		return nil
	})
	by := o.by(o.boss, admin.ActionResetAccount)
	o.unchanged(func() {
		_, err := adm.ResetMany(o.ctx, by, "acme", []string{ana.ID.User, "chief"}, admin.ScopeAll)
		require.ErrorIs(t, err, errSays)
	})
	require.Equal(t, []string{ana.ID.User, "chief"}, asked)
}

// Every call that only looks takes no proof and is refused otherwise as the
// others are, also to see a tenant above.
func TestLeaveToLook(t *testing.T) {
	calls := map[string]func(o *office, a admin.Admin, by admin.Actor) error{
		"Status": func(o *office, a admin.Admin, by admin.Actor) error {
			return second(collect(a.Status(o.ctx, by, anaID)))
		},
		"Status, the second of two": func(o *office, a admin.Admin, by admin.Actor) error {
			if adm, ok := by.(admin.Administrator); ok && adm.User.ID.User != "" {
				return second(collect(a.Status(o.ctx, by, store.AccountID{Tenant: adm.User.ID.Tenant, User: "x"}, anaID)))
			}
			return second(collect(a.Status(o.ctx, by, anaID, anaID)))
		},
		"List": func(o *office, a admin.Admin, by admin.Actor) error {
			return second(collect(a.List(o.ctx, by, store.Query{Tenant: "acme"})))
		},
		"Tenant": func(o *office, a admin.Admin, by admin.Actor) error { return second(a.Tenant(o.ctx, by, "acme")) },
	}
	o := newOffice(t)
	o.enroll(ana)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for why, c := range withoutLeave {
				if c.is == totpflow.ErrProof {
					continue
				}
				adm, by := c.by(o, admin.ActionViewAccounts)
				o.unchanged(func() { require.ErrorIs(t, call(o, adm, by), c.is, why) })
			}
			for _, c := range []clerk{o.boss, o.provider} {
				require.NoError(t, call(o, o.admin, admin.Administrator{User: c.User}))
			}
			require.NoError(t, call(o, o.Admin(nil), ops))
		})
	}
	t.Run("all tenants", func(t *testing.T) {
		for _, c := range []clerk{o.boss, o.provider} {
			_, err := collect(o.admin.List(o.ctx, admin.Administrator{User: c.User}, store.Query{AllTenants: true}))
			require.ErrorIs(t, err, admin.ErrNotAllowed)
		}
		_, err := collect(o.admin.List(o.ctx, nil, store.Query{AllTenants: true}))
		require.ErrorIs(t, err, admin.ErrNotAllowed)
		page, err := o.admin.ListPage(o.ctx, ops, store.Query{AllTenants: true})
		require.NoError(t, err)
		require.Len(t, page.Members, 6)
	})
	t.Run("oneself", func(t *testing.T) {
		members, err := collect(o.admin.Status(o.ctx, admin.Administrator{User: o.boss.User}, o.boss.id()))
		require.NoError(t, err)
		require.Len(t, members, 1)
	})
	t.Run("sweeps", func(t *testing.T) {
		for _, by := range []admin.Operator{{}, {Name: "root"}, {Reason: "ticket 7"}} {
			o.unchanged(func() {
				require.ErrorIs(t, o.admin.Reseal(o.ctx, by, "", nil), admin.ErrNotAllowed)
				require.ErrorIs(t, o.admin.AfterDatabaseRestore(o.ctx, by, start, "", nil), admin.ErrNotAllowed)
				require.ErrorIs(t, second(collect(o.admin.Check(o.ctx, by))), admin.ErrNotAllowed)
			})
		}
	})
}
