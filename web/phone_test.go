package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// code returns that of the newest message.
func (s *site) code() string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.texts)
	return s.texts[len(s.texts)-1].Code.Digits()
}

// wrongCode returns a code that was not sent last.
func (s *site) wrongCode() string {
	s.t.Helper()
	if s.code() == "123456" {
		return "654321"
	}
	return "123456"
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
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.wrongCode())
	p.is(http.StatusForbidden, "/2fa/phone/confirm", "Enter the code from your phone")
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.is(http.StatusOK, "/backups/42", "Backup 42")
	require.Equal(t, "Your phone is set up. From now on a code can be sent to it when you sign in.", p.Page.Texts("done")[0], "on the host's page")
	p.Get("/2fa/security")
	require.Empty(t, p.Page.Texts("done"), "once")

	s.clock.Advance(time.Minute)
	p.password(ana)
	p.is(http.StatusOK, p.Page.Path, "Enter the code from your phone")
	s.clock.Advance(time.Minute)
	p.Header.Set("Accept-Language", "de")
	p.Page.Submit("/2fa/phone-code/send", "via", "voice")
	require.Equal(t, "de", s.texts[len(s.texts)-1].Language)
	require.Equal(t, "Ihr Code ist {code}. Er ist für Acme Backup. Niemand, der Ihnen hilft, fragt danach.", s.texts[len(s.texts)-1].Sentence)
	p.Header.Set("Accept-Language", "en")
	p.Get(p.Page.Path)
	p.is(http.StatusOK, p.Page.Path, "Enter the code from your phone")
	p.Page.Submit("/2fa/phone-code", "phone_code", s.wrongCode())
	require.Equal(t, "voice", p.Page.Fields("/2fa/phone-code").Get("via"))
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	p.Get("/2fa/security")
	require.Equal(t, "By phone", p.Page.Text("state"))
}

// The mail about a number that an administrator chose links to the page of the number. A person
// who has to sign in first reaches that page also where a set-up is due, and does not come back
// to it afterwards.
func TestLinkToAChosenNumber(t *testing.T) {
	for name, p := range map[string]policy.Policy{
		"required": {Mode: policy.Required},
		"grace":    {Mode: policy.Required, Grace: 14 * 24 * time.Hour},
		"optional": {Mode: policy.Optional},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			p.Methods, p.AssignedPhones = methods, true
			s.policy.set(p)
			number, err := phone.ParseNumber("+436601234567")
			require.NoError(t, err)
			_, err = admin.New(s.service, nil).AssignPhone(t.Context(), admin.Operator{Name: "root", Reason: "ticket 7"}, ana.ID, number)
			require.NoError(t, err)
			b := s.browser()
			b.Get("/2fa/phone")
			b.is(http.StatusOK, "/signin", "Sign in")
			b.password(ana)
			b.is(http.StatusOK, "/2fa/phone", "Set up a phone")
			require.Contains(t, b.Page.Text("main"), "Your administrator has chosen the number +43 ••• ••67")
			b.Page.Submit("/2fa/phone", "via", "sms")
			b.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
			b.is(http.StatusOK, "/2fa/security", "Security")
			require.Contains(t, b.Page.Text("main"), "Your phone is set up.")

			other := s.browser() // no number is chosen: the app's set-up comes, as before
			other.Get("/2fa/phone")
			other.password(ben)
			require.Equal(t, map[bool]string{true: "/2fa/setup", false: "/2fa/security"}[p.Mode == policy.Required], other.Page.Path)
		})
	}
}

// A code that could not be sent is not described: the one before it is still the one to enter.
func TestCodeThatWasNotSent(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/phone")
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "voice")
	p.Page.Submit("/2fa/phone/send", "via", "sms")
	require.Contains(t, p.Page.Text("error"), "Another code can be sent in")
	require.Contains(t, p.Page.Text("what"), "A call to")
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())

	s.clock.Advance(time.Minute)
	p.password(ana)
	p.Page.Submit("/2fa/phone-code/send", "via", "sms")
	require.Contains(t, p.Page.Text("error"), "Another code can be sent in")
	require.Contains(t, p.Page.Text("what"), "You get a call")
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	p.Get("/2fa/security")
	require.NotContains(t, p.Page.Text("main"), "Trusted browsers", "a phone trusts none")
}

// While a number is being set up, another code can be sent, the same way or the other one.
// The newest one is the one to enter.
func TestAnotherCodeForANewNumber(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/phone")
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	older := s.code()
	for i, next := range []struct {
		via  phone.Via
		what string
	}{{phone.SMS, "An SMS to"}, {phone.Voice, "A call to"}} {
		s.clock.Advance(2 * time.Minute)
		p.Page.Submit("/2fa/phone/send", "via", string(next.via))
		p.is(http.StatusOK, "/2fa/phone", "Enter the code from your phone")
		require.Empty(t, p.Page.Text("error"))
		require.Contains(t, p.Page.Text("what"), next.what)
		require.Len(t, s.texts, i+2)
		require.Equal(t, next.via, s.texts[i+1].Via)
	}
	if older != s.code() {
		p.Page.Submit("/2fa/phone/confirm", "phone_code", older)
		p.is(http.StatusForbidden, "/2fa/phone/confirm", "Enter the code from your phone")
	}
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// The code that was sent before stays the one to enter, with its phone, where another could
// not be sent: to a second phone, or because a phone was added after the page was opened.
func TestCodeThatWasNotSentToAnotherPhone(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods})
	p, _ := s.user(ana)
	p.addPhones("+43 660 1234567", "+43 660 7654321")
	s.clock.Advance(time.Minute)
	p.password(ana)
	p.Get("/2fa/phone-code")
	phones := p.Page.Options("phone")
	p.Post("/2fa/phone-code/send", "via", "sms") // as from a page that was opened when there was one
	require.Contains(t, p.Page.Text("error"), "Choose the phone that gets the code.")
	require.NotContains(t, p.Page.Actions(), "/2fa/phone-code", "no code was sent")

	p.Page.Submit("/2fa/phone-code/send", "phone", phones[0], "via", "voice")
	require.Contains(t, p.Page.Text("what"), "You get a call")
	p.Page.Submit("/2fa/phone-code/send", "phone", phones[1], "via", "sms")
	require.Contains(t, p.Page.Text("error"), "Another code can be sent in")
	require.Contains(t, p.Page.Text("what"), "You get a call")
	require.Equal(t, phones[0], p.Page.Fields("/2fa/phone-code").Get("phone"))
	require.Equal(t, phones[1], p.Page.Fields("/2fa/phone-code/send").Get("phone"))
}

// A number is pending although no code could be sent to it, and the page says so.
func TestNoCodeWasSent(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/phone")
	s.sending = phone.ErrUnavailable
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	require.Contains(t, p.Page.Text("what"), "No code was sent to +43 ••• ••67 yet.")
}

// A person with an app adds a number by a code of the app, which is asked for after the
// number.
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
	require.Contains(t, p.Page.Text("ends"), "browsers that you trusted will ask for a code again, and you are signed out everywhere else.")
	p.is(http.StatusForbidden, p.Page.Path, "Remove the phone")
	p.Page.Submit("/2fa/security/remove-phone/*", "totpflow_code", p.phone.Code())
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Empty(t, p.Page.Texts("phone"))
}

// byPhone sets up only a phone.
func (s *site) byPhone(via string) *person {
	s.t.Helper()
	s.policy.set(policy.Policy{Mode: policy.Required, Methods: methods})
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/phone")
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", via)
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	s.clock.Advance(time.Minute)
	return s.browser()
}

// sent counts the messages.
func (s *site) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

// If a phone is the only method, the code is sent right after the password: once, not
// when the page is loaded again, and within the limits.
func TestCodeIsSentByItself(t *testing.T) {
	s := newSite(t)
	p := s.byPhone("sms")
	before := s.sent()
	p.password(ana)
	p.is(http.StatusOK, p.Page.Path, "Enter the code from your phone")
	require.Equal(t, before+1, s.sent())
	require.Equal(t, phone.SMS, s.texts[before].Via)
	for range 3 {
		p.Get(p.Page.Path)
		p.Get("/2fa/phone-code")
		p.Get("/2fa/code")
	}
	require.Equal(t, before+1, s.sent(), "loading a page sends nothing")

	q := s.browser() // another try at once: the limit of an account
	q.password(ana)
	q.is(http.StatusOK, "/2fa/phone-code", "Have a code sent")
	require.Contains(t, q.Page.Text("main"), "A code was sent to your phone a moment ago")
	require.Equal(t, before+1, s.sent())

	p.Get("/2fa/phone-code?via=sms")
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")

	s.clock.Advance(time.Hour)
	s.sending = phone.ErrProvider
	q.password(ana)
	q.is(http.StatusOK, "/2fa/phone-code", "Have a code sent")
	require.Contains(t, q.Page.Text("main"), "No code could be sent just now.")
}

// A number that was verified by a call is called: a landline receives no SMS. The other
// method stays available.
func TestLandlineIsCalled(t *testing.T) {
	s := newSite(t)
	p := s.byPhone("voice")
	p.password(ana)
	p.is(http.StatusOK, p.Page.Path, "Enter the code from your phone")
	require.Equal(t, phone.Voice, s.texts[len(s.texts)-1].Via)
	require.Equal(t, "Your code is {code}. It is for Acme Backup. Nobody who helps you will ask you for it.", s.texts[len(s.texts)-1].Sentence)
	s.clock.Advance(time.Minute)
	p.Page.Submit("/2fa/phone-code/send", "via", "sms")
	require.Equal(t, phone.SMS, s.texts[len(s.texts)-1].Via)
	p.Page.Submit("/2fa/phone-code", "phone_code", s.code())
	p.is(http.StatusOK, "/", "Home of ana@acme.example")

	s.pages.Calls = false // the product no longer calls
	s.clock.Advance(time.Hour)
	before := s.sent()
	q := s.browser()
	q.password(ana)
	q.is(http.StatusOK, "/2fa/phone-code", "Have a code sent")
	require.Equal(t, before, s.sent())
}

// A person with an app is asked for its code, and no message is sent unasked.
func TestNothingIsSentBesideAnApp(t *testing.T) {
	s := newSite(t)
	s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods})
	p := s.signedIn()
	p.Get("/2fa/phone")
	p.Page.Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	p.Page.Submit("/2fa/phone", "totpflow_code", p.phone.Code())
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	s.clock.Advance(time.Minute)
	before := s.sent()
	s.browser().password(ana)
	require.Equal(t, before, s.sent())
}

// Phones fill in the code only on the product's site. The name of the site does not come
// from the request: otherwise somebody who knows a password could have the code bound to
// a look-alike.
func TestCodeIsBoundToTheSite(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Domain = "backup.example" })
	p := s.byPhone("sms")
	p.password(ana)
	require.Regexp(t, `\n@backup\.example #[0-9]{6}$`, s.texts[len(s.texts)-1].Text())
	require.Empty(t, newSite(t).pages.Domain)
	for _, bad := range []string{"Backup.example", "backup.example:8443", "https://backup.example", "-x.example", "a b"} {
		require.ErrorIs(t, try(t, func(c *web.Config) { c.Domain = bad }), web.ErrConfig, bad)
	}
}

// Programs get the same behaviour, and the answer tells them that a code is on its way.
func TestCodeIsSentByItselfToPrograms(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })
	s.byPhone("voice")
	enter := func() map[string]any {
		_, a := s.api(http.MethodPost, "/api/signin", map[string]any{"email": ana.Name, "password": password})
		return a
	}
	inHalfAMinute := func() string { // the second of a send is rounded up
		return s.clock.Now().UTC().Add(31*time.Second - time.Nanosecond).Truncate(time.Second).Format(time.RFC3339)
	}
	got := enter()
	require.Equal(t, map[string]any{"to": "+43 ••• ••67", "via": "voice", "again": inHalfAMinute()}, got["sent"])
	again := enter()
	require.NotContains(t, again, "sent")
	require.Equal(t, "code_required", again["error"])

	s.pages.Calls = false // the product no longer calls
	s.clock.Advance(time.Hour)
	asked := enter()
	send := map[string]any{"challenge": asked["challenge"], "phone": asked["phones"].([]any)[0].(map[string]any)["id"], "via": "voice"}
	_, got = s.api(http.MethodPost, "/2fa/api/phone-code", send)
	require.Equal(t, "via", got["reason"])
	send["via"] = "sms" // at once: the refused call was not counted
	status, got := s.api(http.MethodPost, "/2fa/api/phone-code", send)
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, map[string]any{"to": "+43 ••• ••67", "via": "sms", "again": inHalfAMinute()}, got)
}
