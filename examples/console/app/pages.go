package app

import (
	"bytes"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
)

//go:embed templates static
var files embed.FS

// A view is what every template is given.
type view struct {
	Title    string
	Visitor  *visitor // nil before the session
	SignedIn bool     // where there is a session but its data does not matter
	Notice   string   // what has just been done
	Error    string   // why the form was refused, or the page failed
	Data     any
	now      time.Time
}

// For is how long it is until t, in words.
func (v view) For(t time.Time) string { return span(t.Sub(v.now)) }

// Since is how long ago t was, in short words, rounded down.
func (v view) Since(t time.Time) string {
	d := v.now.Sub(t)
	u, _ := unit(d)
	return strings.NewReplacer("minutes", "min", "minute", "min").Replace(span(d.Truncate(u))) + " ago"
}

// Nav reports whether to show the navigation of a signed-in person.
func (v view) Nav() bool { return v.Visitor != nil || v.SignedIn }

// pages are the parsed templates by name, each with the layout.
type pages map[string]*template.Template

func newPages() pages {
	layout := template.Must(template.New("layout").Funcs(words).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is fixed
	}
	p := make(pages)
	for _, name := range names {
		page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		p[page] = template.Must(template.Must(layout.Clone()).ParseFS(files, name))
	}
	return p
}

// render writes a page whole or not at all.
func (p pages) render(w http.ResponseWriter, status int, page string, v view) {
	var b bytes.Buffer
	if err := p[page].ExecuteTemplate(&b, "layout", v); err != nil {
		slog.Error("console: template", "page", page, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a person who has gone away is no fault
}

// show answers with a page. When a form was refused it is shown again, with
// the reason and its status.
func (c *console) show(w http.ResponseWriter, r *http.Request, page string, refused error, v view) error {
	v.Notice, v.now, v.Error = takeNotice(w, r), c.now(), explain(page, refused, c.now())
	c.pages.render(w, status(w, refused), page, v)
	return nil
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

func (c *console) getSignIn(w http.ResponseWriter, r *http.Request) error {
	if _, ok := c.sessions.current(r.Context()); ok {
		return redirect(w, r, "/")
	}
	return c.show(w, r, "signin", nil, view{Title: "Sign in"})
}

// signInPage is the form again, after a wrong password, for an account that is
// closed, or for a machine's. It does not say which of address and password was
// wrong.
func (c *console) signInPage(w http.ResponseWriter, r *http.Request, refused error) error {
	if !errors.Is(refused, errPassword) && !errors.Is(refused, totpflow.ErrExempt) && !errors.Is(refused, totpflow.ErrFrozen) {
		return refused
	}
	return c.show(w, r, "signin", refused, view{Title: "Sign in", Data: r.PostFormValue("email")})
}

// codePage is what the forms of the second step show.
type codePage struct {
	totpflow.Decision
	Wait  string // why single codes have to wait, where that is not the error anyway
	Calls bool
	Sent  phone.Via // how a code by phone was sent; empty before
	To    string    // the phone that it was sent to
}

// App, Recovery and Issued report which codes the person may have.
func (p codePage) App() bool      { return slices.Contains(p.Methods, totpflow.MethodCode) }
func (p codePage) Recovery() bool { return slices.Contains(p.Methods, totpflow.MethodRecoveryCode) }
func (p codePage) Issued() bool   { return slices.Contains(p.Methods, totpflow.MethodIssuedCode) }

// setupPage is what the set-up page shows.
type setupPage struct {
	totpflow.SetUpPage
	Adds  bool   // it will stand beside others
	Codes bool   // recovery codes come with it
	Name  string // typed before the form was refused
	Phone bool   // a phone may be set up instead
}

// MaxName is the longest name of an authenticator.
func (p setupPage) MaxName() int { return enroll.MaxName }

// QR is the picture, within the page: a request of its own for it would put
// the secret into one more answer.
func (p setupPage) QR() (template.URL, error) {
	const scale = 6 // pixels per module: about 320 for the names of this console
	png, err := p.Offer.PNG(scale)
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)), err
}

// Link opens the authenticator app on a phone that shows this page. It is safe
// to mark it so: the library has encoded it.
func (p setupPage) Link() template.URL { return template.URL(p.Offer.URI()) }

// forms are those of a page that ask a signed-in person for a code.
type forms struct {
	*visitor
	form string // which one was refused
}

// Formless reports that what was refused has no form on the page.
func (p forms) Formless() bool { return p.form == "" }

// Form is what the template of one form needs.
func (p forms) Form(name, message string) codeForm {
	f := codeForm{Name: name, Refused: name == p.form, Pair: p.Waiting != nil}
	if f.Refused {
		f.Error = message
	}
	return f
}

type codeForm struct {
	Name    string
	Error   string
	Refused bool // shown open, with the error
	Pair    bool // a second code is asked for, too
}

// sheetPage is what the page with recovery codes shows.
type sheetPage struct {
	recovery.Sheet
	Cleared []string // what has stopped working
	Added   bool     // beside others
}

// sheetPage shows what cannot be shown again, and keeps nothing of it.
func (c *console) sheetPage(w http.ResponseWriter, r *http.Request, p sheetPage) error {
	title := "Save your recovery codes"
	if len(p.Codes) == 0 { // those of before stay, or policy allows none
		title = "Save your set-up key"
	}
	return c.show(w, r, "sheet", nil, view{Title: title, SignedIn: true, Data: p})
}

// Download is the sheet as a text file in a link. It lies in the page, so that
// the server needs neither keep the codes nor be sent them again.
func (p sheetPage) Download() template.URL {
	return template.URL("data:text/plain;charset=utf-8," + url.PathEscape(p.Text()))
}

// Key is the set-up key in groups of four.
func (p sheetPage) Key() string {
	var groups []string
	for s := p.Secret; s != ""; {
		n := min(4, len(s))
		groups, s = append(groups, s[:n]), s[n:]
	}
	return strings.Join(groups, " ")
}

func day(t time.Time) string    { return t.UTC().Format("2 January 2006") }
func minute(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// words are the functions of the templates.
var words = template.FuncMap{
	"span":     span,
	"few":      func(n int) bool { return n <= 3 },
	"day":      day,
	"minute":   minute,
	"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"happened": happened,
	"state":    stateWord,
	"member":   memberWord,
	"quoted":   quoted,
	"lower":    strings.ToLower,
	"demo":     func() []DemoAccount { return DemoAccounts },
	"size":     size,
}
