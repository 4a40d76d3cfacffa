package words_test

import (
	"html/template"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/internal/words"
)

// RFC 9110, section 12.5.4: the browser's weights decide. People who speak none of the
// three languages get English.
func TestLanguageOfTheBrowser(t *testing.T) {
	for header, want := range map[string]string{
		"":                              "en",
		"*":                             "en",
		"de":                            "de",
		"de-AT,de;q=0.9,en;q=0.5":       "de",
		"en-GB,en;q=0.9,de;q=0.8":       "en",
		"en;q=0.3, es-MX;q=0.8":         "es",
		"fr-FR,fr;q=0.9,es;q=0.4":       "es",
		"ja":                            "en",
		"gsw-CH, de-CH;q=0.7":           "de",
		"nonsense;;;q=\x00":             "en",
		"de;q=0, es":                    "es",
		`<script>alert("de")</script>`:  "en",
		"../../etc/passwd, ../de.json":  "en",
		"es-419,es;q=0.9,en-US;q=0.001": "es",
	} {
		require.Equal(t, want, words.Accepted(header).Tag(), header)
	}
}

// The first variable that is set decides, even if it names a language that the examples
// do not speak: POSIX, Base Definitions, section 8.2.
func TestLanguageOfTheTerminal(t *testing.T) {
	for _, x := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "de"},
		{map[string]string{"LANG": "C.UTF-8"}, "en"},
		{map[string]string{"LANG": "POSIX"}, "en"},
		{map[string]string{"LANG": "de_AT@euro"}, "de"},
		{map[string]string{"LANG": "de_DE", "LC_MESSAGES": "es_ES"}, "es"},
		{map[string]string{"LANG": "de_DE", "LC_ALL": "C", "LC_MESSAGES": "es_ES"}, "en"},
		{map[string]string{"LANG": "fr_FR.UTF-8"}, "en"},
		{map[string]string{"LANG": "es_MX", "LC_ALL": ""}, "es"},
	} {
		require.Equal(t, x.want, words.OfEnvironment(func(name string) string { return x.env[name] }).Tag(), x.env)
	}
}

func TestByTag(t *testing.T) {
	require.Len(t, words.All(), 3)
	for _, l := range words.All() {
		require.Same(t, l, words.ByTag(l.Tag()))
	}
	for _, no := range []string{"", "DE", "de-AT", "fr", "../de"} {
		require.Nil(t, words.ByTag(no), no)
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 5, 10, 0, time.FixedZone("", 3600))
	for tag, want := range map[string][2]string{
		"en": {"2 March 2026", "2 March 2026, 08:05 UTC"},
		"de": {"2. März 2026", "2. März 2026, 08:05 Uhr UTC"},
		"es": {"2 de marzo de 2026", "2 de marzo de 2026, 8:05 UTC"},
	} {
		l := words.ByTag(tag)
		require.Equal(t, want, [2]string{l.Day(at), l.Minute(at)}, tag)
	}
}

func TestNumbers(t *testing.T) {
	require.Equal(t, "1.8", words.ByTag("en").Number(1.84, 1))
	require.Equal(t, "1,8", words.ByTag("de").Number(1.84, 1))
	require.Equal(t, "1,8", words.ByTag("es").Number(1.84, 1))
}

// A span is rounded up, so that a person who comes back then is not too early.
func TestSpans(t *testing.T) {
	for _, x := range []struct {
		d                     time.Duration
		span, german, spanish string
	}{
		{0, "1 second", "1 Sekunde", "1 segundo"},
		{89500 * time.Millisecond, "90 seconds", "90 Sekunden", "90 segundos"},
		{100 * time.Second, "2 minutes", "2 Minuten", "2 minutos"},
		{119*time.Minute + time.Second, "120 minutes", "120 Minuten", "120 minutos"},
		{2 * time.Hour, "2 hours", "2 Stunden", "2 horas"},
		{49 * time.Hour, "3 days", "3 Tage", "3 días"},
		// The longest duration, which time.Sub also returns for dates that are further
		// apart.
		{math.MaxInt64, "106752 days", "106752 Tage", "106752 días"},
		{-time.Second, "1 second", "1 Sekunde", "1 segundo"},
	} {
		require.Equal(t, x.span, words.ByTag("en").Span(x.d))
		require.Equal(t, x.german, words.ByTag("de").Span(x.d))
		require.Equal(t, x.spanish, words.ByTag("es").Span(x.d))
	}
}

func TestPlurals(t *testing.T) {
	for tag, want := range map[string][3]string{
		"en": {"0 days", "1 day", "2 days"},
		"de": {"0 Tage", "1 Tag", "2 Tage"},
		"es": {"0 días", "1 día", "2 días"},
	} {
		for n, text := range want {
			require.Equal(t, text, words.ByTag(tag).Say("span.day", "Count", n))
		}
	}
	// CLDR has a separate form for whole millions in Spanish.
	require.Equal(t, "1000000 días", words.ByTag("es").Say("span.day", "Count", 1_000_000))
}

// Everything that people have typed stays text within a text. This defends against a name
// that is markup, or one that is a template.
func TestArgumentsAreNoMarkup(t *testing.T) {
	const evil = `<script>alert(1)</script>" onload='x' {{.Total}}`
	for _, l := range words.All() {
		text, err := l.HTML("layout.grace", "Until", evil)
		require.NoError(t, err)
		require.Contains(t, text, `<a href="/2fa/setup">`)
		require.Contains(t, string(text), template.HTMLEscapeString(evil))
		require.NotContains(t, text, "<script>")
		require.Contains(t, l.Say("archive.greet", "Name", evil), evil, "html/template escapes the text")

		// Even a value whose type claims that it is markup is escaped.
		text, err = l.HTML("layout.grace", "Until", template.HTML(evil))
		require.NoError(t, err)
		require.NotContains(t, text, "<script>")
	}
}

func TestUnknownText(t *testing.T) {
	for _, l := range words.All() {
		require.Equal(t, "no.such", l.Say("no.such"))
		_, err := l.Find("no.such")
		require.Error(t, err)
		_, err = l.HTML("no.such")
		require.Error(t, err)
		_, err = l.Find("signin.title", "Count")
		require.Error(t, err)
		_, err = l.Find("signin.title", 1, 2)
		require.Error(t, err)
	}
}
