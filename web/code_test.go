package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
)

// A person whose app was reset and whose recovery codes were not is told so, and that a
// set-up follows.
func TestRecoveryCodeAfterAReset(t *testing.T) {
	s := newSite(t)
	p, codes := s.user(ana)
	p.password(ana)
	p.Get("/2fa/recovery")
	require.Contains(t, p.Page.Text("what"), "Enter one of the codes from the sheet that you saved")
	require.Equal(t, "Sign in", p.Page.Text("button"))

	s.policy.set(policy.Policy{Mode: policy.Required, IssuedCode: true})
	_, err := admin.New(s.service, nil).Reset(t.Context(), operator, ana.ID, admin.ScopeAuthenticators)
	require.NoError(t, err)
	p = s.browser()
	p.password(ana)
	p.is(http.StatusOK, "/2fa/recovery", "Use a recovery code")
	require.Contains(t, p.Page.Text("what"), "Your two-factor authentication was reset")
	require.Contains(t, p.Page.Text("main"), "Afterwards you set up two-factor authentication again.")
	require.Equal(t, "Continue to the set-up", p.Page.Text("button"))
	p.Page.Submit("/2fa/recovery", "recovery_code", codes[0])
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
}

// A person who has only a phone was not reset, and can still choose the phone.
func TestIssuedCodeInsteadOfAPhone(t *testing.T) {
	s := newSite(t)
	p := s.byPhone("sms")
	s.issue(ana)
	p.password(ana)
	p.Get("/2fa/issued")
	p.is(http.StatusOK, "/2fa/issued", "Use the recovery code from the mail")
	require.NotContains(t, p.Page.Text("main"), "was reset")
	require.Contains(t, p.Page.Links(), "/2fa/phone-code")
}
