package app

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/web"
)

//go:embed templates static
var files embed.FS

// A view is what every template gets.
type view struct {
	Language *words.Language
	Page     string        // the template's name
	Path     string        // of the request; the header marks its part
	Title    string        // if it differs from the page's own
	SignedIn *user         // nil without a session
	Grace    time.Time     // the time by which a second factor must be set up; zero: no deadline
	Error    string        // why the form was refused
	Notice   string        // what was just done
	Failed   bool          // the page says that something was refused
	Head     template.HTML // from a page of web
	Waiting  int           // requests that an administrator may approve
	Back     string        // where the menu of languages leads; empty for no menu
	Data     any
}

// pages are the parsed templates by name, each with the layout.
type pages map[string]*template.Template

// newPages parses the templates once for each language.
func newPages() (map[*words.Language]pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := make(map[*words.Language]pages)
	for _, l := range words.All() {
		all[l] = make(pages)
		for _, name := range names {
			page, err := template.New("").Funcs(functions(l)).ParseFS(files, "templates/layout.html", "templates/parts.html", name)
			if err != nil {
				return nil, err
			}
			all[l][strings.TrimSuffix(path.Base(name), ".html")] = page
		}
	}
	return all, nil
}

// functions returns the functions of the templates, in a language.
func functions(l *words.Language) template.FuncMap {
	return template.FuncMap{
		"say":       l.Find, // a missing text fails the page
		"rich":      l.HTML,
		"language":  func() *words.Language { return l },
		"languages": words.All,
		"minute":    l.Minute,
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

// show answers with a page, either whole or not at all.
func (c *console) show(w http.ResponseWriter, r *http.Request, status int, page string, v view) error {
	v.Title, v.Failed, v.Notice = cmp.Or(v.Title, spoken(r.Context()).Say(page+".title")), v.Error != "", c.web.TakeNotice(w, r)
	if r.Method == http.MethodGet { // the answer to a form cannot be shown again
		v.Back = r.URL.RequestURI()
	}
	var b bytes.Buffer
	if err := c.render(&b, r, page, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", spoken(r.Context()).Tag())
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a person who has left is not a fault
	return nil
}

func (c *console) render(w io.Writer, r *http.Request, page string, v view) error {
	v.Language, v.Page, v.Path = spoken(r.Context()), page, r.URL.Path
	if v.SignedIn != nil && v.SignedIn.Administers() {
		v.Waiting, _ = c.office.Waiting(r.Context(), v.SignedIn.account()) // an error is reported by the page of the requests
	}
	return c.pages[v.Language][page].ExecuteTemplate(w, "layout", v)
}

// layout puts the console's header and footer around a page of web.
func (c *console) layout(w http.ResponseWriter, r *http.Request, p web.Page) error {
	v := view{Title: p.Title, Failed: p.Failed, Head: p.Head, Back: p.Back, Data: p.Content}
	if u, _, err := c.signedIn(r); err == nil { // no error: the page may say that the database cannot be reached
		v.SignedIn = &u
	}
	return c.render(w, r, "web", v)
}

func staticFiles() http.Handler {
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		server.ServeHTTP(w, r)
	})
}
