package adminweb_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
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

// A role that has a mode of its own before or after is in the table, also where everybody has
// the same mode: what is milder for it takes effect.
func TestRoleAsForEverybody(t *testing.T) {
	s := newSite(t)
	admins, err := policy.NewRoles(map[string]policy.Mode{"admin": policy.Required})
	require.NoError(t, err)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Roles: admins})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "optional", "role-0", "")
	require.Equal(t, []string{"Two-factor authentication Required Optional", "Administrator Required Optional"}, b.Page.Texts("changed"))
	require.Equal(t, "Some of it requires less than before.", b.Page.Text("doing"))
	b.confirm()
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required", "role-0", "required")
	require.Equal(t, []string{"Two-factor authentication Optional Required", "Administrator Optional Required"}, b.Page.Texts("changed"))
	require.Empty(t, b.Page.Text("doing"))
}

// The policy of a tenant counts for those below it, and the page that confirms names them.
func TestPolicyForTenantsBelow(t *testing.T) {
	s := newSite(t)
	b := s.as(root)
	b.Get("/2fa-admin/policy?tenant=provider")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required")
	require.Equal(t, "It applies to the organisations below as well, where these require less: “Acme” and “Globex”.", b.Page.Text("doing"))
	b.Get("/2fa-admin/policy?tenant=acme")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required")
	require.Empty(t, b.Page.Text("doing"), "nothing is below it")

	// The administrator who approves reads it too.
	second := one("provider", "second", "Sec Ond")
	s.directory.Add(second)
	s.host.Add(totpflow.User{ID: second.ID, Name: second.Address}, password)
	s.hire(second)
	s.directory.Appoint(second.ID, provider, acme, globex)
	s.setPolicy("provider", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	b.Get("/2fa-admin/policy?tenant=provider")
	b.Page.Submit("/2fa-admin/policy/set", "browsers", "90")
	b.confirm()
	d := s.as(second)
	d.Get("/2fa-admin/requests")
	require.Contains(t, d.Page.Text("main"), "It applies to the organisations below as well, where these require less: “Acme” and “Globex”.")
}

// A time that has passed is not refused: it ends everybody's time to set up at once. The page
// says so.
func TestDeadlineInThePast(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	const passed = "This time has passed already"
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required", "deadline", "2026-03-01")
	require.Contains(t, b.Page.Text("doing"), passed)
	require.NotContains(t, b.Page.Text("doing"), "requires less")
	b.confirm()
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "browsers", "7")
	require.NotContains(t, b.Page.Text("doing"), passed, "it was so before")
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "deadline", "2026-03-02")
	require.NotContains(t, b.Page.Text("doing"), passed, "the day has not ended")
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "optional", "deadline", "2026-02-02")
	require.NotContains(t, b.Page.Text("doing"), passed, "nobody must set up")

	s.setPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	for day, milder := range map[string]bool{"2026-02-02": false, "2026-05-01": true} {
		b.Get("/2fa-admin/policy")
		b.Page.Submit("/2fa-admin/policy/set", "deadline", day)
		for _, words := range []string{"Some of it requires less than before.", "A second administrator has to approve this."} {
			require.Equal(t, milder, strings.Contains(b.Page.Text("doing"), words), day)
		}
	}
}

// Where nobody has to set up, a time to do so is not a change, and not one without effect.
func TestTimeToSetUpOfNobody(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Grace: 10 * 24 * time.Hour})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "optional", "grace", "20", "deadline", "2026-05-01")
	require.Equal(t, []string{"Two-factor authentication Required Optional", "Days to set up from the first sign-in 10 days None"}, b.Page.Texts("changed"))
	require.Equal(t, "Some of it requires less than before.", b.Page.Text("doing"))
	b.confirm()
	b.Get("/2fa-admin/policy")
	require.Equal(t, "20", b.Page.Fields("/2fa-admin/policy/set").Get("grace"), "for later")
	b.Page.Submit("/2fa-admin/policy/set", "role-0", "required")
	require.Contains(t, b.Page.Texts("changed"), "Days to set up from the first sign-in None 20 days")
}

// A list of chosen people leads to the policy of all: the page says so.
func TestRequireOfChosenPeople(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "do", "require")
	require.Contains(t, b.Page.Text("proposed"), "The policy is for everybody in Acme, and not only for the people you chose.")
	b.Page.Submit("/2fa-admin/policy/set")
	b.confirm()
	require.Empty(t, b.Page.Text("proposed"))
	b.Post("/2fa-admin/people/change", "person", key(mika), "do", "require")
	require.Equal(t, "It is required of everybody in Acme already.", b.Page.Text("proposed"))
	users, err := policy.NewRoles(map[string]policy.Mode{"user": policy.Optional})
	require.NoError(t, err)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, Roles: users})
	b.Post("/2fa-admin/people/change", "person", key(mika), "do", "require")
	require.NotContains(t, b.Page.Text("proposed"), "already", "not of users")
}

// An administrator without an app sets one up first, and comes back to the page.
func TestAdministratorWithoutAnApp(t *testing.T) {
	s := newSite(t)
	s.directory.Appoint(nora.ID, acme)
	b := s.as(nora)
	b.Get("/2fa-admin/policy?tenant=acme")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "required")
	require.Contains(t, b.Page.Text("main"), "You need an authenticator app of your own for this.")
	b.Get("/2fa/setup")
	uri := b.Page.Links()[slices.IndexFunc(b.Page.Links(), func(to string) bool { return strings.HasPrefix(to, "otpauth:") })]
	phone, err := totptest.ScanURI(uri, s.clock)
	require.NoError(t, err)
	b.Page.Submit("/2fa/setup", "code", phone.Code())
	b.Page.Submit("/2fa/security/saved")
	require.Equal(t, "/2fa-admin/policy?tenant=acme", b.Page.Path)
}

// An administrator without an app learns that on the page with the form, before filling it in,
// and comes back to that page after the set-up.
func TestAppIsNeededBeforeTheForm(t *testing.T) {
	s := newSite(t)
	s.directory.Appoint(nora.ID, acme)
	s.askTwo()
	pages := []string{"/2fa-admin/people?tenant=acme", "/2fa-admin/person?tenant=acme&user=mika", "/2fa-admin/requests", "/2fa-admin/policy?tenant=acme"}
	b, withApp := s.as(nora), s.as(boss)
	for _, page := range pages {
		require.Contains(t, b.Get(page).Text("needs-app"), "Changes require a code from an authenticator app of your own.", page)
		require.Empty(t, withApp.Get(page).Text("needs-app"), page)
	}
	require.Empty(t, b.open(nora).Text("needs-app"), "an administrator's own page has no form")
	b.Get(pages[3])
	require.Contains(t, b.Page.Links(), "/2fa/setup")
	b.Get("/2fa/setup")
	uri := b.Page.Links()[slices.IndexFunc(b.Page.Links(), func(to string) bool { return strings.HasPrefix(to, "otpauth:") })]
	phone, err := totptest.ScanURI(uri, s.clock)
	require.NoError(t, err)
	b.Page.Submit("/2fa/setup", "code", phone.Code())
	b.Page.Submit("/2fa/security/saved")
	require.Equal(t, pages[3], b.Page.Path)
	require.Empty(t, b.Page.Text("needs-app"))
}

// The set-up leads back to the page as the browser knows it, behind a router that strips a
// prefix. A page that is loaded again sets no cookie again.
func TestSetupLeadsBackBehindAPrefix(t *testing.T) {
	s := newSite(t)
	s.directory.Appoint(nora.ID, acme)
	b := s.as(nora)
	get := func() []*http.Cookie {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/app/2fa-admin/people?tenant=acme", nil)
		for _, c := range b.Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		http.StripPrefix("/app", s.office.Handler()).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		return slices.DeleteFunc(w.Result().Cookies(), func(c *http.Cookie) bool { return !strings.HasSuffix(c.Name, "next") })
	}
	kept := get()
	require.Len(t, kept, 1)
	b.SetCookie(kept[0].Name, kept[0].Value)
	require.Empty(t, get())
	b.Get("/2fa/setup")
	uri := b.Page.Links()[slices.IndexFunc(b.Page.Links(), func(to string) bool { return strings.HasPrefix(to, "otpauth:") })]
	phone, err := totptest.ScanURI(uri, s.clock)
	require.NoError(t, err)
	b.Page.Submit("/2fa/setup", "code", phone.Code())
	b.Page.Submit("/2fa/security/saved")
	require.Equal(t, "/app/2fa-admin/people?tenant=acme", b.Page.Path)
}

// Where the factor is mandatory, it is required before and after.
func TestConfirmOfMandatoryTenant(t *testing.T) {
	s := newSite(t, func(c *totpflow.Config) {
		c.Mandatory = func(_ context.Context, tenant string) (bool, error) { return tenant == provider.ID, nil }
	})
	b := s.as(root)
	b.Get("/2fa-admin/policy?tenant=provider")
	b.Page.Submit("/2fa-admin/policy/set", "grace", "14")
	require.Equal(t, []string{"Days to set up from the first sign-in None 14 days"}, b.Page.Texts("changed"))
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
