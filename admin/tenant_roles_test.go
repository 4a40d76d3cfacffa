package admin_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// byRole sets the role of an account by the first letter of the user's id.
func byRole(of map[string]string) func(*totpflow.Config) {
	return func(c *totpflow.Config) {
		c.Role = func(_ context.Context, id store.AccountID) (string, error) {
			role, ok := of[id.User]
			if !ok {
				return "", errSays
			}
			return role, nil
		}
	}
}

func rolesOf(t testing.TB, modes map[string]policy.Mode) policy.Roles {
	t.Helper()
	r, err := policy.NewRoles(modes)
	require.NoError(t, err)
	return r
}

// "Required / not required" by role, in the sign-in, in the status and in the list; the
// strictest of the chain for each role.
func TestPolicyByRole(t *testing.T) {
	h := newHarness(t, ofTenants, byRole(map[string]string{"a": "administrator", "g": "guest", "n": ""}))
	h.SetPolicy("provider", policy.Policy{Mode: policy.Optional, Roles: rolesOf(t, map[string]policy.Mode{"administrator": policy.Required})})
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Roles: rolesOf(t, map[string]policy.Mode{"administrator": policy.Off, "guest": policy.Off})})
	want := map[string]policy.Mode{"a": policy.Required, "g": policy.Optional, "n": policy.Required}
	var ids []store.AccountID
	for user, mode := range want {
		id := store.AccountID{Tenant: "acme", User: user}
		ids = append(ids, id)
		u := totpflow.User{ID: id}
		require.Equal(t, mode, h.Status(u).Policy.Mode, user)
		require.Zero(t, h.Status(u).Policy.Roles)
		d, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		require.Equal(t, mode == policy.Required, d.Step == totpflow.Enroll, user)
		require.Equal(t, mode == policy.Required, h.Member(id).Required, user)
	}
	for m, err := range h.Admin(nil).Status(h.Ctx, ops, ids...) {
		require.NoError(t, err)
		require.Equal(t, want[m.ID.User] == policy.Required, m.Required, m.ID.User)
	}
	// A role that cannot be read lets nobody in.
	_, err := h.SignIn(h.Ctx, totpflow.User{ID: store.AccountID{Tenant: "acme", User: "x"}})
	require.ErrorIs(t, err, errSays)
	require.ErrorIs(t, err, totpflow.ErrPolicy)
	// Where roles are unknown, the strictest mode counts.
	unknown := h.Open(ofTenants, func(c *totpflow.Config) { c.Role = nil })
	d, err := unknown.SignIn(h.Ctx, totpflow.User{ID: store.AccountID{Tenant: "provider", User: "g"}})
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
}

// A tenant that must require the factor requires it whatever is set, for every role, and
// accepts no milder policy, not even from an operator. Its customers may have one.
func TestMandatory(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("provider", policy.Policy{Mode: policy.Off, Roles: rolesOf(t, map[string]policy.Mode{"guest": policy.Optional})})
	partner := func(c *totpflow.Config) {
		c.Role = func(context.Context, store.AccountID) (string, error) { return "guest", nil }
		c.Mandatory = func(_ context.Context, tenant string) (bool, error) { return tenant == "provider", nil }
	}
	s := h.Open(ofTenants, partner)
	a := admin.New(s, nil)
	mode := func(tenant string) policy.Mode {
		st, err := s.Account(totpflow.User{ID: store.AccountID{Tenant: tenant, User: "42"}}).Status(h.Ctx)
		require.NoError(t, err)
		return st.Policy.Mode
	}
	require.Equal(t, policy.Required, mode("provider"), "it was off before")
	for name, p := range map[string]policy.Policy{
		"off": {Mode: policy.Off}, "optional": {Mode: policy.Optional},
		"one role": {Roles: rolesOf(t, map[string]policy.Mode{"guest": policy.Off})},
	} {
		require.ErrorIs(t, a.SetPolicy(h.Ctx, ops, "provider", p), admin.ErrMandatory, name)
		require.NoError(t, a.SetPolicy(h.Ctx, ops, "globex", p), name)
	}
	require.NoError(t, a.SetPolicy(h.Ctx, ops, "provider", policy.Policy{Grace: days(14), Roles: rolesOf(t, map[string]policy.Mode{"guest": policy.Required})}))
	st, err := a.Tenant(h.Ctx, ops, "provider")
	require.NoError(t, err)
	require.True(t, st.Mandatory)
	require.Equal(t, days(14), st.Effective.Grace)
	require.NoError(t, a.SetPolicy(h.Ctx, ops, "globex", policy.Policy{Mode: policy.Off}))
	require.Equal(t, policy.Off, mode("globex"))

	broken := h.Open(ofTenants, func(c *totpflow.Config) {
		c.Mandatory = func(context.Context, string) (bool, error) { return false, errSays }
	})
	_, err = broken.SignIn(h.Ctx, ana)
	require.ErrorIs(t, err, totpflow.ErrPolicy)
	require.ErrorIs(t, admin.New(broken, nil).SetPolicy(h.Ctx, ops, "acme", policy.Policy{}), errSays)
	require.NoError(t, servicetest.ErrorOf(s.SignIn(h.Ctx, ana)))
}
