package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/totpflow/totpflow/phone"
)

// A Language is a language of the pages. It is read-only.
type Language struct {
	tag   language.Tag
	texts texts
	other *Language // the language to fall back to where a text is missing; nil for English
}

// languages are those of the module and the host's, English first.
type languages struct {
	all     []*Language
	matcher language.Matcher
}

func newLanguages(c Config) (languages, error) {
	all := make(map[string]texts)
	if err := loadTexts(all, Catalogues()); err != nil {
		return languages{}, err
	}
	if c.Catalogues != nil {
		if err := loadTexts(all, c.Catalogues); err != nil {
			return languages{}, fmt.Errorf("%w: Catalogues: %w", ErrConfig, err)
		}
	}
	english := &Language{tag: language.English, texts: all["en"]}
	l := languages{all: []*Language{english}}
	for tag, t := range all {
		if tag != "en" {
			l.all = append(l.all, &Language{language.Make(tag), t, english})
		}
	}
	slices.SortFunc(l.all[1:], func(a, b *Language) int { return cmp.Compare(a.Tag(), b.Tag()) })
	var tags []language.Tag
	for _, x := range l.all {
		tags = append(tags, x.tag)
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

// byTag returns the language with exactly this tag, nil when there is none.
func (l languages) byTag(tag string) *Language {
	for _, x := range l.all {
		if x.Tag() == tag {
			return x
		}
	}
	return nil
}

// maxAccept bounds the part of an Accept-Language header that is read, in bytes: room for
// some thirty languages.
const maxAccept = 256

// accepted returns the language that best matches a browser's Accept-Language header (RFC
// 9110 §12.5.4). The header is cut after a whole tag: anybody can send a megabyte of tags
// before any sign-in, and parsing them all costs the processor.
func (l languages) accepted(header string) *Language {
	if len(header) > maxAccept {
		header = header[:max(0, strings.LastIndexByte(header[:maxAccept+1], ','))]
	}
	_, i := language.MatchStrings(l.matcher, header)
	return l.all[i]
}

// spoken returns the language of the request. It is not kept with the request: Config.Language
// may look at the session, which a request has only after the first call.
func (h *Web) spoken(r *http.Request) *Language {
	if h.Language != nil {
		return h.languages.accepted(h.Language(r))
	}
	if l := h.languages.byTag(h.cookie(r, languageCookie)); l != nil {
		return l
	}
	return h.languages.accepted(r.Header.Get("Accept-Language"))
}

// LanguageOf returns the language of a request's pages, so that the host's own pages and
// mails can use the same.
func (h *Web) LanguageOf(r *http.Request) *Language { return h.spoken(r) }

// A speaker holds the request's language for [Compose].
type speaker struct {
	*Language
	product, domain string
}

type speakerKey struct{}

// Compose is the [phone.Delivery] Compose of a product with these pages: a code by SMS or
// by a call is in the language of the page that it is for. If there is a [Config.Domain],
// an SMS has the line by which phones fill the code in.
func Compose(ctx context.Context, m phone.Message) phone.Message {
	s, ok := ctx.Value(speakerKey{}).(speaker)
	if !ok {
		return m
	}
	m.Language, m.Domain = s.Tag(), s.domain
	text := "phone.message"
	if m.Via == phone.Voice {
		text = "phone.call"
	}
	m.Sentence = s.Say(text, "Product", s.product)
	return m
}

// postLanguage keeps a choice, and leads back to the page that it was made on.
func (h *Web) postLanguage(w http.ResponseWriter, r *http.Request) error {
	if l := h.languages.byTag(r.PostFormValue("language")); l != nil {
		const year = 365 * 24 * time.Hour
		h.setCookie(w, languageCookie, l.Tag(), year)
	}
	return redirect(w, r, orDefault(local(r.PostFormValue("back")), h.Home))
}

// Tag returns the language tag for HTML and HTTP, such as "de".
func (l *Language) Tag() string { return l.tag.String() }

// Name returns the language's own name.
func (l *Language) Name() string { return l.Say("language.name") }

// Find returns the text with this id. Arguments are names and values in turn; the
// one called Count, an int, chooses the plural form. It is an error if there is no such
// text, or if an argument is missing.
func (l *Language) Find(id string, args ...any) (string, error) {
	m, ok := l.texts[id]
	if !ok && l.other != nil {
		return l.other.Find(id, args...)
	}
	if !ok {
		return "", fmt.Errorf("web: there is no text %q", id)
	}
	p := m.one
	if m.forms != nil {
		p = m.forms[plural.Other]
		if n, ok := argument(args, "Count").(int); ok {
			if form, ok := m.forms[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)]; ok {
				p = form
			}
		}
	}
	var b strings.Builder
	for i, part := range p {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		v := argument(args, part)
		if v == nil {
			return "", fmt.Errorf("web: the text %q has no argument %s", id, part)
		}
		fmt.Fprint(&b, v)
	}
	return b.String(), nil
}

func argument(args []any, name string) any {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return nil
}

// Say is Find for a text that is known to exist. If it does not, Say returns the id.
func (l *Language) Say(id string, args ...any) string {
	text, err := l.Find(id, args...)
	if err != nil {
		return id
	}
	return text
}

// HTML is Find for a text with markup. The arguments are escaped, since people can choose
// them; the markup is not, and neither is an argument that is a template.HTML.
func (l *Language) HTML(id string, args ...any) (template.HTML, error) {
	escaped := slices.Clone(args)
	for i := 1; i < len(escaped); i += 2 {
		switch escaped[i].(type) {
		case int, template.HTML:
		default:
			escaped[i] = template.HTMLEscaper(escaped[i])
		}
	}
	text, err := l.Find(id, escaped...)
	return template.HTML(text), err
}

// Day returns the day of t, in UTC.
func (l *Language) Day(t time.Time) string {
	t = t.UTC()
	return l.Say("time.day", "Day", t.Day(), "Month", l.Say("month."+strconv.Itoa(int(t.Month()))), "Year", t.Year())
}

// Minute returns the minute of t, in UTC.
func (l *Language) Minute(t time.Time) string {
	return l.Say("time.minute", "Day", l.Day(t), "Time", t.UTC().Format("15:04"))
}

// when returns the minute of t in UTC, which the script shows in the zone of the browser.
func (l *Language) when(t time.Time) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" data-local>` + template.HTMLEscapeString(l.Minute(t)) + `</time>`)
}

// Span returns a duration in words, rounded up: a person who comes back then is not early.
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
	return l.Say("span."+name, "Count", max(1, int((d+unit-1)/unit)))
}

// The names in the labels of totphttp.BrowserLabel.
var (
	browsers = []string{"Browser", "Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"}
	systems  = []string{"Windows", "iPhone", "iPad", "Android", "macOS", "ChromeOS", "Linux"}
)

// Browser returns the label of a trusted browser, as totphttp.BrowserLabel makes it, in this
// language. Other labels stay as they are, such as a host's "Laptop on loan".
func (l *Language) Browser(label string) string {
	browser, system, ok := strings.Cut(label, " on ")
	switch {
	case label == "Unknown browser":
		return l.Say("browser.unknown")
	case ok && slices.Contains(browsers, browser) && slices.Contains(systems, system):
		return l.Say("browser.on", "Browser", browser, "System", system)
	}
	return label
}

// Quoted returns a list of names in words: “Phone”, “Tablet” and “Work”.
func (l *Language) Quoted(names []string) string {
	list := ""
	for i, name := range names {
		name = l.Say("list.quoted", "Name", name)
		switch {
		case i == 0:
			list = name
		case i == len(names)-1:
			list = l.Say("list.and", "First", list, "Last", name)
		default:
			list = l.Say("list.comma", "First", list, "Last", name)
		}
	}
	return list
}
