package app

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/web"
)

//go:embed templates static
var files embed.FS

// A view is what every template is given.
type view struct {
	Language *words.Language
	Page     string        // the template's name
	Title    string        // where it is not that of the page
	Visitor  *visitor      // nil where the page needs nothing of the person
	SignedIn *user         // nil before the session
	Notice   string        // what has just been done
	Error    string        // why the form was refused
	Failed   bool          // the page says that something was refused
	Head     template.HTML // of a page of web's
	Back     string        // where the menu of languages leads; empty: there is none
	Data     any
	now      time.Time
}

// Age is how long ago t was.
func (v view) Age(t time.Time) time.Duration { return v.now.Sub(t) }

// pages are the parsed templates by name, each with the layout.
type pages map[string]*template.Template

// newPages parses the templates once for each language.
func newPages() (map[*words.Language]pages, error) {
	all := make(map[*words.Language]pages)
	for _, l := range words.All() {
		layout, err := template.New("layout").Funcs(functions(l)).ParseFS(files, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return nil, err
		}
		names, err := fs.Glob(files, "templates/*.html")
		if err != nil {
			return nil, err
		}
		all[l] = make(pages)
		for _, name := range names {
			page := template.Must(layout.Clone()) // before it is executed, which is when it fails
			if page, err = page.ParseFS(files, name); err != nil {
				return nil, err
			}
			all[l][strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")] = page
		}
	}
	return all, nil
}

// show answers with a page, whole or not at all.
func (c *console) show(w http.ResponseWriter, r *http.Request, status int, page string, v view) error {
	v.Title = cmp.Or(v.Title, spoken(r.Context()).Say(page+".title"))
	v.Notice, v.Failed = spoken(r.Context()).Say("notice."+c.sessions.PopString(r.Context(), "notice")), v.Error != ""
	if strings.HasPrefix(v.Notice, "notice.") { // there is none
		v.Notice = ""
	}
	if r.Method == http.MethodGet { // what a form shows is shown once
		v.Back = r.URL.RequestURI()
	}
	if v.Visitor != nil {
		v.SignedIn = &v.Visitor.user
	}
	var b bytes.Buffer
	if err := c.render(&b, r, page, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", spoken(r.Context()).Tag())
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a person who has gone away is not a fault
	return nil
}

// setNotice leaves a notice for the next page: the last part of a text's id.
func (c *console) setNotice(r *http.Request, word string) {
	c.sessions.Put(r.Context(), "notice", word)
}

func (c *console) render(w io.Writer, r *http.Request, page string, v view) error {
	v.Language, v.Page, v.now = spoken(r.Context()), page, c.now()
	return c.pages[v.Language][page].ExecuteTemplate(w, "layout", v)
}

// layout puts the console's header and footer around a page of web's.
func (c *console) layout(w http.ResponseWriter, r *http.Request, p web.Page) error {
	v := view{Title: p.Title, Failed: p.Failed, Head: p.Head, Back: p.Back, Data: p.Content}
	if s, ok := c.sessions.current(r.Context()); ok {
		u, err := c.users.byID(r.Context(), s.User)
		if err != nil { // the page may be about a database that cannot be reached
			return c.render(w, r, "web", v)
		}
		v.SignedIn = &u
	}
	return c.render(w, r, "web", v)
}

func staticFiles() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listings
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=300")
		server.ServeHTTP(w, r)
	})
}

// functions are those of the templates, in a language.
func functions(l *words.Language) template.FuncMap {
	return template.FuncMap{
		"say":       l.Find, // a text that is not there fails the page
		"rich":      l.HTML,
		"language":  func() *words.Language { return l },
		"languages": words.All,
		"ago":       l.Ago,
		"minute":    l.Minute,
		"few":       func(n int) bool { return n <= 3 },
		"state":     func(state any) string { return l.Say(fmt.Sprintf("state.%v", state)) },
		"role":      func(r role) string { return l.Say("role." + string(r)) },
		"size":      func(gigabytes int) string { return size(l, gigabytes) },
		"demo":      func() []DemoAccount { return DemoAccounts },
	}
}

// Key is the part of a text's id that describes the account.
func (a DemoAccount) Key() string {
	id, _, _ := strings.Cut(a.Email, "@")
	return id
}
