package adminweb_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
)

// help opens a window for Mika and Dee.
func (s *site) help(b *person) {
	s.t.Helper()
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "do", "help")
	require.Contains(s.t, b.Page.Text("doing"), "For 5 minutes")
	b.confirm()
	require.Contains(s.t, b.Page.Text("window"), "no further code for “Mika Berg” and “Dee Puty”, for each action once.")
}

// Several changes need one code: each is named on its page, and a click is enough. A
// change that the window does not cover asks for a code.
func TestOneCodeForSeveral(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	s.help(b)
	opened := s.clock.Now()
	b.open(mika)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
	require.Equal(t, "Reset everything for Mika Berg", b.Page.Text("button"))
	require.False(t, b.Page.Fields("/2fa-admin/person/reset").Has("totpflow_code"))
	require.Equal(t, admin.StateEnabled, s.member(mika).State, "not before the click")
	b.Page.Submit("/2fa-admin/person/reset")
	require.Equal(t, admin.StateRequired, s.member(mika).State)
	b.Page.Submit("/2fa-admin/person/issue")
	b.Page.Submit("/2fa-admin/person/issue")
	require.Len(t, s.mails, 1)
	b.open(deputy)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "browsers")
	b.Page.Submit("/2fa-admin/person/reset")
	require.Equal(t, opened, s.clock.Now())

	b.open(deputy)
	b.Page.Submit("/2fa-admin/person/reset", "scope", "all")
	require.Contains(t, b.Page.HTML, `name="totpflow_code"`, "once each")
	b.open(deputy)
	b.Page.Submit("/2fa-admin/person/exempt", "machine", "x")
	require.Contains(t, b.Page.HTML, `name="totpflow_code"`, "never for an exemption")
	b.Post("/2fa-admin/person/exempt", "tenant", "acme", "user", "deputy", "machine", "x", "totpflow_confirm", "yes")
	require.Contains(t, b.Page.HTML, `name="totpflow_code"`)
	require.Empty(t, s.member(deputy).Machine)
}

// A window belongs to the browser that opened it, and ends by its button, by its time and
// with the sign-out.
func TestWindowOfTheBrowser(t *testing.T) {
	for name, then := range map[string]func(s *site, b *person) *person{
		"another browser": func(s *site, _ *person) *person { return s.as(boss) },
		"closed": func(_ *site, b *person) *person {
			b.open(mika)
			b.Page.Submit("/2fa-admin/window/close")
			return b
		},
		"its time": func(s *site, b *person) *person { s.clock.Advance(admin.WindowLifetime); return b },
		"signed out": func(s *site, b *person) *person {
			copied := b.Copy()
			b.Post("/2fa/signout")
			again := s.as(boss)
			for _, c := range copied.Cookies() {
				if c.Name == "__Host-totpflow-window" {
					again.SetCookie(c.Name, c.Value)
				}
			}
			return again
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.as(boss)
			s.help(b)
			b = then(s, b)
			b.open(mika)
			require.Empty(t, b.Page.Text("window"))
			b.Post("/2fa-admin/person/reset", "tenant", "acme", "user", "mika", "scope", "all", "totpflow_confirm", "yes")
			require.Contains(t, b.Page.HTML, `name="totpflow_code"`)
			require.Equal(t, admin.StateEnabled, s.member(mika).State)
		})
	}
}

// A page of another site can neither open nor use a window.
func TestOtherSites(t *testing.T) {
	s := newSite(t)
	b := s.as(boss)
	s.help(b)
	b.Header.Set("Origin", "https://evil.example")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/2fa-admin/person/reset?tenant=acme&user=mika&scope=all&totpflow_confirm=yes", nil)
	require.NoError(t, err)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, c := range b.Cookies() {
		req.AddCookie(c)
	}
	require.Equal(t, http.StatusForbidden, b.Do(req).Status)
	// The address alone submits no form.
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/2fa-admin/person/reset?tenant=acme&user=mika&scope=all&totpflow_confirm=yes", nil)
	require.NoError(t, err)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range b.Cookies() {
		req.AddCookie(c)
	}
	require.Equal(t, http.StatusNotFound, b.Do(req).Status)
	require.Equal(t, admin.StateEnabled, s.member(mika).State)
}
