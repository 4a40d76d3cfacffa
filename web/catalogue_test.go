package web_test

import (
	"encoding/json"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// catalogue reads the texts of a language by their ids; a text with plural forms has each
// of them under the id, a space and the form.
func catalogue(t *testing.T, tag string) map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(web.Catalogues(), tag+".json")
	require.NoError(t, err)
	var groups map[string]map[string]any
	require.NoError(t, json.Unmarshal(raw, &groups))
	texts := make(map[string]string)
	for group, entries := range groups {
		for name, entry := range entries {
			switch entry := entry.(type) {
			case string:
				texts[group+"."+name] = entry
			case map[string]any:
				for form, text := range entry {
					texts[group+"."+name+" "+form] = text.(string)
				}
			}
		}
	}
	return texts
}

var (
	argument = regexp.MustCompile(`{{[^}]*}}`)
	markup   = regexp.MustCompile(`</?[a-z][^>]*>`)
)

// Every text exists in every language, in the plural forms of English, German and
// Spanish, with the same arguments and the same markup: no link leads elsewhere in
// translation.
func TestLanguagesHaveTheSameTexts(t *testing.T) {
	english := catalogue(t, "en")
	for _, other := range []string{"de", "es"} {
		texts := catalogue(t, other)
		require.ElementsMatch(t, slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(texts)), other)
		for id, text := range texts {
			require.NotEmpty(t, strings.TrimSpace(text), "%s: %s", other, id)
			require.Equal(t, sorted(markup, english[id]), sorted(markup, text), "%s: %s: %s", other, id, text)
			require.Equal(t, arguments(english, id), arguments(texts, id), "%s: %s: %s", other, id, text)
		}
	}
	for id := range english {
		if name, form, plural := strings.Cut(id, " "); plural {
			require.Contains(t, []string{"one", "other"}, form, id)
			require.Contains(t, english, name+" one")
			require.Contains(t, english, name+" other")
		}
	}
}

// arguments returns those of a text. A singular may leave out its Count.
func arguments(texts map[string]string, id string) []string {
	found := slices.Compact(sorted(argument, texts[id]))
	if strings.HasSuffix(id, " one") {
		found = slices.DeleteFunc(found, func(a string) bool { return a == "{{.Count}}" })
	}
	return found
}

func sorted(what *regexp.Regexp, text string) []string {
	found := what.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

// Each language has its own quotation marks, and addresses people as the product does:
// “…”, „…“ and «…»; Sie and usted.
func TestHouseStyle(t *testing.T) {
	for tag, wrong := range map[string]string{
		"en": `[„«»]|…\.|\.\.\.|--|\b[Ww]hoever\b`,
		"de": `[”«»]|\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b|\.\.\.|--|2FA\b|Zweifaktor`,
		"es": `[„“”]|\b(tú|tu|tus|te|tuyo|contigo)\b|\.\.\.|--`,
	} {
		for id, text := range catalogue(t, tag) {
			text = regexp.MustCompile(`="[^"]*"`).ReplaceAllString(text, "") // of markup
			require.NotRegexp(t, wrong, text, "%s: %s", tag, id)
			require.NotContains(t, text, `"`, "%s: %s", tag, id)
			require.NotContains(t, text, "'", "%s: %s: an apostrophe is ’", tag, id)
			require.Equal(t, strings.TrimSpace(text), text, "%s: %s", tag, id)
		}
	}
}

// A fourth language is one file. Texts that it leaves out are in English.
func TestFourthLanguage(t *testing.T) {
	s := newSite(t, func(c *web.Config) {
		c.Catalogues = files("fr.json", `{"language": {"name": "Français"}, "code": {"head": "Saisissez votre code", "title": "Deuxième étape"},
			"month": {"3": "mars"}, "time": {"day": "{{.Day}} {{.Month}} {{.Year}}"}}`)
	})
	p, _ := s.user(ana)
	p.Header.Set("Accept-Language", "fr-CH, de;q=0.5")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Saisissez votre code")
	require.Equal(t, "fr", p.Page.Header.Get("Content-Language"))
	require.Equal(t, "fr", p.Page.Attribute("html", "lang"))
	require.Contains(t, p.Page.Text("what"), "Open the authenticator app")
	p.Page.Submit("/2fa/code", "code", p.phone.Code())
	p.Get("/2fa/security")
	require.Contains(t, p.Page.Text("main"), "2 mars 2026")
	require.Contains(t, p.Page.Text("footer"), "Français")
}

// The host's file changes some texts and keeps the others.
func TestOwnTexts(t *testing.T) {
	s := newSite(t, func(c *web.Config) {
		c.Catalogues = files("en.json", `{"code": {"head": "Your code, please"}, "action": {"delete-backup": "Delete the backup for good"}}`)
	})
	p := s.signedIn()
	p.Post("/backups/42/delete", "note", "x")
	p.is(http.StatusForbidden, "/backups/42/delete", "Delete the backup for good")
	require.Equal(t, "Delete the backup for good", p.Page.Text("button"), "buttons say the effect")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Your code, please")
}

// The language is the one that was chosen on a page, otherwise the one that the browser asks for.
func TestLanguage(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	p.Header.Set("Accept-Language", "es")
	p.password(ana)
	p.is(http.StatusOK, "/2fa/code", "Introduzca su código")
	require.Contains(t, p.Page.Actions(), "/2fa/language")
	p.Post("/2fa/language", "language", "de", "back", "/2fa/code")
	p.is(http.StatusOK, "/2fa/code", "Geben Sie Ihren Code ein")
	p.Post("/2fa/language", "language", "tlh", "back", "//evil.example/")
	p.is(http.StatusOK, "/signin", "Sign in") // home, which requires a session
	p.Get("/2fa/code")
	p.is(http.StatusOK, "/2fa/code", "Geben Sie Ihren Code ein")

	r := httptest.NewRequest(http.MethodGet, "/", nil) // of the host's own pages
	r.Header.Set("Accept-Language", "es-AR, en;q=0.5")
	spoken := s.pages.LanguageOf(r)
	require.Equal(t, "es", spoken.Tag())
	for markup, arg := range map[string]any{"&lt;b&gt;": "<b>", "<b>": template.HTML("<b>")} {
		text, err := spoken.HTML("part.account", "Account", arg)
		require.NoError(t, err)
		require.Equal(t, template.HTML("Cuenta: <strong>"+markup+"</strong>"), text, "people choose names, and not markup")
	}
	require.Equal(t, []string{"Firefox en Windows", "Navegador desconocido", "Safari", "the host's own"},
		[]string{spoken.Browser("Firefox on Windows"), spoken.Browser("Unknown browser"), spoken.Browser("Safari"), spoken.Browser("the host's own")})
	for _, label := range []string{"Laptop on loan", "Firefox on loan", "Laptop on Windows"} {
		require.Equal(t, label, spoken.Browser(label), "a host's own label")
	}
}

// Every browser and system that a label can name is known to the translation of labels.
func TestBrowserLabelsAreTranslated(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "es")
	spoken := newSite(t).pages.LanguageOf(r)
	for _, browser := range []string{"", "Edg/", "OPR/", "SamsungBrowser/", "Firefox/", "FxiOS/", "CriOS/", "Chrome/", "Safari/"} {
		for _, system := range []string{"Windows", "iPhone", "iPad", "Android", "Mac OS X", "CrOS", "Linux"} {
			r.Header.Set("User-Agent", browser+" "+system)
			require.Contains(t, spoken.Browser(totphttp.BrowserLabel(r)), " en ", r.UserAgent())
		}
	}
}

// New refuses a catalogue on which a page would fail.
func TestCatalogueIsTried(t *testing.T) {
	for name, test := range map[string]struct{ file, text, says string }{
		"name":         {"deutsch!.json", `{}`, "is not a language"},
		"not JSON":     {"en.json", `{`, "unexpected end"},
		"argument":     {"en.json", `{"code": {"what": "Code for {{.Issuer}}"}}`, "there is no argument Issuer; there are Product"},
		"other syntax": {"en.json", `{"code": {"what": "{{ .Product | printf }}"}}`, "not written {{.Name}}"},
		"plural":       {"en.json", `{"span": {"day": {"single": "x", "other": "y"}}}`, `"single" is not a plural form`},
		"no other":     {"en.json", `{"span": {"day": {"one": "x"}}}`, "the plural form other is missing"},
		"number":       {"en.json", `{"span": {"day": 7}}`, "a text is a string"},
	} {
		t.Run(name, func(t *testing.T) {
			err := try(t, func(c *web.Config) { c.Catalogues = files(test.file, test.text) })
			require.ErrorIs(t, err, web.ErrConfig)
			require.ErrorContains(t, err, test.says)
		})
	}
}
