package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

// The link on the code page: one code of the old app, then straight to the new one.
func TestMoveToANewPhone(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.Get("/backups/42")
	p.password(ana)
	require.Contains(t, p.Page.Links(), "/2fa/replace")
	p.Get("/2fa/replace")
	p.is(http.StatusOK, "/2fa/replace", "Move to a new phone")
	require.Equal(t, "Account: ana@acme.example", p.Page.Text("account")+p.Page.Texts("account")[0])
	const elsewhere = "you are signed out everywhere else"
	require.Contains(t, p.Page.Text("main"), elsewhere)
	require.NotContains(t, p.Page.Text("main"), "new recovery codes", "policy may allow none")
	other := s.browser()
	other.password(ana)
	other.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.Page.Submit("/2fa/replace", "code", p.phone.WrongCode())
	p.is(http.StatusForbidden, "/2fa/replace", "Move to a new phone")
	old := p.phone
	p.Page.Submit("/2fa/replace", "code", old.Code())
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "“Authenticator” stops working")
	require.Contains(t, p.Page.Text("main"), elsewhere)
	require.NotContains(t, p.Page.Text("main"), "From now on", "it was so before")
	p.scan()
	require.Contains(t, p.phone.Label().Account, "ana@acme.example 2026-03-0")
	require.Equal(t, "Account: ana@acme.example", p.Page.Texts("account")[0])
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
	require.Contains(t, p.Page.Text("main"), "You are signed out everywhere else.")
	other.Get("/")
	other.is(http.StatusUnauthorized, "/", "You are signed out")
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// The proof of an ordinary sign-in replaces nothing, and an abandoned move changes
// nothing.
func TestOrdinaryCodeReplacesNothing(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	p.Get("/2fa/replace")
	p.Get("/2fa/code")
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	p.Get("/2fa/setup")
	p.is(http.StatusOK, "/2fa/security", "Security")

	old := p.phone
	q := s.browser()
	q.password(ana)
	q.Get("/2fa/replace")
	q.Page.Submit("/2fa/replace", "code", old.Code())
	q.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	s.clock.Advance(time.Hour) // abandoned
	q = s.browser()
	q.password(ana)
	q.Page.Submit("/2fa/code", "code", old.Code())
	q.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// Nobody reaches the page without a sign-in under way, or without an app.
func TestMoveNeedsASignIn(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.Get("/2fa/replace")
	p.is(http.StatusOK, "/signin", "Sign in")
	p.Post("/2fa/replace", "code", "123456")
	p.is(http.StatusUnauthorized, "/2fa/replace", "Please sign in again")
	p.Post("/2fa/setup/which", "goes", "all")
	p.is(http.StatusUnauthorized, "/2fa/setup/which", "You are not signed in")
}

// A person with several authenticators says which one is replaced, also on the security
// page; the others stay, and the name passes to the new one.
func TestWhichAuthenticatorGoes(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	p.Get("/2fa/security")
	p.Page.Submit("/2fa/security/add")
	p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
	phone := p.phone
	p.scan()
	tablet := p.phone
	p.Page.Submit("/2fa/setup", "code", tablet.Code(), "name", "Tablet")
	p.is(http.StatusOK, "/2fa/setup", "Save your set-up key")
	require.Contains(t, p.Page.Text("main"), "Your new authenticator “Tablet” works")

	q := s.browser()
	q.password(ana)
	q.Get("/2fa/replace")
	q.Page.Submit("/2fa/replace", "code", phone.Code())
	q.is(http.StatusOK, "/2fa/setup", "Which authenticator do you want to replace?")
	q.Page.Submit("/2fa/setup/which")
	q.is(http.StatusBadRequest, "/2fa/setup/which", "Which authenticator do you want to replace?")
	require.Contains(t, q.Page.Text("error"), "Choose what the new one replaces.")
	q.Page.Submit("/2fa/setup/which", "goes", "nobody")
	q.is(http.StatusNotFound, "/2fa/setup/which", "Which authenticator do you want to replace?")
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	q.Page.Submit("/2fa/setup/which", "goes", st.Authenticators[1].ID)
	q.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, q.Page.Text("main"), "“Tablet” stops working")
	q.Get("/2fa/setup") // again
	require.Contains(t, q.Page.Text("main"), "“Tablet” stops working")
	q.scan()
	q.Page.Submit("/2fa/setup", "code", q.phone.Code())
	require.Contains(t, q.Page.Text("main"), "The old “Tablet” has stopped working. Earlier recovery codes no longer work.")
	q.Page.Submit("/2fa/security/saved")
	q.Get("/2fa/security")
	require.Equal(t, []string{"Authenticator", "Tablet"}, q.Page.Texts("name"))
	for _, works := range []*totptest.Authenticator{phone, q.phone} {
		r := s.browser()
		r.password(ana)
		r.Page.Submit("/2fa/code", "code", works.Code())
		r.is(http.StatusOK, "/", "Home of ana@acme.example")
	}

	q.Get("/2fa/security")
	q.Page.Submit("/2fa/security/replace")
	q.Page.Submit("/2fa/security/replace", "totpflow_code", phone.Code())
	q.is(http.StatusOK, "/2fa/setup", "Which authenticator do you want to replace?")
	q.Page.Submit("/2fa/setup/which", "goes", "all")
	require.Contains(t, q.Page.Text("main"), "“Authenticator” and “Tablet” stop working")
}
