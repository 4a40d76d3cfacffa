package app_test

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totptest"
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

// The menu is a form of buttons. The chosen language stays, whatever the browser
// asks for, and the person is back on the page that it was chosen on.
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
	b.do(r).is(http.StatusForbidden).says(`<html lang="de">`, "von einer Seite einer anderen Website")
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

// The name that a person chose stands in a page as text, also where the text around
// it has markup.
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

// A mail is in the language that its reader used last, no matter who causes it.
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

// A program says in which language its person reads mails. One that does not say
// changes nothing.
func TestMailsOfPrograms(t *testing.T) {
	s := newSite(t)
	german := []string{"Accept-Language", "de-AT"}
	p := s.program()
	a := p.keeps(p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password}, german...))
	page := p.post("/api/setup", fields{}, append(german, "Proof", a.get("proof"))...).is(http.StatusOK)
	phone, err := totptest.ScanURI(page.get("uri"), s.clock)
	require.NoError(t, err)
	p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}, german...))
	require.Equal(t, "de", s.last(ana, "Authenticator-App eingerichtet").Language, "before any page")

	p.call(http.MethodGet, "/api/account", nil, german...).is(http.StatusOK)
	p.call(http.MethodGet, "/api/account", nil).is(http.StatusOK)
	boss, bosses := s.owner(admin)
	boss.post("/admin/accounts/"+s.id(ana)+"/issue-code", "code", bosses.Code()).is(http.StatusSeeOther)
	require.Equal(t, "de", s.last(ana, "Ihr Wiederherstellungscode").Language)
}

// The sheet as a file says in English what the library's sheet says, and the
// same in the other languages.
func TestSheetAsText(t *testing.T) {
	link := regexp.MustCompile(`href="data:text/plain;charset=utf-8,([^"]+)"`)
	for accept, heading := range map[string]string{"en": "Recovery codes for Acme Backup\n==============================\n\n",
		"de": "Wiederherstellungscodes für Acme Backup\n", "es": "Códigos de recuperación de Acme Backup\n"} {
		t.Run(accept, func(t *testing.T) { sheetAsText(t, accept, heading, link) })
	}
}

func sheetAsText(t *testing.T, accept, heading string, link *regexp.Regexp) {
	t.Helper()
	s := newSite(t, require2FA)
	b := s.browser().speaks(accept)
	b.password(ana).redirects("/setup")
	phone := b.phone(b.get("/setup"))
	a := b.post("/setup", "code", phone.Code()).is(http.StatusOK)
	m := link.FindStringSubmatch(a.body)
	require.NotNil(t, m)
	text, err := url.PathUnescape(html.UnescapeString(m[1]))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, heading), text)
	secret := strings.ReplaceAll(regexp.MustCompile(`<p class="key"><code>([A-Z2-7 ]+)<`).FindStringSubmatch(a.body)[1], " ", "")
	want := recovery.Sheet{Issuer: app.Issuer, Account: ana.Email, Secret: secret, Codes: a.codes(), Made: s.clock.Now()}.Text()
	if accept == "en" {
		require.Equal(t, want, text)
	}
	for _, line := range strings.Split(text, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80)
	}
	for _, code := range a.codes() {
		require.Contains(t, text, ".  "+code+"\n")
	}
	require.NotContains(t, text, "{{")
}

// The mail itself says its language (RFC 3282).
func TestMailsSayTheirLanguage(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, app.Folder(folder).Send(t.Context(), app.Mail{To: ana.Email, Subject: "Über", Text: "Grüße\n", Language: "de"}))
	files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Contains(t, string(raw), "Content-Language: de\r\n")
}
