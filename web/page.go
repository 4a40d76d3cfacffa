package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Templates returns the module's own templates, as a starting point. A file of the same
// name in [Config.Templates] replaces one. They are html/template files; a template gets
// the struct of its page, such as code.html the [CodePage], and these functions besides
// html/template's own:
//
//	say ID ARGUMENTS…    a text of the catalogue; arguments are names and values in turn
//	rich ID ARGUMENTS…   a text with markup; arguments are escaped
//	path PAGE            the address of a page, such as path "security"
//	day, minute TIME     when something was, in UTC
//	when TIME            the minute as markup, which the script shows in the person's zone
//	span DURATION        how long, in words
//	groups KEY           a key in groups of four
//	quoted NAMES         a list of names in words
//	browser LABEL        the label of a trusted browser
//	happened EVENT       what an entry of the list of activity says
//	language, languages  the page's language, and all of them
//
// parts.html has the templates that several pages share; layout.html gets a [Page].
func Templates() fs.FS {
	sub, err := fs.Sub(templateFiles, "templates")
	if err != nil { // unreachable: the path is fixed
		return templateFiles
	}
	return sub
}

// A Page is the data of the layout.
type Page struct {
	Product  string
	Title    string
	Language string        // such as "de"
	Failed   bool          // the page says that something was refused
	Head     template.HTML // the links of style sheet and script
	Content  template.HTML // the page; it has one h1
	Back     string        // the page that the menu of languages leads to; empty without a menu
}

// Common is the data that every page gets.
type Common struct {
	Product string
	Title   string
	Notice  string // what was just done
	Error   string // why the form was refused
	Account string // the name of the account that the page is about; may be empty
	now     time.Time
}

// Until returns the time left until t.
func (c Common) Until(t time.Time) time.Duration { return t.Sub(c.now) }

// Now returns the time at which the page is made.
func (c Common) Now() time.Time { return c.now }

// common gives render the part to fill in.
func (c *Common) common() *Common { return c }

// A pageData is a pointer to the struct of a page.
type pageData interface{ common() *Common }

// pages are the parsed templates of one language by name.
type pages map[string]*template.Template

// parsePages parses every template for a language, the host's where there is one.
func (h *Web) parsePages(l *Language) (pages, error) {
	parts, err := h.parse(Templates(), template.New("").Funcs(h.functions(l)), "parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(Templates(), "*.html")
	if err != nil { // unreachable: the pattern is fixed
		return nil, err
	}
	p := make(pages)
	for _, name := range names {
		if name == "parts.html" {
			continue
		}
		own, err := parts.Clone()
		if err != nil {
			return nil, err
		}
		if own, err = h.parse(Templates(), own, name); err != nil {
			return nil, err
		}
		p[strings.TrimSuffix(name, ".html")] = own.Lookup(name)
	}
	return p, nil
}

// parse adds the template of a file to t: the host's, if it has one of that name.
func (h *Web) parse(from fs.FS, t *template.Template, name string) (*template.Template, error) {
	raw, err := fs.ReadFile(from, name)
	if err != nil {
		return nil, err
	}
	if h.Config.Templates != nil {
		switch own, err := fs.ReadFile(h.Config.Templates, name); {
		case err == nil:
			raw = own
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: Templates: %w", ErrConfig, err)
		}
	}
	t, err = t.New(name).Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: Templates: %w", ErrConfig, err)
	}
	return t, nil
}

// functions returns the functions of the templates, in a language.
func (h *Web) functions(l *Language) template.FuncMap {
	return template.FuncMap{
		"say":       l.Find, // a missing text fails the page, and New
		"rich":      l.HTML,
		"path":      h.Path,
		"day":       l.Day,
		"minute":    l.Minute,
		"when":      l.when,
		"span":      l.Span,
		"quoted":    l.Quoted,
		"browser":   l.Browser,
		"groups":    strings.Fields,
		"happened":  l.Happened,
		"language":  func() *Language { return l },
		"languages": func() []*Language { return h.languages.all },
	}
}

// content renders a page without its layout.
func (h *Web) content(l *Language, page string, data any) (template.HTML, error) {
	t := h.pages[l][page]
	if t == nil {
		return "", fmt.Errorf("web: there is no template %q", page)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("web: %w", err)
	}
	return template.HTML(b.String()), nil
}

// show answers with a page. Where a form was refused it is the page of the form
// again, with the reason and its status.
func (h *Web) show(w http.ResponseWriter, r *http.Request, page string, refused error, data pageData) error {
	return h.showAs(w, r, h.status(w, refused), page, refused, data)
}

func (h *Web) showAs(w http.ResponseWriter, r *http.Request, status int, page string, refused error, data pageData) error {
	l := h.spoken(r)
	c := data.common()
	c.Product, c.now, c.Error = h.Product, h.now(), l.explain(codeOf(page, data), refused, h.now())
	c.Notice = h.takeNotice(w, r, l)
	if c.Title == "" {
		c.Title = l.Say(page + ".title")
	}
	back := ""
	if r.Method == http.MethodGet { // a page that a form shows is shown once
		back = address(r)
	}
	content, err := h.content(l, page, data)
	if err != nil {
		return err
	}
	return h.write(w, r, status, l, Page{
		Product: h.Product, Title: c.Title, Language: l.Tag(), Failed: c.Error != "", Head: h.head(formPage(r)), Content: content, Back: back,
	})
}

// write puts the layout around a page, and sends it whole or not at all.
func (h *Web) write(w http.ResponseWriter, r *http.Request, status int, l *Language, p Page) error {
	h.headers(w)
	p.Title = strings.ReplaceAll(p.Title, "\u00ad", "") // a window shows it in one line
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", l.Tag())
	if h.Layout != nil {
		b := &buffered{ResponseWriter: w}
		if err := h.Layout(b, r, p); err != nil {
			return fmt.Errorf("web: Layout: %w", err)
		}
		w.WriteHeader(status)
		_, _ = b.body.WriteTo(w) // a browser that has gone away is not a fault
		return nil
	}
	whole, err := h.content(l, "layout", p)
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(whole))
	return nil
}

// buffered keeps what a layout writes until it is whole. The status is web's.
type buffered struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
func (b *buffered) WriteHeader(int)             {}

// formPage returns the address of the page whose form the request is, and otherwise "".
func formPage(r *http.Request) string {
	if r.Method != http.MethodPost {
		return ""
	}
	return referrer(r)
}

// head links the style sheet and the script. The script gives a page that answers a form the
// address of the page with the form: otherwise a person who goes back or reloads is asked
// whether to send the form again.
func (h *Web) head(formPage string) template.HTML {
	address := ""
	if formPage != "" {
		address = ` data-address="` + template.HTMLEscapeString(formPage) + `"`
	}
	return template.HTML(`<link rel="stylesheet" href="` + template.HTMLEscapeString(h.Path("static/web.css")) + `">` +
		`<script src="` + template.HTMLEscapeString(h.Path("static/web.js")) + `"` + address + ` defer></script>`)
}

// static serves the style sheet and the script.
func (h *Web) static() http.Handler {
	files := http.StripPrefix(h.Prefix, http.FileServerFS(staticFiles))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listings
			h.handle(func(http.ResponseWriter, *http.Request) error { return errNotFound })(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Del("Vary")
		files.ServeHTTP(w, r)
	})
}

// setNotice leaves a notice for the next page: the last part of a text's id.
func (h *Web) setNotice(w http.ResponseWriter, word string) {
	h.setCookie(w, noticeCookie, word, time.Minute)
}

// TakeNotice returns what was just done, such as "Your phone is set up", in the person's
// language, and empties it: a notice is shown once, on the page that follows. The pages of
// this package do so themselves. Show it on the pages of your own that a sign-in leads to;
// otherwise it appears on the next page of this package that is opened within a minute.
func (h *Web) TakeNotice(w http.ResponseWriter, r *http.Request) string {
	return h.takeNotice(w, r, h.LanguageOf(r))
}

// takeNotice returns the notice that was left, which is shown once.
func (h *Web) takeNotice(w http.ResponseWriter, r *http.Request, l *Language) string {
	word := h.cookie(r, noticeCookie)
	if word == "" {
		return ""
	}
	h.clearCookies(w, noticeCookie)
	text, err := l.Find("notice." + word)
	if err != nil { // it is from a browser, and may be anything
		return ""
	}
	return text
}

// newPages parses every template for every language.
func (h *Web) newPages() error {
	h.pages = make(map[*Language]pages)
	for _, l := range h.languages.all {
		p, err := h.parsePages(l)
		if err != nil {
			return err
		}
		h.pages[l] = p
	}
	return nil
}
