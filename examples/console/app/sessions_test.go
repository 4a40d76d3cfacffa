package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignInWithPasswordAlone(t *testing.T) {
	b := newSite(t).browser()
	b.get("/").redirects("/signin")
	b.get("/signin").is(http.StatusOK).says(`name="email"`, `name="password"`, `autocomplete="current-password"`)
	b.password(admin).redirects("/")
	b.get("/").is(http.StatusOK).says("files-01", "Set up two-factor authentication")
	require.Equal(t, "Off", b.get("/2fa/security").is(http.StatusOK).text("state"))
	b.get("/signin").redirects("/")
}

func TestWrongPasswordAndUnknownUserReadTheSame(t *testing.T) {
	b := newSite(t).browser()
	wrong := b.post("/signin", "email", "ana@acme.example", "password", "nope").is(http.StatusUnauthorized)
	unknown := b.post("/signin", "email", "bob@acme.example", "password", "nope").is(http.StatusUnauthorized)
	require.Equal(t, wrong.says("do not match").body, strings.ReplaceAll(unknown.body, "bob@", "ana@"))
	b.post("/signin").is(http.StatusUnauthorized)
	b.get("/").redirects("/signin")
	b.post("/signin", "email", " ANA@acme.example ", "password", ana.Password).redirects("/")
}

// Between the password and the code, nothing in the browser opens a page.
func TestNoSessionBeforeTheSecondStep(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/2fa/code")
	require.Nil(t, b.cookie("session"))
	for _, path := range []string{"/", "/2fa/security"} {
		b.get(path).redirects("/signin")
	}
	for _, path := range []string{"/2fa/security/replace", "/2fa/security/disable", "/2fa/security/recovery-codes", "/2fa/security/saved", "/2fa/security/revoke-all"} {
		b.post(path, "totpflow_code", phone.Peek()).out()
	}
	b.post("/2fa/setup/password", "password", ana.Password).out()
	b.get("/2fa/setup").redirects("/2fa/code") // a challenge for a code does not lead to an enrollment
	require.Nil(t, b.cookie("session"))
	b.get("/2fa/code").is(http.StatusOK) // and the sign-in is still under way
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	kept := b.cookie("session")
	b.post("/2fa/signout").redirects("/signin")
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	b.jar.SetCookies(u, []*http.Cookie{kept}) // as if somebody had copied it
	b.get("/").redirects("/signin")
}

func TestTwoUsersTrustOneBrowser(t *testing.T) {
	s := newSite(t)
	anasPhone, _ := s.browser().enroll(ana)
	adminsPhone, _ := s.browser().enroll(admin)
	b := s.browser()
	b.signIn(ana, anasPhone, "trust", "yes")
	b.post("/2fa/signout")
	b.password(admin).redirects("/2fa/code") // Ana's trust is not the administrator's
	b.post("/2fa/code", "code", adminsPhone.Code(), "trust", "yes").redirects("/")
	b.post("/2fa/signout")

	b.password(ana).redirects("/")
	b.get("/").says("Good to see you, Ana Soler.")
	b.post("/2fa/signout")
	b.password(admin).redirects("/")
	b.get("/").says("Good to see you, Alex Winter.")
}

func TestCrossOriginFormsAreRefused(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
	} {
		r, err := http.NewRequest(http.MethodPost, s.url+"/2fa/signout", nil)
		require.NoError(t, err)
		r.Header = header
		require.Equal(t, http.StatusForbidden, b.do(r).status, header)

		// Nor does it replace Ana's session with one for the choice of an account.
		form := url.Values{"email": {mika.Email}, "password": {mika.Password}}
		r, err = http.NewRequest(http.MethodPost, s.url+"/signin", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		r.Header = header.Clone()
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		require.Equal(t, http.StatusForbidden, b.do(r).status, header)
	}
	b.get("/").is(http.StatusOK)
}

func TestHeaders(t *testing.T) {
	b := newSite(t).browser()
	for _, path := range []string{"/signin", "/nowhere"} {
		h := b.get(path).header
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
		require.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	}
	css := b.get("/static/console.css").is(http.StatusOK)
	require.Contains(t, css.header.Get("Content-Type"), "text/css")
	b.get("/static/").is(http.StatusNotFound)
	b.get("/templates/layout.html").is(http.StatusNotFound).says("There is nothing at this address.")
}

func TestCookiesAreHostOnlyAndHidden(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	var seen int
	for _, a := range []answer{b.password(ana), b.post("/2fa/code", "code", phone.Code(), "trust", "yes"), b.post("/2fa/signout")} {
		for _, line := range a.header["Set-Cookie"] {
			c, err := http.ParseSetCookie(line)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(c.Name, "__Host-"), line)
			require.True(t, c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "", line)
			seen++
		}
	}
	require.Greater(t, seen, 4)
}

func TestStoreDown(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	s.db.Close()
	b.get("/").is(http.StatusServiceUnavailable).says("cannot reach our database").lacks("sql")
	fresh := s.browser()
	fresh.password(ana).is(http.StatusServiceUnavailable).lacks("sql")
}

// One browser, one person at a time: a sign-in over another person's open session ends
// that session, and finds nothing of it, whether the sign-in is completed or not.
func TestSigningInOverAnothersSession(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(admin)
	b := s.browser()
	b.password(ana).redirects("/")
	b.get("/2fa/setup").is(http.StatusOK)
	b.password(admin).redirects("/2fa/code")
	b.get("/").redirects("/signin")
	b.get("/2fa/setup").redirects("/2fa/code")
}

// People with sessions from before -require must set up too.
func TestRequireReachesOpenSessions(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	s.url = s.serve(require2FA)
	s.clock.Advance(time.Hour)
	b.get("/").is(http.StatusUnauthorized).says("Sign in")
	b.get("/2fa/security").out()
	b.password(ana).redirects("/2fa/setup")
	phone := b.phone(b.get("/2fa/setup"))
	b.post("/2fa/setup", "code", phone.Code()).is(http.StatusOK)
	b.get("/").is(http.StatusOK)
}

// A person who reads the database finds no session that they can use.
func TestDumpOpensNoSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	var token string
	require.NoError(t, s.db.QueryRow(`SELECT hex(key) FROM sessions`).Scan(&token))
	require.NotEqual(t, b.cookie("session").Value, strings.ToLower(token))
}
