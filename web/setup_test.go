package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

// A session that was left open binds nobody's phone: the password comes first.
func TestSetupAsksForThePassword(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	s.clock.Advance(10 * time.Minute) // the sign-in's proof is over
	proof := p.cookie("proof")
	for _, kept := range []string{proof, "", "x"} { // with its cookie, and without
		p.keep("proof", kept)
		p.Get("/2fa/setup")
		p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
		require.Contains(t, p.Page.Actions(), "/2fa/setup/password")
	}
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Empty(t, p.Page.Texts("key"))
	p.Page.Submit("/2fa/setup/password", "password", "wrong")
	p.is(http.StatusUnauthorized, "/2fa/setup/password", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("error"), "The password is not right.")
	p.Page.Submit("/2fa/setup/password", "password", password)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
}

// The app that the person chose is the authenticator's name; "other" is none.
func TestAppIsTheName(t *testing.T) {
	for _, c := range []struct{ app, name, is string }{
		{"Aegis", "", "Aegis"}, {"other", "", "Authenticator"}, {"", "", "Authenticator"}, {"other", "Tablet", "Tablet"}, {"<b>", "", "Authenticator"}, // no app of the list
	} {
		s := newSite(t)
		p := s.browser()
		p.password(ana)
		p.Get("/2fa/setup")
		require.Contains(t, p.Page.Options("app"), "other")
		p.scan()
		p.Page.Submit("/2fa/setup", "code", p.phone.WrongCode(), "app", c.app, "name", c.name)
		if c.app != "<b>" {
			require.Equal(t, c.app, p.Page.Fields("/2fa/setup").Get("app"), "kept when the form comes back")
		}
		p.Page.Submit("/2fa/setup", "code", p.phone.Code(), "app", c.app)
		p.Page.Submit("/2fa/security/saved")
		p.Get("/2fa/security")
		require.Equal(t, []string{c.is}, p.Page.Texts("name"))
	}
}

func TestSetupPage(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/setup")
	require.Equal(t, "318", p.Page.Attribute("qr", "width"))
	require.True(t, strings.HasPrefix(p.Page.Attribute("qr", "src"), "data:image/png;base64,"))
	secret := p.Page.Text("secret")
	p.Get("/2fa/setup")
	require.Equal(t, secret, p.Page.Text("secret"), "the same offer when the page is opened again")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.WrongCode())
	p.is(http.StatusForbidden, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, secret, p.Page.Text("secret"))
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
	require.NotContains(t, p.Page.HTML, "JavaScript")
}

// In one browser an enrollment belongs to the person whose password was right last,
// also where the host forgets to end the session before.
func TestSharedBrowser(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana) // optional: signed in, and has begun to set up
	p.Get("/2fa/setup")
	p.scan()
	left := p.phone
	anas := p.Page.Text("secret")

	s.policy.set(policy.Policy{Mode: policy.Required})
	p.password(ben)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
	require.NotEqual(t, anas, p.Page.Text("secret"))
	p.Page.Submit("/2fa/setup", "code", left.Code())
	p.is(http.StatusForbidden, "/2fa/setup", "Set up two-factor authentication")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/", "Home of ben@acme.example")
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.False(t, st.Enrolled)
}
