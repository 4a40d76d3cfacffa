package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// signedIn returns a browser of a person who has set up and signed in by a code.
func (s *site) signedIn() *person {
	s.t.Helper()
	p, _ := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	require.Equal(s.t, "/", p.Page.Path)
	return p
}

// The person is asked for a code, and then the form is processed as it was sent.
func TestStepUp(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	p.Get("/backups/42")
	p.Page.Submit("/backups/42/delete")
	p.is(http.StatusForbidden, "/backups/42/delete?why=test", "Delete backup")
	require.Contains(t, p.Page.Text("main"), "Backup 42")
	require.Empty(t, s.deleted)
	require.Empty(t, p.Page.Text("error"), "nothing was refused yet")
	require.Contains(t, p.Page.HTML, "<title>Delete backup", "and not an error")
	require.Contains(t, p.Page.Links(), "/backups/42", "the way back")

	p.Page.Submit("/backups/42/delete", "totpflow_code", p.phone.WrongCode())
	p.is(http.StatusForbidden, "/backups/42/delete?why=test", "Delete backup")
	require.Contains(t, p.Page.Text("error"), "This code is not right.")
	require.Contains(t, p.Page.HTML, "<title>Error: Delete backup")
	require.Contains(t, p.Page.Links(), "/backups/42", "the way back is kept")
	require.Empty(t, s.deleted)

	p.Page.Submit("/backups/42/delete", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/backups/42/delete?why=test", "Deleted")
	require.Equal(t, []string{"42 copy=1&copy=2&note=a+%26+b"}, s.deleted, "the fields of before, and none of ours")
}

// A code that was typed for one backup deletes no other, and none twice. A proof that was
// never used is not valid for another backup either.
func TestStepUpIsForOneTarget(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })
	p := s.signedIn()
	code := p.phone.Code()
	p.Post("/backups/42/delete", "totpflow_code", code)
	p.is(http.StatusOK, "/backups/42/delete", "Deleted")
	p.Post("/backups/43/delete", "totpflow_code", code)
	p.is(http.StatusForbidden, "/backups/43/delete", "Delete backup")
	require.Contains(t, p.Page.Text("error"), "has been used already")
	require.Len(t, s.deleted, 1)
	p.Post("/backups/gone/delete", "totpflow_code", p.phone.Code())
	p.is(http.StatusNotFound, "/backups/gone/delete", "Page not found")

	status, asked := s.api(http.MethodPost, "/api/signin", map[string]any{"email": ana.Name, "password": password})
	require.Equal(t, http.StatusForbidden, status)
	status, in := s.api(http.MethodPost, "/2fa/api/code", map[string]any{"challenge": asked["challenge"], "code": p.phone.Code()})
	require.Equal(t, http.StatusOK, status)
	bearer := "Bearer " + in["session"].(string)
	status, fresh := s.api(http.MethodPost, "/2fa/api/reauthenticate", map[string]any{"action": "delete backup", "target": "43", "code": p.phone.Code()}, "Authorization", bearer)
	require.Equal(t, http.StatusOK, status)
	for _, try := range []struct {
		backup string
		status int
	}{{"44", http.StatusForbidden}, {"43", http.StatusOK}, {"43", http.StatusForbidden}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/backups/"+try.backup+"/delete", nil)
		require.NoError(t, err)
		req.Header = http.Header{"Authorization": {bearer}, web.ProofHeader: {fresh["proof"].(string)}}
		require.Equal(t, try.status, s.browser().Do(req).Status, try.backup)
	}
	require.Equal(t, []string{"42 ", "43 "}, s.deleted)
}

// StepUp on a pattern of its own is not behind the wrapped "/": it requires the session
// itself.
func TestStepUpIncludesRequire(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.Post("/backups/42/delete", "totpflow_code", p.phone.Code())
	p.is(http.StatusUnauthorized, "/backups/42/delete", "You are not signed in")
	require.Empty(t, s.deleted)
	p.password(ana)
	p.Post("/backups/42/delete", "totpflow_code", p.phone.Code())
	p.is(http.StatusUnauthorized, "/backups/42/delete", "You are not signed in")
	require.Empty(t, s.deleted, "before the second step")
}

// A request that cannot be sent again is refused before anything is done.
func TestStepUpTakesForms(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	p.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	for name, kind := range map[string]string{"files": "multipart/form-data; boundary=x", "text": "text/plain", "none": ""} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/backups/42/delete", strings.NewReader("totpflow_code=1"))
			require.NoError(t, err)
			req.Header.Set("Content-Type", kind)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			for _, c := range p.Cookies() {
				req.AddCookie(c)
			}
			require.Equal(t, http.StatusBadRequest, p.Do(req).Status)
		})
	}
	p.Header.Del("Content-Type")
	p.Post("/backups/42/delete", "note", strings.Repeat("x", 65<<10))
	require.Equal(t, http.StatusRequestEntityTooLarge, p.Page.Status)
	require.Empty(t, s.deleted)
}

// Two consecutive codes while single ones are locked, and a recovery code.
func TestStepUpWays(t *testing.T) {
	s := newSite(t)
	p, codes := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.Post("/backups/1/delete", "note", "x")
	p.Page.Submit("/backups/1/delete", "totpflow_code", codes[0])
	p.is(http.StatusOK, "/backups/1/delete", "Deleted")

	s.clock.Advance(time.Minute)
	p.Post("/backups/2/delete")
	for range 6 {
		p.Page.Submit("/backups/2/delete", "totpflow_code", p.phone.WrongCode())
	}
	p.is(http.StatusTooManyRequests, "/backups/2/delete", "Delete backup")
	first, second := p.phone.Pair()
	p.Page.Submit("/backups/2/delete", "totpflow_code", first, "totpflow_code2", second)
	p.is(http.StatusOK, "/backups/2/delete", "Deleted")
}

// A person who has only a phone has no code to show, and is told what to do: neither a
// code by phone nor the password is enough.
func TestStepUpNeedsAnApp(t *testing.T) {
	s := newSite(t)
	p := s.byPhone("sms")
	p.password(ana)
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	require.Equal(t, "/", p.Page.Path)
	p.Post("/backups/42/delete", "note", "x", "totpflow_password", password)
	p.is(http.StatusForbidden, "/backups/42/delete", "Delete backup")
	require.Empty(t, s.deleted)
	p.Post("/backups/42/delete", "note", "x")
	p.is(http.StatusForbidden, "/backups/42/delete", "Delete backup")
	require.Contains(t, p.Page.Links(), "/2fa/setup")
	require.NotContains(t, p.Page.Actions(), "/backups/42/delete")
	p.Post("/backups/42/delete", "totpflow_code", "123456")
	require.Equal(t, http.StatusForbidden, p.Page.Status)
	require.Empty(t, s.deleted)
}

// A person without a second factor is asked for the password: otherwise, from the day on
// which a product mounts the pages, its customers could delete nothing.
func TestStepUpByPassword(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ben)
	require.Equal(t, "/", p.Page.Path)
	p.Get("/backups/42")
	p.Page.Submit("/backups/42/delete")
	p.is(http.StatusForbidden, "/backups/42/delete?why=test", "Delete backup")
	require.Contains(t, p.Page.Text("main"), "Enter your password once more")
	require.Empty(t, s.deleted)

	for _, wrong := range []string{"", "not the password"} {
		p.Page.Submit("/backups/42/delete", "totpflow_password", wrong)
		p.is(http.StatusUnauthorized, "/backups/42/delete?why=test", "Delete backup")
		require.Contains(t, p.Page.Text("error"), "The password is not right.")
		require.Empty(t, s.deleted)
	}
	p.Page.Submit("/backups/42/delete", "totpflow_password", password)
	p.is(http.StatusOK, "/backups/42/delete?why=test", "Deleted")
	require.Equal(t, []string{"42 copy=1&copy=2&note=a+%26+b"}, s.deleted, "the fields of before, and none of ours")

	// A change of factors has no form for a password: it requires a code.
	p.Post("/2fa/security/add")
	require.Equal(t, http.StatusForbidden, p.Page.Status)
	require.NotContains(t, p.Page.HTML, "totpflow_password")
	p.Post("/2fa/security/add", "totpflow_password", password)
	require.Equal(t, http.StatusForbidden, p.Page.Status)
}

// A host that cannot check a password lets nobody do anything.
type unchecking struct{ web.Host }

func (unchecking) CheckPassword(context.Context, totpflow.AccountID, string) error {
	return errors.New("the directory is down")
}

func TestStepUpWithoutAnAnswer(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Host = unchecking{c.Host} })
	p := s.browser()
	p.password(ben)
	p.Post("/backups/42/delete", "totpflow_password", password)
	require.Equal(t, http.StatusServiceUnavailable, p.Page.Status)
	require.Empty(t, s.deleted)
}

// The password is not enough for a person who has an app.
func TestStepUpByPasswordOnlyWithoutAFactor(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	p.Post("/backups/42/delete", "totpflow_password", password)
	p.is(http.StatusForbidden, "/backups/42/delete", "Delete backup")
	require.Contains(t, p.Page.Text("main"), "Enter the code")
	require.Empty(t, s.deleted)
}

// Before the code, the page of an action says what the action ends: which authenticators, and
// where the person has to enter a code or to sign in again.
func TestStepUpSaysWhatEnds(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	ends := func(form string) string {
		t.Helper()
		p.Get("/2fa/security")
		p.Page.Submit(form)
		require.Equal(t, http.StatusForbidden, p.Page.Status)
		return p.Page.Text("ends")
	}
	const after = "Browsers that you trusted will ask for a code again, and you are signed out everywhere else."
	require.Equal(t, "“Authenticator” works until you have entered a code of the new one. Then it stops working, and so do recovery codes that you had. "+after, ends("/2fa/security/replace"))
	require.Empty(t, ends("/2fa/security/add"))
	require.Contains(t, ends("/2fa/security/disable"), "Trusted browsers and recovery codes stop working")
	require.Contains(t, ends("/2fa/security/recovery-codes"), "the old ones stop working")
	require.Contains(t, p.Get("/2fa/security").Text("main"), "Then it stops working, and so do recovery codes that you had. "+after)

	p.Page.Submit("/2fa/security/add")
	p.Page.Submit("/2fa/security/add", "totpflow_code", p.phone.Code())
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code(), "name", "Tablet")
	require.Contains(t, ends("/2fa/security/replace"), "Next you choose which of “Authenticator” and “Tablet” the new one replaces.")
	require.Contains(t, ends("/2fa/security/remove/*"), "Its codes and trusted browsers stop working at once")
	require.Contains(t, p.Get("/2fa/security").Text("main"), "Then those that you chose stop working, and so do recovery codes that you had. "+after)

	p.Page.Submit("/2fa/security/replace")
	p.Page.Submit("/2fa/security/replace", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Which authenticator do you want to replace?")
	require.Contains(t, p.Page.Text("main"), "Recovery codes that you had stop working then")
	p.Page.Submit("/2fa/setup/which", "goes", "all")
	require.Contains(t, p.Page.Text("main"), "“Authenticator” and “Tablet” stop working, and so do recovery codes that you had")
	p.Get("/backups/7")
	p.Page.Submit("/backups/7/delete?why=test")
	require.Empty(t, p.Page.Text("ends"), "a host's action")
}
