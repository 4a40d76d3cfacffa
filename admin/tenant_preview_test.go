package admin_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
)

// A preview is what then applies: with the tenants above, without a policy of the tenant's
// own until then, through a source of the host's, and where the factor is mandatory. It
// changes nothing, and is for those who may look.
func TestPreviewPolicy(t *testing.T) {
	loose := policy.Policy{Mode: policy.Off, Methods: policy.App | policy.Phone, BrowserAge: days(60), Grace: days(30)}
	must := func(c *totpflow.Config) {
		c.Mandatory = func(_ context.Context, tenant string) (bool, error) { return tenant == "acme", nil }
	}
	for name, changes := range map[string][]func(*totpflow.Config){"": nil, "mandatory": {must}} {
		for _, above := range []*policy.Policy{nil, {Mode: policy.Required, Grace: days(7), Methods: policy.App}} {
			for _, own := range []*policy.Policy{nil, {Mode: policy.Required, BrowserAge: -1}} {
				o := newOrganization(t, changes...)
				if above != nil {
					o.SetPolicy("provider", *above)
				}
				if own != nil {
					o.SetPolicy("acme", *own)
				}
				next := loose
				if name == "mandatory" {
					next.Mode = policy.Required
				}
				before, err := o.admin.Tenant(o.Ctx, ops, "acme")
				require.NoError(t, err)
				shown, err := o.admin.PreviewPolicy(o.Ctx, admin.Administrator{User: o.boss.User}, "acme", next)
				require.NoError(t, err)
				same, err := o.admin.Tenant(o.Ctx, ops, "acme")
				require.NoError(t, err)
				require.Equal(t, before, same)
				o.SetPolicy("acme", next)
				after, err := o.admin.Tenant(o.Ctx, ops, "acme")
				require.NoError(t, err)
				require.Equal(t, after.Effective, shown, "%s: %v over %v", name, above, own)
			}
		}
	}
	o := newOrganization(t)
	_, err := o.admin.PreviewPolicy(o.Ctx, admin.Administrator{User: o.elsewhere.User}, "acme", loose)
	require.ErrorIs(t, err, admin.ErrNotAllowed)
	_, err = o.admin.PreviewPolicy(o.Ctx, ops, "acme", policy.Policy{Grace: 14})
	require.ErrorIs(t, err, policy.ErrFormat)
}

// A tenant without a policy of its own begins with what applies to it: to keep what it
// inherits is not milder, and the second administrator compares with it.
func TestInheritedIsNotMilder(t *testing.T) {
	above := policy.Policy{Mode: policy.Optional, Methods: policy.App | policy.RecoveryCodes | policy.Phone, IssuedCode: true, TwoAdministrators: true}
	stricter := above
	stricter.BrowserAge = days(7)
	o := newOrganization(t)
	o.SetPolicy("provider", above)
	o.Events.Kinds()
	require.NoError(t, o.admin.SetPolicy(o.Ctx, o.By(o.boss, admin.ActionSetPolicy), "acme", stricter))
	require.Subset(t, []event.Kind{event.Reauthenticated, event.PolicySet}, o.Events.Kinds())

	milder := above
	milder.BrowserAge = days(60)
	o = newOrganization(t)
	o.SetPolicy("provider", above)
	require.ErrorIs(t, o.admin.SetPolicy(o.Ctx, o.By(o.boss, admin.ActionSetPolicy), "acme", milder), admin.ErrApproval)
	st, err := o.admin.Tenant(o.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, st.Effective, st.Pending[0].Before)
}
