package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/policy"
)

// code is the one of the newest message.
func (s *site) code() string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.texts)
	return s.texts[len(s.texts)-1].Code.Digits()
}

const methods = policy.App | policy.RecoveryCodes | policy.Phone

// A person without a smartphone sets up a number instead, and signs in by it.
func TestPhoneInPlaceOfAnApp(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
	p := s.browser()
	p.Header.Set("Accept-Language", "en")
	p.Get("/backups/42")
	p.password(ana)
	require.Contains(t, p.Page.Links(), "/2fa/phone")
	p.Get("/2fa/phone")
	p.is(http.StatusOK, "/2fa/phone", "Set up a phone")
	p.Page.Submit("/2fa/phone", "number", "0660 1234567", "via", "sms")
	p.is(http.StatusBadRequest, "/2fa/phone", "Set up a phone")
	require.Equal(t, "0660 1234567", p.Page.Fields("/2fa/phone").Get("number"))
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	p.is(http.StatusOK, "/2fa/phone", "Enter the code from your phone")
	p.Page.Submit("/2fa/phone/confirm", "phone_code", "000000")
	p.is(http.StatusForbidden, "/2fa/phone/confirm", "Enter the code from your phone")
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.is(http.StatusOK, "/backups/42", "Backup 42")

	s.clock.Advance(time.Minute)
	p.password(ana)
	p.is(http.StatusOK, "/2fa/phone-code", "Have a code sent")
	p.Header.Set("Accept-Language", "de")
	p.Page.Submit("/2fa/phone-code/send", "via", "voice")
	require.Equal(t, "de", s.texts[len(s.texts)-1].Language)
	require.Equal(t, "{code} ist Ihr Code für Acme Backup. Niemand, der Ihnen hilft, fragt danach.", s.texts[len(s.texts)-1].Sentence)
	p.Header.Set("Accept-Language", "en")
	p.Get(p.Page.Path)
	p.is(http.StatusOK, p.Page.Path, "Enter the code from your phone")
	p.Page.Submit("/2fa/phone-code", "phone_code", "000000")
	require.Equal(t, "voice", p.Page.Fields("/2fa/phone-code").Get("via"))
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	p.Get("/2fa/security")
	require.Equal(t, "By phone", p.Page.Text("state"))
}

// Beside an app a number is added by a code of the app, which is asked for after
// the number.
func TestPhoneBesideAnApp(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods})
	p := s.signedIn()
	s.clock.Advance(time.Minute)
	p.Get("/2fa/phone")
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	p.is(http.StatusForbidden, "/2fa/phone", "Add a phone")
	p.Page.Submit("/2fa/phone", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/phone", "Enter the code from your phone")
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Len(t, p.Page.Texts("phone"), 1)
	p.Page.Submit("/2fa/security/remove-phone/*")
	p.is(http.StatusForbidden, p.Page.Path, "Remove the phone")
	p.Page.Submit("/2fa/security/remove-phone/*", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Empty(t, p.Page.Texts("phone"))
}
