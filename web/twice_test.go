package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

// A double click sends a form twice, and the browser drops the answer to the first.
// Nothing is answered twice: the second answer leads on by the session that the request
// has, or says that it may already be done.
func TestCodeTwice(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.Get("/backups/42")
	p.password(ana)
	code := p.phone.Code()
	second := p.Copy() // a copy from when the second click was sent
	p.Page.Submit("/2fa/code", "code", code)
	p.is(http.StatusOK, "/backups/42", "Backup 42")

	second.Post("/2fa/code", "code", code)
	require.Equal(t, http.StatusUnauthorized, second.Page.Status)
	require.Contains(t, second.Page.Text("main"), "nothing was done a second time")
	require.Subset(t, second.Page.Links(), []string{"/signin", "/backups/42"})

	p.Post("/2fa/code", "code", code) // the answer to the first did arrive
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// The page with the recovery codes must not get lost. The security page says that it may
// be, and makes new ones.
func TestConfirmTwice(t *testing.T) {
	s := newSite(t)
	for name, mode := range map[string]policy.Mode{"in a session": policy.Optional, "before one": policy.Required} {
		t.Run(name, func(t *testing.T) {
			s.policy.set(policy.Policy{Mode: mode})
			u := ana
			if mode == policy.Required {
				u = ben
			}
			p := s.browser()
			p.password(u)
			p.Get("/2fa/setup")
			p.scan()
			code := p.phone.Code()
			second := p.Copy()
			p.Page.Submit("/2fa/setup", "code", code)
			p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")

			second.Post("/2fa/setup", "code", code)
			require.NotContains(t, second.Page.HTML, "recovery-code", "shown once")
			if mode == policy.Required {
				require.Equal(t, http.StatusUnauthorized, second.Page.Status)
			}

			p.Post("/2fa/setup", "code", code)
			p.is(http.StatusOK, "/2fa/security", "Security")
			require.Contains(t, p.Page.Text("main"), "If you have not saved your recovery codes, make new ones.")
			require.Contains(t, p.Page.Text("main"), "You have not confirmed that these codes are saved.")
		})
	}
}

// A form of the host that is sent twice is processed once, and the page says so.
func TestStepUpTwice(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	code := p.phone.Code()
	p.Post("/backups/42/delete", "totpflow_code", code)
	p.Post("/backups/42/delete", "totpflow_code", code)
	p.is(http.StatusForbidden, "/backups/42/delete", "Delete backup")
	require.Contains(t, p.Page.Text("main"), "it may already be done")
	require.Len(t, s.deleted, 1)
}

// The script gives a page that answers a form the address of the page with the form, so
// that going back or reloading does not offer to send the form again. No other site
// chooses the address.
func TestAddressOfAnAnswer(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	require.Empty(t, p.Page.Attribute("script", "data-address"))
	p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	require.Equal(t, "/2fa/code", p.Page.Attribute("script", "data-address"))
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.Get("/backups/42")
	p.Page.Submit("/backups/42/delete?why=test", "note", "x")
	p.is(http.StatusForbidden, "/backups/42/delete?why=test", "Delete backup")
	require.Equal(t, "/backups/42", p.Page.Attribute("script", "data-address"))

	for _, elsewhere := range []string{"https://evil.example/2fa/code", "", "//evil.example/", "%"} {
		form := url.Values{"code": {p.phone.WrongCode()}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/2fa/code", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Referer", elsewhere)
		require.Empty(t, p.Do(req).Attribute("script", "data-address"), elsewhere)
	}
}
