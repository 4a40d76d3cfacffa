package app_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

func TestVoluntarySetUp(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	page := b.get("/setup").is(http.StatusOK).
		says("date and time", "Google Authenticator", "Microsoft Authenticator", "Authy", "LastPass", "Aegis", "2FAS").
		says("For the account ana@acme.example").
		says("Save this set-up key", "sets up a new device later", `id="qr"`, `autocomplete="one-time-code"`, `inputmode="numeric"`)
	require.Regexp(t, `^[A-Z2-7]{4}( [A-Z2-7]{4}){7}$`, page.text("secret"))
	m := regexp.MustCompile(`src="data:image/png;base64,([^"]+)"`).FindStringSubmatch(page.body)
	require.NotNil(t, m)
	png, err := base64.StdEncoding.DecodeString(html.UnescapeString(m[1]))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(png), "\x89PNG"))

	phone := b.phone(page)
	require.Equal(t, "Acme Backup", phone.Label().Issuer)
	require.Equal(t, ana.Email, phone.Label().Account)
	typed, err := totptest.TypeSecret(page.text("secret"), s.clock)
	require.NoError(t, err)
	require.Equal(t, phone.Peek(), typed.Peek())

	b.post("/setup", "code", phone.WrongCode()).is(http.StatusForbidden).says("This code is not right", page.text("secret"))
	sheet := b.post("/setup", "code", phone.Code()).is(http.StatusOK).says("Save your recovery codes", page.text("secret"))
	codes := sheet.codes()

	// The download needs no script, and holds what the page shows.
	m = regexp.MustCompile(`href="data:text/plain;charset=utf-8,([^"]+)"`).FindStringSubmatch(sheet.body)
	require.NotNil(t, m)
	text, err := url.PathUnescape(html.UnescapeString(m[1]))
	require.NoError(t, err)
	for _, c := range codes {
		require.Contains(t, text, c)
	}

	// The session goes on, although those begun before have ended.
	require.Equal(t, "Active", b.get("/security").is(http.StatusOK).text("state"))
	require.Equal(t, "10", b.get("/security").text("recovery-codes-left"))
	b.get("/").says("You have not said that your recovery codes are saved")
	b.post("/security/recovery-codes/saved").redirects("/")
	b.get("/").lacks("You have not said")
	b.get("/setup").redirects("/security")
}

func TestSetUpEndsOtherSessions(t *testing.T) {
	s := newSite(t)
	other := s.browser()
	other.password(ana).redirects("/")
	s.clock.Advance(time.Minute)
	b := s.browser()
	b.enroll(ana)
	other.get("/").redirects("/signin")
	other.get("/signin").says("security settings of your account were changed")
	b.get("/").is(http.StatusOK)
}

func TestSetUpPageReloads(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana)
	secret := b.get("/setup").text("secret")
	require.Equal(t, secret, b.get("/setup").text("secret"))
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
	b.get("/setup").redirects("/security")
	b.post("/setup", "code", phone.Code()).redirects("/security") // the form sent twice
}

// Five minutes after the sign-in the password is asked for once more: a person who
// finds the session open cannot bind a phone of their own.
func TestLateSetUpAsksForThePassword(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana)
	s.clock.Advance(6 * time.Minute)
	b.get("/setup").is(http.StatusOK).says(`name="password"`).lacks(`id="secret"`)
	b.post("/setup", "code", "123456").is(http.StatusOK).lacks(`id="secret"`)
	b.post("/setup/password", "password", admin.Password).is(http.StatusUnauthorized).says("do not match")
	b.get("/setup").lacks(`id="secret"`)
	b.post("/setup/password", "password", ana.Password).redirects("/setup")
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).codes()
}

func TestSetUpExpires(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana)
	phone := b.phone(b.get("/setup"))
	s.clock.Advance(16 * time.Minute)
	b.post("/setup", "code", phone.Code()).lacks("recovery-code\"")
	require.Equal(t, "Disabled", b.get("/security").text("state"))
}

func TestWrongClock(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana)
	phone := b.phone(b.get("/setup"))
	for drift, says := range map[time.Duration]string{
		-4 * time.Minute: "Your device’s clock is about 4 minutes behind",
		2 * time.Hour:    "Your device’s clock is about 2 hours ahead",
	} {
		phone.SetDrift(drift)
		b.post("/setup", "code", phone.Peek()).is(http.StatusForbidden).says(says, "automatic")
	}
	phone.SetDrift(0)
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
}

func TestRequiredSetUp(t *testing.T) {
	s := newSite(t, require2FA)
	b := s.browser()
	b.password(ana).redirects("/setup")
	require.Nil(t, b.cookie("session"))
	b.get("/").redirects("/signin")
	b.get("/code").redirects("/setup")
	phone := b.phone(b.get("/setup").is(http.StatusOK))
	require.Nil(t, b.cookie("session"))
	b.post("/setup", "code", phone.WrongCode()).is(http.StatusForbidden)
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).codes()
	b.get("/").is(http.StatusOK)
	b.get("/security").says("cannot be turned off").lacks("/security/disable")
	b.post("/security/disable", "code", phone.Code()).is(http.StatusForbidden).says("cannot be turned off")
	require.Equal(t, "Active", b.get("/security").text("state"))

	b.post("/signout")
	b.password(ana).redirects("/code")
}

// A sign-in that demands an enrollment does not lead to the page that another
// person left open in this browser.
func TestSetUpOfAnotherPersonInTheSameBrowser(t *testing.T) {
	s := newSite(t, require2FA)
	b := s.browser()
	b.password(ana).redirects("/setup")
	secret := b.get("/setup").text("secret")
	b.password(admin).redirects("/setup")
	page := b.get("/setup")
	require.NotEqual(t, secret, page.text("secret"))
	phone := b.phone(page)
	require.Equal(t, admin.Email, phone.Label().Account)
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
	b.get("/").says("Alex Winter")
}

// An enrollment that runs out is begun again without the password, as long as the
// sign-in lives.
func TestRequiredSetUpBeginsAgain(t *testing.T) {
	s := newSite(t, require2FA)
	b := s.browser()
	b.password(ana)
	secret := b.get("/setup").text("secret")
	s.clock.Advance(11 * time.Minute) // the challenge is over, the page is not
	phone := b.phone(b.get("/setup"))
	require.Equal(t, secret, b.get("/setup").text("secret"))
	s.clock.Advance(5 * time.Minute)
	b.post("/setup", "code", phone.Code()).redirects("/signin")
	b.password(ana).redirects("/setup")
	require.NotEqual(t, secret, b.get("/setup").text("secret"))
}

// Sessions from before -require have to set up as well.
func TestRequireReachesOpenSessions(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	s.url = s.serve(require2FA)
	s.clock.Advance(time.Hour)
	b.get("/").redirects("/setup")
	b.get("/security").redirects("/setup")
	b.get("/setup").is(http.StatusOK).says(`name="password"`)
	b.post("/setup/password", "password", ana.Password).redirects("/setup")
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
	b.get("/").is(http.StatusOK)
}
