package web_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// Every change on the page that removes something requires a code, and the session goes
// on under a new token.
func TestSecurityPage(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	s.clock.Advance(time.Minute)
	p.Get("/2fa/security")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Equal(t, "On", p.Page.Text("state"))

	p.Page.Submit("/2fa/security/rename/*", "name", "Old phone")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Contains(t, p.Page.Text("main"), "The authenticator has its new name.")
	require.Equal(t, "Old phone", p.Page.Texts("name")[0])

	p.Page.Submit("/2fa/security/add")
	p.is(http.StatusForbidden, "/2fa/security/add", "Add an authenticator")
	p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	old := p.phone
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.WrongCode(), "name", "Tablet")
	require.Equal(t, "Tablet", p.Page.Fields("/2fa/setup").Get("name"))
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your set-up key")
	p.Get("/2fa/security")
	require.Equal(t, []string{"Old phone", "Tablet"}, p.Page.Texts("name"))

	thief := p.Copy()
	p.Page.Submit("/2fa/security/remove/*")
	p.is(http.StatusForbidden, p.Page.Path, "Remove the authenticator")
	require.Contains(t, p.Page.Text("main"), "Old phone")
	p.Page.Submit("/2fa/security/remove/*", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Equal(t, []string{"Tablet"}, p.Page.Texts("name"))
	require.Equal(t, "/signin", thief.Get("/").Path, "a copied cookie ended with the change")
	_ = old

	thief = p.Copy()
	p.Page.Submit("/2fa/security/end-sessions")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Equal(t, "/signin", thief.Get("/").Path)

	p.Page.Submit("/2fa/security/recovery-codes")
	p.Page.Submit("/2fa/security/recovery-codes", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security/recovery-codes", "Save your recovery codes")
	require.Equal(t, "/2fa/security", p.Page.Fields("/2fa/security/saved").Get("next"))
	require.Len(t, p.Page.Texts("recovery-code"), 10)
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/2fa/security", "Security")

	p.Page.Submit("/2fa/security/disable")
	p.is(http.StatusForbidden, "/2fa/security/disable", "Turn off two-factor authentication")
	p.Page.Submit("/2fa/security/disable", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Equal(t, "Off", p.Page.Text("state"))
	p.Page.Submit("/2fa/signout")
	p.is(http.StatusOK, "/signin", "Sign in")
	require.Equal(t, "/signin", p.Get("/").Path)
}

// The browser that the person uses is marked, and no other.
func TestThisBrowserIsMarked(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	for _, x := range []*person{p, s.browser()} {
		x.password(ana)
		x.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
		x.Get("/2fa/security")
		require.Equal(t, 1, strings.Count(x.Page.Text("main"), "This browser"))
	}
	require.Len(t, p.Get("/2fa/security").Texts("browser"), 2)
	q := s.browser()
	q.password(ana)
	q.Page.Submit("/2fa/code", "code", p.phone.Code())
	require.NotContains(t, q.Get("/2fa/security").Text("main"), "This browser")
}

// A browser whose trust was removed on the page is asked for a code at its next sign-in;
// the others are not, until all are removed.
func TestRevokedBrowserIsAskedAgain(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	lost := s.browser()
	for _, x := range []*person{lost, p} {
		x.password(ana)
		x.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	}
	enters := func(x *person) string {
		x.Get("/2fa/security").Submit("/2fa/signout")
		return x.password(ana).Path
	}
	require.Equal(t, []string{"/", "/"}, []string{enters(lost), enters(p)}, "both are trusted")
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.Len(t, st.Browsers, 2)
	first := slices.MinFunc(st.Browsers, func(a, b totpflow.Browser) int { return a.Issued.Compare(b.Issued) })

	p.Get("/2fa/security").Submit("/2fa/security/revoke/" + first.ID)
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Len(t, p.Page.Texts("browser"), 1)
	require.Equal(t, []string{"/2fa/code", "/"}, []string{enters(lost), enters(p)})

	lost.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.Get("/2fa/security").Submit("/2fa/security/revoke-all")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Empty(t, p.Page.Texts("browser"))
	require.Equal(t, []string{"/2fa/code", "/2fa/code"}, []string{enters(lost), enters(p)})
}

// The page of a mail's link names the account and the change above the button.
func TestWasItNotYou(t *testing.T) {
	var unnamed error
	s := newSite(t, func(c *web.Config) {
		c.AccountName = func(_ context.Context, id totpflow.AccountID) (string, error) { return "name of " + id.User, unnamed }
	})
	s.user(ana)
	var link string
	for _, e := range s.events {
		if e.Kind == event.EnrollmentConfirmed {
			link = "/2fa/not-me?event=" + string(s.service.NewDisownToken(e))
		}
	}
	p := s.browser()
	p.Get(link)
	p.is(http.StatusOK, link, "Was it not you?")
	require.Contains(t, p.Page.Text("main"), "Account: name of 1")
	require.Contains(t, p.Page.Text("main"), "Authenticator app set up , 2 March 2026, 09:30 UTC")
	p.Get("/2fa/not-me?event=x")
	require.Contains(t, p.Page.Text("main"), "This link is no longer valid.")
	require.NotContains(t, p.Page.Actions(), "/2fa/not-me")

	unnamed = errors.New("no such table") // the account can be closed nevertheless
	p.Get(link)
	require.NotContains(t, p.Page.Text("main"), "Account:")
	p.Page.Submit("/2fa/not-me")
	require.Contains(t, p.Page.Text("main"), "Your account is closed")
}

// If the policy offers no second factor, no page invites people to set one up, and none
// leads round in a circle.
func TestNotOffered(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Off})
	p := s.browser()
	p.password(ben)
	require.Equal(t, "/", p.Page.Path)
	for _, path := range []string{"/2fa/security", "/2fa/setup", "/2fa/phone"} {
		p.Get(path)
		p.is(http.StatusOK, "/2fa/security", "Security")
		require.Contains(t, p.Page.Text("main"), "does not use a second step")
		require.NotContains(t, p.Page.Links(), "/2fa/setup")
	}
	p.Post("/2fa/setup/password", "password", password, "to", "setup")
	require.Equal(t, "/2fa/security", p.Page.Path)
	p.Post("/backups/42/delete", "totpflow_password", password)
	require.Len(t, s.deleted, 1)
}

// The prefix alone, which a product links by mistake, leads to the page.
func TestPrefixLeadsToSecurity(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ben)
	p.Get("/2fa/")
	p.is(http.StatusOK, "/2fa/security", "Security")
}

// A person in a grace period reads until when a second factor must be set up.
func TestGraceOnTheSecurityPage(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ben)
	p.Get("/2fa/security")
	require.NotContains(t, p.Page.Text("main"), "Your organisation requires")
	s.policy.set(policy.Policy{Mode: policy.Required, Grace: 7 * 24 * time.Hour})
	p.Get("/2fa/security")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Contains(t, p.Page.Text("main"), "Your organisation requires two-factor authentication. You can sign in without it until 9 March 2026")
}

// Where no recovery code is left, the page does not say that few are.
func TestNoRecoveryCodesAreLeft(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	_, err := admin.New(s.service, nil).Reset(t.Context(), operator, ana.ID, admin.ScopeRecoveryCodes)
	require.NoError(t, err)
	p.Get("/2fa/security")
	require.Contains(t, p.Page.Text("main"), "You have no recovery codes. Make new ones while you have your phone.")
	for _, wrong := range []string{"Few codes are left", "0 of 0", "the old ones stop working"} {
		require.NotContains(t, p.Page.Text("main"), wrong)
	}

	// Neither does the page that asks for a code mention them, nor the answer to a wrong one.
	p.Page.Submit("/2fa/security/recovery-codes")
	require.Equal(t, "Enter the code that your authenticator app shows now.", p.Page.Text("what"))
	p.Page.Submit("/2fa/security/recovery-codes", "totpflow_code", p.phone.WrongCode())
	require.Contains(t, p.Page.Text("error"), "This code is not right.")
	require.NotContains(t, p.Page.Text("main"), "recovery code that you")
	p.Page.Submit("/2fa/security/recovery-codes", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security/recovery-codes", "Save your recovery codes")
	p.Page.Submit("/2fa/security/saved")
	p.Page.Submit("/2fa/security/add")
	require.Contains(t, p.Page.Text("what"), "or a recovery code.")
}
