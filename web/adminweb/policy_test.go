package adminweb_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
)

// A provider's tenant is offered only "required", and accepts nothing else.
func TestMandatoryTenant(t *testing.T) {
	s := newSite(t, func(c *totpflow.Config) {
		c.Mandatory = func(_ context.Context, tenant string) (bool, error) { return tenant == provider.ID, nil }
	})
	b := s.as(root)
	b.Get("/2fa-admin/policy?tenant=provider")
	require.Contains(t, b.Page.HTML, "<title>Policy of "+provider.Name)
	require.Contains(t, b.Page.Text("mandatory"), "cannot be switched off")
	require.Empty(t, b.Page.Text("stricter"), "nobody above it requires that")
	require.Equal(t, []string{"required"}, b.Page.Options("mode"))
	require.Equal(t, []string{"", "required"}, b.Page.Options("role-0"))
	for _, fields := range [][]string{{"mode", "off"}, {"mode", "required", "role-1", "off"}} {
		b.Post("/2fa-admin/policy/set", append([]string{"tenant", "provider", "grace", "0", "browsers", "30", "codes", "yes", "phones", "no"}, fields...)...)
		require.Equal(t, http.StatusBadRequest, b.Page.Status)
		require.Contains(t, b.Page.Text("error"), "must require two-factor authentication")
	}
	b.Get("/2fa-admin/policy?tenant=acme")
	require.Equal(t, []string{"required", "optional", "off"}, b.Page.Options("mode"))
}

// The names of roles come from the host, in the language of the page if it has that.
func TestRoleNames(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	for language, want := range map[string]string{"de": "Verwalter", "en": "Administrator"} {
		b.Header.Set("Accept-Language", language)
		b.Get("/2fa-admin/policy?tenant=acme")
		require.Contains(t, b.Page.HTML, want, language)
		require.Contains(t, b.Page.HTML, "User", "which has no other name")
	}
}

// Further demands of a tenant above are shown field by field. Settings without a field in
// the form stay as they are.
func TestPolicyOfAbove(t *testing.T) {
	s := newSite(t)
	s.setPolicy("provider", policy.Policy{Mode: policy.Required, BrowserAge: -1})
	guests, err := policy.NewRoles(map[string]policy.Mode{"guest": policy.Off})
	require.NoError(t, err)
	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, Methods: policy.App | policy.RecoveryCodes, Roles: guests})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	require.Contains(t, b.Page.Text("stricter"), "Two-factor authentication: Required")
	require.Contains(t, b.Page.Text("stricter"), "Days that a browser is trusted: 0 days")
	b.Page.Submit("/2fa-admin/policy/set", "issued", "yes")
	require.Equal(t, []string{"A recovery code by mail after a reset No Yes"}, b.Page.Texts("changed"))
	b.confirm()
	p := s.policyOf("acme")
	require.Equal(t, guests, p.Roles)
	require.Equal(t, policy.App|policy.RecoveryCodes, p.Methods)
	require.True(t, p.IssuedCode)
}

// A tenant without a policy of its own begins with what applies to it, and the page that
// confirms compares what applies now with what will: an administrator who changes one field
// changes no other.
func TestPolicyOfTenantWithoutOne(t *testing.T) {
	s := newSite(t)
	s.setPolicy("provider", policy.Policy{Mode: policy.Optional, Methods: policy.App | policy.RecoveryCodes | policy.Phone, BrowserAge: -1})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	require.Empty(t, b.Page.Text("stricter"))
	form := b.Page.Fields("/2fa-admin/policy/set")
	require.Equal(t, []string{"yes", "0", "optional"}, []string{form.Get("phones"), form.Get("browsers"), form.Get("mode")})
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required")
	require.Equal(t, []string{"Two-factor authentication Optional Required"}, b.Page.Texts("changed"))
	require.Empty(t, b.Page.Text("doing"))
	b.confirm()
	require.True(t, s.policyOf("acme").Methods.Has(policy.Phone))

	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "browsers", "30")
	require.Empty(t, b.Page.Texts("changed"), "the provider allows none")
	require.Contains(t, b.Page.Text("table"), "Days that a browser is trusted 0 days 0 days")
	require.Equal(t, "The organisations above or the operator require more than this policy. The table shows what applies. Without effect for now: Days that a browser is trusted: 0 days → 30 days", b.Page.Text("doing"))
}

// Where the factor is mandatory, it is required before and after.
func TestConfirmOfMandatoryTenant(t *testing.T) {
	s := newSite(t, func(c *totpflow.Config) {
		c.Mandatory = func(_ context.Context, tenant string) (bool, error) { return tenant == provider.ID, nil }
	})
	b := s.as(root)
	b.Get("/2fa-admin/policy?tenant=provider")
	b.Page.Submit("/2fa-admin/policy/set", "grace", "14")
	require.Equal(t, []string{"Days to set up from the first sign-in 0 days 14 days"}, b.Page.Texts("changed"))
	require.Contains(t, b.Page.Text("table"), "Two-factor authentication Required Required")
}

// An invalid form comes back as it was typed.
func TestPolicyFormComesBack(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	for _, wrong := range [][2]string{{"grace", "91"}, {"grace", "x"}, {"browsers", "400"}, {"deadline", "soon"}, {"codes", "perhaps"}, {"phones", "all"}, {"mode", "never"}, {"role-0", "never"}} {
		b.Get("/2fa-admin/policy")
		b.Page.Submit("/2fa-admin/policy/set", "two", "yes", "issued", "yes", wrong[0], wrong[1])
		require.Equal(t, http.StatusBadRequest, b.Page.Status, wrong)
		require.Contains(t, b.Page.Text("error"), "Nothing was done.")
		require.Equal(t, "yes", b.Page.Fields("/2fa-admin/policy/set").Get("two"))
	}
}
