package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// speaks has the browser ask for a language, as its settings would.
func (b *browser) speaks(accept string) *browser {
	b.accept = accept
	return b
}

// A page is in the language that the browser asks for, says so, and says that
// it would be another one for another browser (RFC 9110, section 12.5.5).
func TestPagesByLanguage(t *testing.T) {
	s := newSite(t)
	for accept, want := range map[string][3]string{
		"":                        {"en", "Sign in", "E-mail address"},
		"fr":                      {"en", "Sign in", "E-mail address"},
		"de-AT,de;q=0.9,en;q=0.8": {"de", "Anmelden", "E-Mail-Adresse"},
		"es":                      {"es", "Iniciar sesión", "Correo electrónico"},
	} {
		a := s.browser().speaks(accept).get("/signin").is(http.StatusOK).says(`<html lang="`+want[0]+`">`, want[1], want[2])
		require.Equal(t, want[0], a.header.Get("Content-Language"))
		require.Contains(t, strings.Join(a.header.Values("Vary"), ", "), "Accept-Language")
		require.Contains(t, strings.Join(a.header.Values("Vary"), ", "), "Cookie")
	}
}

// The menu is a form of buttons. What is chosen stays, whatever the browser
// asks for, and the page is the one that it was chosen on.
func TestChoosingTheLanguage(t *testing.T) {
	b := newSite(t).browser().speaks("en")
	b.get("/code?by=phone").redirects("/signin")
	b.get("/not-me?event=abc").says(`action="/language"`, `name="back" value="/not-me?event=abc"`, `lang="de"`, "Deutsch", `lang="es"`, "Español")
	b.post("/language", "language", "de", "back", "/not-me?event=abc").redirects("/not-me?event=abc")
	b.get("/not-me?event=abc").says(`<html lang="de">`, "Waren Sie das nicht?")
	b.post("/language", "language", "fr", "back", "/signin").redirects("/signin")
	b.get("/signin").says(`<html lang="de">`)
	k := b.cookie("language")
	require.Equal(t, "de", k.Value)
	b.post("/language", "language", "en", "back", "/signin").redirects("/signin")
	b.get("/signin").says(`<html lang="en">`)
}

// The menu leads to pages of this site, whatever its form says: an attack by a
// form that somebody else has written.
func TestTheMenuStaysHere(t *testing.T) {
	b := newSite(t).browser()
	for _, evil := range []string{
		"", "https://evil.example/", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/%2Fevil.example", "/%5Cevil.example",
		"javascript:alert(1)", "mailto:x", "signin", "\thttps://evil.example", "https:evil.example", "/\n/evil.example", "http:///evil.example",
	} {
		b.post("/language", "language", "de", "back", evil).redirects("/")
	}
	b.post("/language", "language", "de", "back", "/admin?tenant=acme&page=2").redirects("/admin?tenant=acme&page=2")

	// A browser does not send it from another site's page at all.
	r, err := http.NewRequest(http.MethodPost, b.url+"/language", strings.NewReader(url.Values{"language": {"es"}}.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).is(http.StatusForbidden)
	b.get("/signin").says(`<html lang="de">`)
}

// After a form was refused the menu leads to the page that has the form. On what
// is shown once there is no menu: it would be lost.
func TestTheMenuLosesNothing(t *testing.T) {
	b := newSite(t).browser()
	b.post("/signin", "email", ana.Email, "password", "wrong").is(http.StatusUnauthorized).says(`name="back" value="/signin"`)
	b.password(ana).redirects("/")
	b.get("/security").says(`name="back" value="/security"`)
	b.get("/setup")
	b.post("/setup/password", "password", "wrong", "next", "/setup").is(http.StatusUnauthorized).says(`name="back" value="/setup"`)
	b.post("/setup/password", "password", ana.Password, "next", "/setup").redirects("/setup")
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", "1").says(`name="back" value="/setup"`)
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).says("recovery-code").lacks(`action="/language"`)
	b.post("/security/disable", "code", "1").says(`name="back" value="/security"`)
	b.post("/language", "language", "de", "back", "/security")
	b.get("/security").says("Zwei-Faktor-Authentifizierung", "2. März 2026")
}

// What people have called themselves stands in a page as text, also where the
// text around it has markup.
func TestNamesAreNoMarkup(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`UPDATE people SET name = ? WHERE email = ?`, `<b>{{.Count}}</b>`, ana.Email)
	require.NoError(t, err)
	for _, accept := range []string{"en", "de", "es"} {
		b := s.browser().speaks(accept)
		b.password(ana).redirects("/")
		a := b.get("/").is(http.StatusOK)
		require.Contains(t, a.body, "&lt;b&gt;{{.Count}}&lt;/b&gt;")
		require.NotContains(t, a.body, "<b>")
	}
}

// A mail is in the language that the person used last, whoever causes it.
func TestMailsByLanguage(t *testing.T) {
	s := newSite(t)
	hers := s.browser().speaks("de-DE")
	hers.enroll(ana)
	first := s.last(ana, "Authenticator-App eingerichtet")
	require.Equal(t, "de", first.Language)
	require.Contains(t, first.Text, "Guten Tag Ana Soler,\n")
	require.Contains(t, first.Text, "2. März 2026")
	require.NotContains(t, first.Text, "{{")
	hers.get("/").says("Schön, Sie zu sehen, Ana Soler.")

	his := s.browser().speaks("en")
	phone, _ := his.enroll(admin)
	require.Equal(t, "en", s.last(admin, "authenticator app set up").Language)
	his.post("/admin/accounts/"+s.id(ana)+"/issue-code", "code", phone.Code()).is(http.StatusSeeOther)
	code := s.last(ana, "Ihr Wiederherstellungscode")
	require.Equal(t, "de", code.Language)
	require.Contains(t, code.Text, "„Code aus der E-Mail")

	hers.speaks("es").get("/").says("Nos alegra verle")
	s.clock.Advance(31 * time.Second)
	his.post("/admin/accounts/"+s.id(ana)+"/reset", "code", phone.Code()).is(http.StatusSeeOther)
	reset := s.last(ana, "restablecida")
	require.Equal(t, "es", reset.Language)
	require.Contains(t, reset.Text, "por un administrador")
	require.Contains(t, reset.Text, mailURL+"/not-me?event=")
}
