package web_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
)

// The tests of docs/threats.md. Each row of its table names one of them.

// life is a whole life of an account in one browser: enrollment, a wrong code, a
// trusted browser, a recovery code, a new phone, changes, and the way out.
func life(t *testing.T, s *site) *person {
	t.Helper()
	s.policy.set(policy.Policy{Mode: policy.Optional, Methods: methods})
	p, _ := s.user(ana)
	p.Get("/backups/42?tab=files")
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.WrongCode())
	p.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.Get("/2fa/security").Submit("/2fa/security/recovery-codes")
	p.Page.Submit("/2fa/security/recovery-codes", "totpflow_code", p.phone.Code())
	codes := p.Page.Texts("recovery-code")
	require.Len(t, codes, 10)
	p.Get("/2fa/phone").Submit("/2fa/phone", "number", "+43 660 1234567", "via", "sms")
	p.Page.Submit("/2fa/phone", "totpflow_code", p.phone.Code())
	p.Page.Submit("/2fa/phone/confirm", "phone_code", s.code())
	p.Post("/backups/42/delete", "note", "x")
	p.Page.Submit("/backups/42/delete", "totpflow_code", p.phone.Code())
	p.Get("/2fa/security").Submit("/2fa/security/revoke-all")
	p.Page.Submit("/2fa/signout")
	p.password(ana)
	p.Get("/2fa/recovery").Submit("/2fa/recovery", "recovery_code", codes[0])
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Page.Submit("/2fa/security/saved")
	s.disown()
	p.Get("/2fa/security")
	require.Equal(t, http.StatusUnauthorized, p.Page.Status)
	return p
}

// RFC 6265bis §4.1.3.2: a __Host- cookie comes from no other host or path, and not over
// plain http. Scripts cannot read ours, and the form of another site is sent without
// them.
func TestCookies(t *testing.T) {
	s := newSite(t)
	life(t, s)
	names := map[string]bool{}
	for _, a := range s.answers {
		for _, line := range a.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			require.NoError(t, err)
			names[c.Name] = true
			require.True(t, strings.HasPrefix(c.Name, "__Host-"), c.Name)
			require.True(t, c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "", line)
			require.Less(t, len(line), 4096, "browsers drop longer ones")
			if c.Name != "__Host-session" {
				require.NotZero(t, c.MaxAge, "%s ends with what is in it", c.Name)
			}
		}
	}
	for _, name := range []string{"challenge", "who", "setup", "phone", "proof", "next", "notice"} {
		require.True(t, names["__Host-totpflow-"+name], name)
	}
}

// Two products on two ports of one host share its cookies: with a prefix of its own each
// leaves the other's sign-in alone.
func TestCookiesOfTwoProducts(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Cookies = "agent-2" })
	p, _ := s.user(ana)
	p.password(ana)
	for _, c := range p.Cookies() {
		require.NotContains(t, c.Name, "__Host-totpflow-")
	}
	for _, word := range []string{"A", "a b", "-a", strings.Repeat("a", 40), "a=b", "a\n"} {
		require.ErrorIs(t, try(t, func(c *web.Config) { c.Cookies = word }), web.ErrConfig, word)
	}
}

// posted returns the address of every form and every call, from the source of the routes,
// so that a new one is in the tests.
func posted(t *testing.T) (paths []string) {
	t.Helper()
	for file, prefix := range map[string]string{"web.go": "/2fa/", "api.go": "/2fa/api/"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\("POST ([^"]+)", h\.`).FindAllSubmatch(source, -1) {
			paths = append(paths, prefix+strings.ReplaceAll(string(m[1]), "{id}", "x"))
		}
	}
	require.Subset(t, paths, []string{"/2fa/code", "/2fa/security/end-sessions", "/2fa/security/revoke/x", "/2fa/api/setup/confirm"})
	return paths
}

// A form that a page of another site sends in a person's name does nothing, whatever it
// is; nor does a sign-in with somebody else's password.
func TestOtherOrigins(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Token = c.Host.(*memhost.Host).Token })
	p := s.signedIn()
	was := s.service.Account(ana)
	before, err := was.Status(t.Context())
	require.NoError(t, err)
	for _, headers := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}}, // of a browser without Sec-Fetch-Site
		{"Origin": {"null"}},
	} {
		for _, path := range append(posted(t), "/signin", "/password", "/backups/42/delete") {
			form := url.Values{"email": {ana.Name}, "password": {password}, "totpflow_code": {p.phone.Code()}, "code": {p.phone.Code()}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
			require.NoError(t, err)
			req.Header = headers.Clone()
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, c := range p.Cookies() { // as if SameSite did not keep them back
				req.AddCookie(c)
			}
			page := p.Do(req)
			require.Equal(t, http.StatusForbidden, page.Status, "%s %v", path, headers)
			if strings.HasPrefix(path, "/2fa/api/") {
				require.Contains(t, page.HTML, `"not_allowed"`, path)
				continue
			}
			require.Contains(t, page.Text("main"), "This came from a page of another site", path)
		}
	}
	after, err := was.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Empty(t, s.deleted)
	p.Get("/")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// A single sign-on that is trusted may post to the handler of the sign-in.
func TestTrustedOrigin(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.TrustedOrigins = []string{"https://idp.example"} })
	for origin, path := range map[string]string{"https://idp.example": "/", "https://evil.example": "/signin"} {
		p := s.browser()
		p.Header.Set("Origin", origin)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/signin", strings.NewReader(url.Values{"email": {ana.Name}, "password": {password}}.Encode()))
		require.NoError(t, err)
		req.Header = http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}, "Content-Type": {"application/x-www-form-urlencoded"}}
		require.Equal(t, path, p.Do(req).Path)
	}
	require.ErrorIs(t, try(t, func(c *web.Config) { c.TrustedOrigins = []string{"idp.example"} }), web.ErrConfig)
}

// The answer of a single sign-on comes from its own site, without the cookies of this
// one. A trusted browser is recognised on the page that follows.
func TestSingleSignOnFindsTheTrustedBrowser(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.TrustedOrigins = []string{"https://idp.example"} })
	p, _ := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.Get("/2fa/security").Submit("/2fa/signout")

	sso := s.browser() // the same browser, without the cookies, as when another site posts
	sso.Header.Set("Origin", "https://idp.example")
	sso.Post("/signin", "email", ana.Name, "password", password)
	sso.is(http.StatusOK, "/2fa/code", "Enter your code")
	p.keep("challenge", sso.cookie("challenge"))
	p.Get("/2fa/code")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	sso.Get("/2fa/code")
	require.NotEqual(t, http.StatusOK, sso.Page.Status, "the sign-in was used")
}

// A page is not cached, not disclosed to other sites, and not framed; it runs no scripts
// of others.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	life(t, s)
	for _, a := range s.answers {
		_, path, _ := strings.Cut(a.request, " ")
		if strings.HasPrefix(path, "/2fa/") || strings.Contains(path, "/delete") && a.header.Get("Content-Security-Policy") != "" {
			require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", a.request)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'", a.request)
			require.NotContains(t, a.header.Get("Content-Security-Policy"), "unsafe", a.request)
			require.Equal(t, "DENY", a.header.Get("X-Frame-Options"), a.request)
			require.Equal(t, "same-origin", a.header.Get("Referrer-Policy"), a.request)
			require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), a.request)
		}
		if !strings.HasPrefix(a.request, "GET /signin") { // the host's own page
			require.Equal(t, "no-store", a.header.Get("Cache-Control"), a.request)
		}
	}
}

// codeInAddress matches a parameter that has the form of a code, of an app or for
// recovery.
var codeInAddress = regexp.MustCompile(`=([0-9]{6,8}|[0-9A-Za-z]{4}(-[0-9A-Za-z]{4}){3})(&|$)`)

// No address contains a ticket or a code: addresses are in histories, logs and referrers.
// The one exception is the link of a mail, which can only end trust.
func TestAddressesHoldNoSecret(t *testing.T) {
	s := newSite(t)
	life(t, s)
	for _, a := range s.answers {
		for _, address := range []string{a.request, a.header.Get("Location")} {
			if strings.HasPrefix(a.request, "GET /2fa/not-me?event=") {
				continue
			}
			require.Less(t, len(address), 100, address)
			require.NotRegexp(t, codeInAddress, address)
		}
	}
}

// Session fixation: a cookie that somebody planted before the sign-in is worth nothing
// after it, at each point where a session begins.
func TestFixation(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	planted := p.Copy() // has the challenge, and is not signed in
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	before := p.Copy()
	require.Equal(t, "/signin", planted.Get("/").Path)

	s.clock.Advance(time.Minute)
	p.Get("/2fa/security").Submit("/2fa/security/replace")
	p.Page.Submit("/2fa/security/replace", "totpflow_code", p.phone.Code())
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	p.Get("/")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
	require.Equal(t, "/signin", before.Get("/").Path, "the session has a new token after the enrollment")
}

// A right password ends the session that the browser had, before the second step.
func TestPasswordEndsTheSession(t *testing.T) {
	s := newSite(t)
	p := s.signedIn()
	open := p.Copy()
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Enter your code")
	require.Equal(t, "/signin", open.Get("/").Path)
	require.Equal(t, "/signin", p.Get("/").Path)
}

// No link leads from a sign-in here to another site.
func TestOpenRedirects(t *testing.T) {
	s := newSite(t)
	q := s.browser()
	q.enroll(ben)
	for _, to := range []string{
		"//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "http:evil.example",
		"javascript:alert(1)", "///evil.example", "/%5c..//evil.example/..\\", "evil.example", "", "@evil.example", "/" + strings.Repeat("a", 3000), "\x00/", "/a\r\nSet-Cookie: x=y",
	} {
		p := s.browser()
		p.Post("/signin", "email", ana.Name, "password", password, "next", to)
		require.Equal(t, "/", p.Page.Path, "%q", to)

		p = s.browser()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/signin", strings.NewReader(url.Values{"email": {ana.Name}, "password": {password}}.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.AddCookie(&http.Cookie{Name: "__Host-totpflow-next", Value: encode(to)})
		require.Equal(t, "/", p.Do(req).Path, "%q", to)

		q.Post("/2fa/security/saved", "next", to)
		require.Equal(t, "/", q.Page.Path, "%q", to)

		p = s.browser()
		p.password(ana)
		p.Post("/2fa/language", "language", "de", "back", to)
		require.Equal(t, "/", p.Page.Path, "%q", to)
		p.Post("/backups/42/delete", "totpflow_back", to)
		for _, link := range p.Page.Links() {
			require.False(t, strings.Contains(link, "evil") || strings.Contains(link, "alert"), link)
		}
	}
	p := s.browser()
	p.Post("/signin", "email", ana.Name, "password", password, "next", "/backups/7?a=b#c")
	p.is(http.StatusOK, "/backups/7?a=b", "Backup 7")
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Integrations with one line or another missing: none of these binds an authenticator to
// anybody but the person whose password was right last in this browser.
func TestSharedBrowserWithABadHost(t *testing.T) {
	for name, end := range map[string]func(*memhost.Host) web.Host{
		"End does nothing": func(h *memhost.Host) web.Host { return noEnd{h} },
	} {
		t.Run(name, func(t *testing.T) {
			var host *memhost.Host
			s := newSite(t, func(c *web.Config) { host = c.Host.(*memhost.Host); c.Host = end(host) })
			p := s.browser()
			p.password(ana) // signed in with a proof that begins an enrollment
			p.Get("/2fa/setup")
			left := p.Page.Text("secret")
			s.policy.set(policy.Policy{Mode: policy.Required})
			p.password(ben) // ana's session is still there
			p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
			require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
			require.NotEqual(t, left, p.Page.Text("secret"))
			p.scan()
			p.Page.Submit("/2fa/setup", "code", p.phone.Code())
			p.Page.Submit("/2fa/security/saved")
			for u, enrolled := range map[totpflow.User]bool{ana: false, ben: true} {
				st, err := s.service.Account(u).Status(t.Context())
				require.NoError(t, err)
				require.Equal(t, enrolled, st.Enrolled, u.Name)
			}
		})
	}
}

// The same if the session that such a host has left open is valid.
func TestSharedBrowserWithAnOpenSession(t *testing.T) {
	s := newSite(t, func(c *web.Config) { c.Host = noEnd{c.Host.(*memhost.Host)} })
	p := s.browser()
	p.enroll(ana)
	s.policy.set(policy.Policy{Mode: policy.Required})
	p.password(ben)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
}

type noEnd struct{ *memhost.Host }

func (noEnd) End(http.ResponseWriter, *http.Request) error { return nil }

// A host that signs somebody in without AfterPassword finds what another person left in
// the browser. It is useless.
func TestLeftoversOfAnotherPerson(t *testing.T) {
	s := newSite(t)
	p := s.browser()
	p.password(ana)
	p.Get("/2fa/setup")
	anas := p.Page.Text("secret")
	p.scan()
	proof, setup := p.cookie("proof"), p.cookie("setup")
	require.NotEmpty(t, proof)
	require.NotEmpty(t, setup)

	q := s.browser()
	q.password(ben)
	s.clock.Advance(10 * time.Minute) // ben's own proof has expired
	q.keep("proof", proof)
	q.keep("setup", setup)
	q.Get("/2fa/setup")
	require.Empty(t, q.Page.Text("secret"), "the password first")
	q.Page.Submit("/2fa/setup/password", "password", password)
	q.keep("setup", setup)
	q.Get("/2fa/setup")
	require.Equal(t, "Account: ben@acme.example", q.Page.Texts("account")[0])
	require.NotEqual(t, anas, q.Page.Text("secret"))

	q.keep("setup", setup)
	q.Post("/2fa/setup", "code", p.phone.Code())
	st, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.False(t, st.Enrolled, "and is not confirmed either")
}

func (p *person) cookie(name string) string {
	i := slices.IndexFunc(p.Cookies(), func(c *http.Cookie) bool { return c.Name == "__Host-totpflow-"+name })
	if i < 0 {
		return ""
	}
	return p.Cookies()[i].Value
}

// keep plants a cookie.
func (p *person) keep(name, value string) { p.SetCookie("__Host-totpflow-"+name, value) }

// The browser's back button shows no page of a session that has ended, and no form of the
// second step after the sign-in.
func TestBackButton(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	for _, path := range []string{"/2fa/code", "/2fa/recovery", "/2fa/phone-code", "/2fa/issued"} {
		p.Get(path)
		p.is(http.StatusOK, "/", "Home of ana@acme.example")
	}
	p.Get("/2fa/security").Submit("/2fa/signout")
	for _, path := range []string{"/", "/2fa/security", "/2fa/code", "/2fa/setup", "/2fa/phone", "/backups/42"} {
		p.Get(path)
		p.is(http.StatusOK, "/signin", "Sign in")
	}
}

// Links change nothing: programs that scan mails, and browsers that prefetch, open all of
// them.
func TestLinksChangeNothing(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.password(ana)
	p.Page.Submit("/2fa/code", "code", p.phone.Code(), "trust", "yes")
	p.Get("/2fa/security").Submit("/2fa/security/recovery-codes")
	p.Page.Submit("/2fa/security/recovery-codes", "totpflow_code", p.phone.Code())
	before, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.Len(t, before.Browsers, 1)
	require.Zero(t, before.RecoveryCodes.Saved)
	app := before.Authenticators[0].ID
	for _, path := range append(posted(t),
		"/2fa/security/remove/"+app, "/2fa/security/rename/"+app+"?name=x", "/2fa/security/revoke/"+before.Browsers[0].ID,
		"/2fa/not-me?event="+string(s.service.NewDisownToken(s.events[0])),
	) {
		p.Get(path)
	}
	after, err := s.service.Account(ana).Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)
	p.Get("/")
	p.is(http.StatusOK, "/", "Home of ana@acme.example")
}

// People choose their names: on a page they are text.
func TestNamesAreText(t *testing.T) {
	s := newSite(t)
	evil := totpflow.User{ID: totpflow.AccountID{User: "3"}, Name: `<script>alert(1)</script>"'@x`}
	s.host.Add(evil, password)
	p := s.browser()
	p.enroll(evil)
	p.Get("/2fa/security").Submit("/2fa/security/rename/*", "name", `"><img src=x onerror=alert(1)>`)
	p.Post("/backups/42/delete", `"><b>`, `</form><script>alert(1)</script>`)
	for _, path := range []string{"", "/2fa/security", "/2fa/nothing"} {
		if path != "" {
			p.Get(path)
		}
		require.NotContains(t, p.Page.HTML, "<script>alert")
		require.NotContains(t, p.Page.HTML, "<img src=x")
		require.NotContains(t, p.Page.HTML, `"><b>`)
	}
	require.NotContains(t, s.logged.String(), "alert")
}
