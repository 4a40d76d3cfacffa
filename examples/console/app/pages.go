package app

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
)

//go:embed templates static
var files embed.FS

// A view is what every template is given.
type view struct {
	Language *words.Language
	Page     string   // the template's name
	Title    string   // where it is not that of the page
	Visitor  *visitor // nil before the session
	SignedIn bool     // where there is a session but its data does not matter
	Notice   string   // what has just been done
	Error    string   // why the form was refused, or the page failed
	Back     string   // where the menu of languages leads; empty: there is none
	Data     any
	now      time.Time
}

// Until is how long it is until t.
func (v view) Until(t time.Time) time.Duration { return t.Sub(v.now) }

// Age is how long ago t was.
func (v view) Age(t time.Time) time.Duration { return v.now.Sub(t) }

// Nav reports whether to show the navigation of a signed-in person.
func (v view) Nav() bool { return v.Visitor != nil || v.SignedIn }

// pages are the parsed templates by name, each with the layout.
type pages map[string]*template.Template

// newPages parses the templates once for each language.
func newPages() map[*words.Language]pages {
	all := make(map[*words.Language]pages)
	for _, l := range words.All() {
		all[l] = parsePages(l)
	}
	return all
}

func parsePages(l *words.Language) pages {
	layout := template.Must(template.New("layout").Funcs(functions(l)).ParseFS(files, "templates/layout.html", "templates/parts.html"))
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
func (c *console) render(w http.ResponseWriter, status int, page string, v view) {
	var b bytes.Buffer
	v.Page = page
	if err := c.pages[v.Language][page].ExecuteTemplate(&b, "layout", v); err != nil {
		slog.Error("console: template", "page", page, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Language.Tag())
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a person who has gone away is not a fault
}

// show answers with a page. When a form was refused it is shown again, with
// the reason and its status.
func (c *console) show(w http.ResponseWriter, r *http.Request, page string, refused error, v view) error {
	l := spoken(r.Context())
	v.Language, v.Back, v.now = l, c.back(r, refused), c.now()
	v.Title = cmp.Or(v.Title, l.Say(page+".title"))
	v.Notice, v.Error = takeNotice(w, r), explain(l, page, refused, c.now())
	c.render(w, status(w, refused), page, v)
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
	return c.show(w, r, "signin", nil, view{})
}

// signInPage is the form again, after a wrong password, for an account that is
// closed, or for a machine's. It does not say which of address and password was
// wrong.
func (c *console) signInPage(w http.ResponseWriter, r *http.Request, refused error) error {
	if !errors.Is(refused, errPassword) && !errors.Is(refused, totpflow.ErrExempt) && !errors.Is(refused, totpflow.ErrFrozen) {
		return refused
	}
	return c.show(w, r, "signin", refused, view{Data: r.PostFormValue("email")})
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

// setupPage is what the enrollment page shows.
type setupPage struct {
	totpflow.PendingEnrollment
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

// Formless reports that the refused request has no form on the page.
func (p forms) Formless() bool { return p.form == "" }

// Form is what the template of one form needs.
func (p forms) Form(name, message string) codeForm {
	f := codeForm{Name: name, Refused: name == p.form, Pair: p.Throttled != nil}
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
	title := ""
	if len(p.Codes) == 0 { // those of before stay, or policy allows none
		title = spoken(r.Context()).Say("sheet.titleKey")
	}
	return c.show(w, r, "sheet", nil, view{Title: title, SignedIn: true, Data: p})
}

// Download is the sheet as a text file in a link. It is in the page, so that the
// server need neither keep the codes nor be sent them again.
func (p sheetPage) Download(l *words.Language) template.URL {
	return template.URL("data:text/plain;charset=utf-8," + url.PathEscape(p.text(l)))
}

// Key is the enrollment key for people.
func (p sheetPage) Key() string { return inFours(p.Secret) }

// inFours has a long text in groups of four, which people can compare and a line
// can break between.
func inFours(s string) string {
	var groups []string
	for s != "" {
		n := min(4, len(s))
		groups, s = append(groups, s[:n]), s[n:]
	}
	return strings.Join(groups, " ")
}

// text is the sheet as plain text, to be saved as a file or printed. Nothing in
// a name can add a line or a terminal escape.
func (p sheetPage) text(l *words.Language) string {
	title := l.Say("sheet.textTitle", "Issuer", printable(p.Issuer))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", title, strings.Repeat("=", utf8.RuneCountInString(title)))
	b.WriteString(l.Say("sheet.text", "Account", printable(p.Account), "Made", l.Minute(p.Made)))
	for i, code := range p.Codes {
		fmt.Fprintf(&b, "  %2d.  %s\n", i+1, code)
	}
	if p.Secret != "" {
		b.WriteString(l.Say("sheet.textKey", "Key", p.Key()))
	}
	return b.String()
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// functions are those of the templates, in a language.
func functions(l *words.Language) template.FuncMap {
	return template.FuncMap{
		"say":       l.Find, // a text that is not there fails the page
		"rich":      l.HTML,
		"language":  func() *words.Language { return l },
		"languages": words.All,
		"span":      l.Span,
		"ago":       l.Ago,
		"day":       l.Day,
		"minute":    l.Minute,
		"quoted":    l.Quoted,
		"few":       func(n int) bool { return n <= 3 },
		"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"happened":  func(e event.Event) string { return happened(l, e) },
		"state":     func(state any) string { return stateWord(l, state) },
		"role":      func(r role) string { return l.Say("role." + string(r)) },
		"member":    func(s admin.MemberState) string { return memberWord(l, s) },
		"size":      func(gigabytes int) string { return size(l, gigabytes) },
		"demo":      demoRows,
	}
}

// A demoRow is one of the demo accounts on the page of the sign-in.
type demoRow struct {
	DemoAccount
	ID string
}

func demoRows() (rows []demoRow) {
	for _, a := range DemoAccounts {
		id, _, _ := strings.Cut(a.Email, "@")
		rows = append(rows, demoRow{a, id})
	}
	return rows
}
