package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/internal/spellings"
)

func TestSignInWithPasswordAlone(t *testing.T) {
	b := newSite(t).browser()
	b.get("/").redirects("/signin")
	b.get("/signin").is(http.StatusOK).says(`name="email"`, `name="password"`, `autocomplete="current-password"`)
	b.password(admin).redirects("/")
	b.get("/").is(http.StatusOK).says("files-01", "Set up two-factor authentication")
	require.Equal(t, "Disabled", b.get("/security").is(http.StatusOK).text("state"))
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

func TestSignInWithCode(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	b.get("/code").is(http.StatusOK).
		says(`autocomplete="one-time-code"`, `inputmode="numeric"`, `name="trust"`, "Trust this browser", "30 days").
		says("Lost or changed your phone?", "/recovery").
		lacks(`name="code2"`)
	b.post("/code", "code", phone.Code()).redirects("/")
	b.get("/").is(http.StatusOK).says("ana-laptop").lacks("files-01")
}

// Between the password and the code nothing in the browser opens a page.
func TestNoSessionBeforeTheSecondStep(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	require.Nil(t, b.cookie("session"))
	for _, path := range []string{"/", "/security"} {
		b.get(path).redirects("/signin")
	}
	for _, path := range []string{"/security/replace", "/security/disable", "/security/recovery-codes", "/security/recovery-codes/saved", "/security/browsers/revoke-all"} {
		b.post(path, "code", phone.Peek()).redirects("/signin")
	}
	b.post("/setup/password", "password", ana.Password).redirects("/signin")
	b.get("/setup").redirects("/signin") // the challenge asks for a code, it does not lead to an enrollment
	require.Nil(t, b.cookie("session"))
	b.get("/code").is(http.StatusOK) // and the sign-in is still under way
}

// A person who planted a session in the browser beforehand does not share the one
// that begins.
func TestSessionIsRenewedAtSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(admin).redirects("/")
	planted := b.cookie("session")
	b.password(ana).redirects("/")
	require.NotEqual(t, planted.Value, b.cookie("session").Value)

	thief := s.browser()
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	thief.jar.SetCookies(u, []*http.Cookie{planted})
	thief.get("/").redirects("/signin")
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	kept := b.cookie("session")
	b.post("/signout").redirects("/signin")
	b.get("/signin").says("You are signed out.")
	b.get("/signin").lacks("You are signed out.")
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	b.jar.SetCookies(u, []*http.Cookie{kept}) // as if somebody had copied it
	b.get("/").redirects("/signin")
}

func TestCodePageWithoutSignIn(t *testing.T) {
	b := newSite(t).browser()
	for _, path := range []string{"/code", "/recovery", "/setup"} {
		b.get(path).redirects("/signin")
		b.post(path, "code", "123456", "recovery_code", "0000-0000-0000-0000").redirects("/signin")
	}
}

func TestSignInExpires(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	s.clock.Advance(11 * time.Minute)
	b.post("/code", "code", phone.Code()).redirects("/signin")
	b.get("/signin").says("Your sign-in took too long")
	b.get("/code").redirects("/signin")
}

func TestRefusedCodesSayWhy(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	code := phone.Code()
	other := s.browser()
	other.password(ana)
	other.post("/code", "code", code).redirects("/")

	b := s.browser()
	b.password(ana).redirects("/code")
	b.post("/code", "code", code).is(http.StatusForbidden).says("has been used already", `role="alert"`)
	b.post("/code", "code", "hello").is(http.StatusForbidden).says("A code has 6 digits")
	b.post("/code").is(http.StatusForbidden).says("A code has 6 digits")
	b.post("/code", "code", phone.WrongCode()).is(http.StatusForbidden).says("This code is not right", `aria-describedby="what error"`)
	b.post("/recovery", "recovery_code", "nonsense").is(http.StatusForbidden).says("16 letters and digits")
	b.post("/recovery", "recovery_code", "0000-0000-0000-0000").is(http.StatusForbidden).says("This recovery code is not right")
	b.get("/").redirects("/signin")
}

// After five wrong codes the owner gets in with two in a row.
func TestWaitingAndTwoCodesInARow(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	for range 5 {
		b.post("/code", "code", phone.WrongCode()).is(http.StatusForbidden)
	}
	refused := b.post("/code", "code", phone.Code()).is(http.StatusTooManyRequests).
		says("Too many wrong codes", "again in", "seconds", `name="code2"`, "Enter the current code, wait for the next one, enter that as well.")
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	b.get("/code").is(http.StatusOK).says("Too many wrong codes", `name="code2"`)

	first, second := phone.Pair()
	b.post("/code", "code", second, "code2", first).is(http.StatusForbidden)
	first, second = phone.Pair()
	b.post("/code", "code", first, "code2", second).redirects("/")
	b.get("/").is(http.StatusOK)
}

// Recovery codes have a counter of their own, which leaves the app's code open.
func TestTooManyRecoveryCodes(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	for range 10 {
		b.post("/recovery", "recovery_code", "0000-0000-0000-0000").is(http.StatusForbidden)
	}
	b.post("/recovery", "recovery_code", "0000-0000-0000-0000").is(http.StatusTooManyRequests).says("Try again in 60 minutes")
	b.post("/code", "code", phone.Code()).redirects("/")
}

func TestTrustedBrowser(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.signIn(ana, phone, "trust", "yes")
	require.NotNil(t, b.cookie("trust"))
	b.get("/security").says("Firefox on Linux")

	b.post("/signout").redirects("/signin")
	b.password(ana).redirects("/")
	b.get("/").is(http.StatusOK)

	s.clock.Advance(31 * 24 * time.Hour)
	b.post("/signout")
	b.password(ana).redirects("/code")
}

func TestUntickedBrowserIsNotTrusted(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.signIn(ana, phone)
	require.Nil(t, b.cookie("trust"))
	b.post("/signout")
	b.password(ana).redirects("/code")
}

func TestTwoUsersTrustOneBrowser(t *testing.T) {
	s := newSite(t)
	anasPhone, _ := s.browser().enroll(ana)
	adminsPhone, _ := s.browser().enroll(admin)
	b := s.browser()
	b.signIn(ana, anasPhone, "trust", "yes")
	b.post("/signout")
	b.password(admin).redirects("/code") // ana's trust is not the administrator's
	b.post("/code", "code", adminsPhone.Code(), "trust", "yes").redirects("/")
	b.post("/signout")

	b.password(ana).redirects("/")
	b.get("/").says("Good to see you, Ana Soler.")
	b.post("/signout")
	b.password(admin).redirects("/")
	b.get("/").says("Good to see you, Alex Winter.")
}

func TestRecoverySignIn(t *testing.T) {
	s := newSite(t)
	old, codes := s.browser().enroll(ana)
	trusting := s.browser()
	trusting.signIn(ana, old, "trust", "yes")

	b := s.browser()
	b.password(ana).redirects("/code")
	b.get("/recovery").is(http.StatusOK).says(`name="recovery_code"`)
	b.post("/recovery", "recovery_code", strings.ToLower(codes[3])).redirects("/")
	b.get("/").says("Set up your new phone", "9 are left", `href="/setup"`)
	phone := b.phone(b.get("/setup").is(http.StatusOK).says("stops working"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).codes()
	b.get("/").is(http.StatusOK).lacks("Set up your new phone")

	trusting.post("/signout")
	trusting.password(ana).redirects("/code") // a recovery code ends the trust in browsers
	trusting.post("/code", "code", old.Code()).is(http.StatusForbidden)
	trusting.post("/code", "code", phone.Code()).redirects("/")

	used := s.browser()
	used.password(ana)
	used.post("/recovery", "recovery_code", codes[3]).is(http.StatusForbidden)
	used.post("/recovery", "recovery_code", codes[4]).is(http.StatusForbidden) // of the old sheet
}

// The proof of a recovery sign-in lasts five minutes. Later the security page
// asks for a code again, and takes a recovery code.
func TestRecoverySignInAndALongPause(t *testing.T) {
	s := newSite(t)
	_, codes := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana)
	b.post("/recovery", "recovery_code", codes[0]).redirects("/")
	s.clock.Advance(6 * time.Minute)
	b.get("/setup").redirects("/security")
	b.post("/security/replace", "code", codes[1]).redirects("/setup")
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
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
		r, err := http.NewRequest(http.MethodPost, s.url+"/signout", nil)
		require.NoError(t, err)
		r.Header = header
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
	for _, a := range []answer{b.password(ana), b.post("/code", "code", phone.Code(), "trust", "yes"), b.post("/signout")} {
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

// The clock's edge: a code of the same half minute works only once, in
// whatever browser.
func TestCodeIsSpentAcrossBrowsers(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	one, two := s.browser(), s.browser()
	one.password(ana).redirects("/code")
	two.password(ana).redirects("/code")
	code := phone.Code()
	one.post("/code", "code", code).redirects("/")
	two.post("/code", "code", code).is(http.StatusForbidden)
}

// One browser, one person at a time: who signs in over another's open session
// ends it, and finds nothing of it, whether they get to the end or not.
func TestSigningInOverAnothersSession(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(admin)
	b := s.browser()
	b.password(ana).redirects("/")
	b.get("/setup").is(http.StatusOK)
	b.password(admin).redirects("/code")
	b.get("/").redirects("/signin")
	b.get("/setup").redirects("/signin")
}

// A code is accepted in every spelling, as one step; a text that is not a code is not
// counted, and the page explains what a code is.
func TestSpellingsOfACode(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	used := ""
	for i := range spellings.OfCode("123456") {
		b := s.browser()
		b.password(ana).redirects("/code")
		if used != "" {
			b.post("/code", "code", spellings.OfCode(used)[i]).is(http.StatusForbidden).says("used already")
		}
		used = phone.Code()
		for _, bad := range spellings.NotOfCode(used) {
			b.post("/code", "code", bad).is(http.StatusForbidden).says("A code has 6 digits.")
		}
		b.post("/code", "code", spellings.OfCode(used)[i]).redirects("/")
	}
}

// So is a recovery code.
func TestSpellingsOfARecoveryCode(t *testing.T) {
	s := newSite(t)
	_, codes := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	for range 5 { // more than may be wrong
		for _, bad := range spellings.NotOfRecoveryCode(codes[0]) {
			b.post("/recovery", "recovery_code", bad).is(http.StatusForbidden).says("16 letters and digits")
		}
	}
	b.post("/recovery", "recovery_code", spellings.OfRecoveryCode(codes[0])[2]).redirects("/")
	b = s.browser()
	b.password(ana).redirects("/code")
	for _, again := range spellings.OfRecoveryCode(codes[0])[:8] {
		b.post("/recovery", "recovery_code", again).is(http.StatusForbidden).lacks("16 letters and digits")
	}
}

// A code form that was sent twice, as by a double click: the second answer leads on by
// the session that the first one began. Somebody else with the challenge is only asked
// to start again.
func TestCodeFormSentTwice(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.password(ana).redirects("/code")
	challenge := b.cookie("challenge")
	require.NotNil(t, challenge)
	code := phone.Code()
	b.post("/code", "code", code).redirects("/")
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	other := s.browser()
	for _, x := range []*browser{b, other} {
		x.jar.SetCookies(u, []*http.Cookie{challenge})
	}
	b.post("/code", "code", code).redirects("/")
	b.get("/").says("Good to see you")
	other.post("/code", "code", code).redirects("/signin")
	other.get("/").redirects("/signin")
}
