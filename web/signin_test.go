package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// The page that somebody asked for is the one that the sign-in leads to.
func TestDeepLinkSurvives(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.Get("/backups/42?tab=files")
	p.is(http.StatusOK, "/signin", "Sign in")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Enter your code")
	require.Equal(t, "Account: ana@acme.example", p.Page.Texts("account")[0])
	p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	p.is(http.StatusForbidden, "/2fa/code", "Enter your code")
	require.Contains(t, p.Page.Text("error"), "This code is not right.")
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.is(http.StatusOK, "/backups/42?tab=files", "Backup 42")
	p.password(ana) // again: the address was used
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

func TestRecoveryCodeLeadsToANewPhone(t *testing.T) {
	s := newSite(t)
	p, codes := s.user(ana)
	p.Get("/backups/42")
	p.password(ana)
	p.Get("/2fa/recovery")
	p.Page.Submit("/2fa/recovery", "recovery_code", codes[0])
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "You are signed in with a recovery code; 9 are left.")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
	require.Contains(t, p.Page.Text("main"), "The old “Authenticator” has stopped working. Earlier recovery codes no longer work.")
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// An organisation that requires the second factor leads to the enrollment before there is
// a session, says why and for whom, and offers a way out.
func TestForcedEnrollment(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required})
	p := s.browser()
	p.Get("/backups/42")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "Your organisation requires two-factor authentication for this account.")
	require.Equal(t, "Account: ana@acme.example", p.Page.Texts("account")[0])
	require.Contains(t, p.Page.Actions(), "/2fa/signout")
	p.Get("/backups/42")
	p.is(http.StatusOK, "/signin", "Sign in")
	p.Get("/2fa/setup")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

func TestTrustedBrowser(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.Get("/2fa/security")
	require.Len(t, p.Page.Texts("browser"), 1)
	p.Page.Submit("/2fa/signout")
	p.is(http.StatusOK, "/signin", "Sign in")
	p.password(ana)
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// A code that an administrator had sent leads to a new phone, and to nothing else.
func TestIssuedCode(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	s.reset(ana)
	p.Get("/backups/42")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/issued", "Use the recovery code from the mail")
	require.Contains(t, p.Page.Text("what"), "Your two-factor authentication was reset. To set it up again, you need the recovery code that your administrator sends", "none was sent yet")
	require.NotContains(t, p.Page.Text("main"), "new phone", "the person may have had none")
	p.Get("/2fa/setup")
	p.is(http.StatusOK, "/2fa/issued", "Use the recovery code from the mail")
	s.clock.Advance(25 * time.Hour)
	code := s.issue(ana)
	p.Get("/backups/42")
	p.password(ana)
	p.Page.Submit("/2fa/issued", "issued_code", code)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Contains(t, p.Page.Text("main"), "Your two-factor authentication was reset: what was set up before no longer works.")
	require.NotContains(t, p.Page.Text("main"), "Your organisation requires", "it does not: the policy is optional")
	require.NotContains(t, p.Page.Text("main"), "From now on", "it was so before")
	require.Equal(t, "/signin", p.Copy().Get("/").Path, "nobody is signed in yet")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	p.is(http.StatusOK, "/backups/42", "Backup 42")
}

// After too many wrong codes two consecutive ones are accepted, and the page says so.
func TestPair(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	s.clock.Advance(time.Minute)
	p.password(ana)
	for range 6 {
		p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	}
	p.is(http.StatusTooManyRequests, "/2fa/code", "Enter your code")
	require.NotEmpty(t, p.Page.Header.Get("Retry-After"))
	p.Get("/2fa/code")
	require.Contains(t, p.Page.Texts("wait")[0], "A single code is accepted again in")
	first, second := p.phone.Pair()
	p.Page.Submit("/2fa/code", "code", first, "code2", second)
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// The code of a weak imported secret leads to a new authenticator and begins no session.
func TestWeakSecret(t *testing.T) {
	s := newSite(t)
	const secret = "KRSXG5CTMVRXEZLU"
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(t, err)
	outcomes, err := admin.New(s.service, nil).Import(t.Context(), admin.Operator{Name: "root", Reason: "the move"}, []admin.Imported{{
		ID: ana.ID, Key: key, WeakUntil: s.now().Add(30 * 24 * time.Hour),
	}})
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err)
	p := s.browser()
	p.phone, err = totptest.TypeSecret(secret, s.clock)
	require.NoError(t, err)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	p.Get("/")
	p.is(http.StatusOK, "/signin", "Sign in")
	p.Get("/2fa/setup")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/setup", "Save your recovery codes")
}
