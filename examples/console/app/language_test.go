package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// speaks makes the browser ask for a language, as its settings would.
func (b *browser) speaks(accept string) *browser {
	b.accept = accept
	return b
}

// A page is in the language that the browser asks for, and names it. It also says that
// another browser may get another language (RFC 9110, section 12.5.5).
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

// The menu is a form of buttons. The chosen language stays, whatever the browser asks
// for, and the person returns to the page on which they chose it.
func TestChoosingTheLanguage(t *testing.T) {
	b := newSite(t).browser().speaks("en")
	b.get("/2fa/phone-code").redirects("/signin")
	b.get("/2fa/not-me?event=abc").says(`action="/2fa/language"`, `name="back" value="/2fa/not-me?event=abc"`, `lang="de"`, "Deutsch", `lang="es"`, "Español")
	b.post("/2fa/language", "language", "de", "back", "/2fa/not-me?event=abc").redirects("/2fa/not-me?event=abc")
	b.get("/2fa/not-me?event=abc").says(`<html lang="de">`, "Waren Sie das nicht?")
	b.post("/2fa/language", "language", "fr", "back", "/signin").redirects("/signin")
	b.get("/signin").says(`<html lang="de">`)
	k := b.cookie("language")
	require.Equal(t, "de", k.Value)
	b.post("/2fa/language", "language", "en", "back", "/signin").redirects("/signin")
	b.get("/signin").says(`<html lang="en">`)
}

// The name that a person has chosen is text on a page, even if the text around it has
// markup.
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

// A mail is in the language that its reader used last, no matter who has caused the mail.
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
	his.change(phone, ana, "issue").is(http.StatusSeeOther)
	code := s.last(ana, "Ihr Wiederherstellungscode")
	require.Equal(t, "de", code.Language)
	require.Contains(t, code.Text, "„Wiederherstellungscode")

	hers.speaks("es").get("/").says("Nos alegra verle")
	s.clock.Advance(31 * time.Second)
	his.change(phone, ana, "reset", "scope", "all").is(http.StatusSeeOther)
	reset := s.last(ana, "restablecida")
	require.Equal(t, "es", reset.Language)
	require.Contains(t, reset.Text, "por un administrador")
	require.Contains(t, reset.Text, mailURL+"/2fa/not-me?event=")
}

// A program says in which language its person reads mails. A program that does not say so
// changes nothing.
func TestMailsOfPrograms(t *testing.T) {
	s := newSite(t)
	german := []string{"Accept-Language", "de-AT"}
	p := s.program()
	a := p.keeps(p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password}, german...))
	page := p.post("/2fa/api/setup", fields{}, append(german, "Proof", a.get("proof"))...).is(http.StatusOK)
	phone, err := totptest.ScanURI(page.get("uri"), s.clock)
	require.NoError(t, err)
	p.keeps(p.post("/2fa/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}, german...))
	require.Equal(t, "de", s.last(ana, "Authenticator-App eingerichtet").Language, "before any page")

	p.call(http.MethodGet, "/2fa/api/account", nil, german...).is(http.StatusOK)
	p.call(http.MethodGet, "/2fa/api/account", nil).is(http.StatusOK)
	boss, bosses := s.owner(admin)
	boss.change(bosses, ana, "issue").is(http.StatusSeeOther)
	require.Equal(t, "de", s.last(ana, "Ihr Wiederherstellungscode").Language)
}

// The mail itself names its language (RFC 3282).
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
