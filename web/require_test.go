package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
)

// Each of these ends the session and the page gives the reason; one click from it is the
// password, from where the person comes back.
func TestSessionThatEnded(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(*site, *person)
		heading string
	}{
		"password": {func(s *site, p *person) {
			_, err := s.service.Account(ana).PasswordChanged(t.Context())
			require.NoError(t, err)
		}, "You are signed out"},
		"another enrollment": {func(s *site, p *person) {
			other := s.browser()
			other.phone = p.phone
			other.password(ana)
			other.Page.Submit("/2fa/code", "code", other.phone.Code())
			other.Get("/2fa/security")
			other.Page.Submit("/2fa/security/replace")
			other.Page.Submit("/2fa/security/replace", "totpflow_code", other.phone.Code())
			other.scan()
			s.clock.Advance(time.Minute)
			other.Page.Submit("/2fa/setup", "code", other.phone.Code())
			require.Equal(t, "Save your recovery codes", other.Page.Text("h1"))
			p.phone = other.phone
		}, "You are signed out"},
		"frozen": {func(s *site, p *person) {
			s.disown()
		}, "This account is closed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			p := s.signedIn()
			s.clock.Advance(time.Minute)
			test.end(s, p)
			p.Get("/backups/42")
			p.is(http.StatusUnauthorized, "/backups/42", test.heading)
			require.Contains(t, p.Page.Links(), "/signin")
			p.Get("/2fa/security")
			p.is(http.StatusOK, "/signin", "Sign in")
		})
	}
}

// disown says "it was not me" about the account's last change.
func (s *site) disown() {
	s.t.Helper()
	s.mu.Lock()
	var last event.Event
	for _, e := range s.events {
		if e.Kind.Disownable() && e.User != "" {
			last = e
		}
	}
	s.mu.Unlock()
	p := s.browser()
	p.Get("/2fa/not-me?event=" + string(s.service.NewDisownToken(last)))
	p.is(http.StatusOK, p.Page.Path, "Was it not you?")
	p.Page.Submit("/2fa/not-me")
	p.is(http.StatusOK, "/2fa/not-me", "Your account is closed")
}

// A stricter policy ends a session of the password alone; the next sign-in leads to the
// enrollment.
func TestPolicyBecomesStricter(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	s.policy.set(policy.Policy{Mode: policy.Required, Grace: 24 * time.Hour})
	p.Get("/")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	s.clock.Advance(25 * time.Hour)
	p.Get("/backups/42")
	p.is(http.StatusUnauthorized, "/backups/42", "Two-factor authentication is required now")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// During a grace period each sign-in offers the enrollment, and "not now" leads on.
func TestGrace(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required, Grace: 24 * time.Hour})
	p := s.browser()
	p.Get("/backups/42")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "You can sign in without it until 3 March 2026, 09:30 UTC")
	require.Contains(t, p.Page.Links(), "/backups/42")
	p.Get("/backups/42")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// A picture or a script's call is not the page that the person wants to come back to.
func TestOnlyPagesAreComeBackTo(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.Get("/backups/42")
	for header, value := range map[string]string{"Sec-Fetch-Dest": "image", "Accept": "image/png"} {
		was := p.Header.Get(header)
		p.Header.Set(header, value)
		p.Get("/favicon.ico")
		p.Header.Set(header, was)
	}
	p.password(ana)
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// The host's own change of the password: others end, this one goes on.
func TestPasswordChanged(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	thief := p.Copy()
	s.clock.Advance(time.Minute)
	p.Page.Submit("/password", "password", "new password")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	require.Equal(t, "/signin", thief.Get("/").Path, "the old token is dead")
	p.Get("/backups/42")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// An administrator who sets somebody else's password stays who they are.
func TestPasswordChangedForSomebodyElse(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/users/ben/password", nil)
	for _, c := range p.Cookies() {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	require.NoError(t, s.pages.PasswordChanged(w, r, ben))
	require.Empty(t, w.Header().Values("Set-Cookie"))
	p.Get("/")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}
