package words

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/es"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// A Language is one of the languages that the examples speak.
type Language struct {
	tag     language.Tag
	name    string
	texts   *i18n.Localizer
	formats locales.Translator
}

// Tag returns the language as HTML and HTTP write it, such as "de".
func (l *Language) Tag() string { return l.tag.String() }

// Name returns the language's name for itself.
func (l *Language) Name() string { return l.name }

var (
	bundle  = load("en.json", "de.json", "es.json")
	english = newLanguage(language.English, "English", en_GB.New())
	german  = newLanguage(language.German, "Deutsch", de.New())
	spanish = newLanguage(language.Spanish, "Español", es.New())
	all     = []*Language{english, german, spanish}
	matcher = language.NewMatcher([]language.Tag{english.tag, german.tag, spanish.tag})
)

func load(names ...string) *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	for _, name := range names {
		if _, err := b.LoadMessageFileFS(files, name); err != nil {
			panic(err) // the files are part of the program
		}
	}
	return b
}

func newLanguage(tag language.Tag, name string, formats locales.Translator) *Language {
	return &Language{tag, name, i18n.NewLocalizer(bundle, tag.String()), formats}
}

// All returns every language, English first.
func All() []*Language { return append([]*Language(nil), all...) }

// English returns the language that is used if no other one is asked for.
func English() *Language { return english }

// ByTag returns the language with exactly this tag, or nil if there is none.
func ByTag(tag string) *Language {
	for _, l := range all {
		if l.Tag() == tag {
			return l
		}
	}
	return nil
}

// Accepted returns the language that fits a browser's Accept-Language header best (RFC
// 9110, section 12.5.4).
func Accepted(header string) *Language {
	_, i := language.MatchStrings(matcher, header)
	return all[i]
}

// OfEnvironment returns the language of a terminal. The first of LC_ALL, LC_MESSAGES and
// LANG that is not empty decides, as POSIX defines it.
func OfEnvironment(getenv func(string) string) *Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			value, _, _ = strings.Cut(value, ".") // de_AT.UTF-8
			value, _, _ = strings.Cut(value, "@") // de_AT@euro
			return Accepted(strings.ReplaceAll(value, "_", "-"))
		}
	}
	return english
}

// Day formats t as a day, in UTC.
func (l *Language) Day(t time.Time) string { return l.formats.FmtDateLong(t.UTC()) }

// Minute formats t to the minute, in UTC.
func (l *Language) Minute(t time.Time) string {
	return l.Say("time.minute", "Day", l.Day(t), "Time", l.formats.FmtTimeShort(t.UTC()))
}

// Number formats v with this many decimal places.
func (l *Language) Number(v float64, digits uint64) string { return l.formats.FmtNumber(v, digits) }

// Span returns a duration in words, rounded up, so that a person who comes back then is
// not too early.
func (l *Language) Span(d time.Duration) string {
	unit, name := time.Second, "second"
	switch {
	case d >= 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case d >= 2*time.Hour:
		unit, name = time.Hour, "hour"
	case d >= 90*time.Second:
		unit, name = time.Minute, "minute"
	}
	n := int(d / unit)
	if d%unit > 0 {
		n++
	}
	return l.Say("span."+name, "Count", max(1, n))
}

// String returns the language's own name and its tag.
func (l *Language) String() string { return fmt.Sprintf("%s (%s)", l.name, l.Tag()) }
