package adminweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/web"
)

// A Config configures the pages. Web, Admin and Directory are required.
type Config struct {
	Web       *web.Web
	Admin     admin.Admin // the calls of the same service, with the host's rule
	Directory Directory

	// Prefix is the path that [Pages.Handler] is mounted under. The default is "/2fa-admin".
	Prefix string

	// Deliver mails a recovery code to the person, and to nobody else. Nil: no codes are
	// issued here.
	Deliver func(ctx context.Context, to Person, code admin.IssuedCode) error

	// Remind mails a person who has not enrolled. Nil: nobody is reminded here, unless
	// Reminders is set.
	Remind func(ctx context.Context, by totpflow.User, to Person, m admin.Member) error

	// Reminders makes the button call admin.Admin.Remind instead of Remind: the notifier
	// sends the letter, about event.SetupReminded. The call is made as an operator, so
	// the Rule is not asked.
	Reminders bool

	// Erase deletes the person from the host, with sessions and generation, after the
	// library's record was deleted: until then the generation keeps them out. If it fails,
	// the administrator repeats the erasure, and it is called again. Nil: nobody is erased
	// here.
	Erase func(ctx context.Context, p Person) error

	// Alerts returns the alerts of the spray detector, newest first: [Alerts.Recent]. Nil:
	// none are shown.
	Alerts func(ctx context.Context) ([]Alert, error)

	// Roles are the roles that a policy may have a mode for (policy.Roles), by the names
	// that totpflow.Config.Role returns.
	Roles []Role

	// LostRaces returns how often calls lost a race in the 24 hours before now: [Races.Lost].
	// Nil: it is not shown.
	LostRaces func(now time.Time) int
}

// A Role is a role that policies know. A host whose pages have several languages puts its
// name into its catalogues under role.ID; the Name is for languages without one.
type Role struct{ ID, Name string }

// Pages are the administrators' pages. They are safe for concurrent use.
type Pages struct {
	Config
	section *web.Section
	mux     *http.ServeMux
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed words/*.json
var wordFiles embed.FS

//go:embed static/admin.css
var style []byte

// Templates returns the package's own templates, as a starting point. A file of the same
// name in web.Config.Templates replaces one.
func Templates() fs.FS { return sub(templateFiles, "templates") }

// Catalogues returns the package's own texts. A file of web.Config.Catalogues changes
// individual texts, or adds a language.
func Catalogues() fs.FS { return sub(wordFiles, "words") }

func sub(files embed.FS, dir string) fs.FS {
	below, err := fs.Sub(files, dir)
	if err != nil { // unreachable: the path is fixed
		return files
	}
	return below
}

// New returns the pages. It tries every template on made-up data, in every language: its
// errors match [web.ErrConfig], and name what a template of the host's lacks.
func New(c Config) (*Pages, error) {
	switch {
	case c.Web == nil:
		return nil, fmt.Errorf("%w: Web is missing", web.ErrConfig)
	case c.Directory == nil:
		return nil, fmt.Errorf("%w: Directory is missing", web.ErrConfig)
	}
	c.Prefix = strings.TrimSuffix(c.Prefix, "/")
	if c.Prefix == "" {
		c.Prefix = "/2fa-admin"
	}
	if !strings.HasPrefix(c.Prefix, "/") || strings.HasPrefix(c.Prefix, "//") || strings.ContainsAny(c.Prefix, `{}\?#`) {
		return nil, fmt.Errorf("%w: Prefix is %q; it must be a path of this site, such as /office", web.ErrConfig, c.Prefix)
	}
	p := &Pages{Config: c}
	if c.Reminders && c.Remind == nil {
		p.Remind = p.remindByNotifier
	}
	var err error
	p.section, err = c.Web.Section(web.SectionConfig{
		Prefix: c.Prefix, Templates: Templates(), Catalogues: Catalogues(), Functions: functions, Explain: explain,
		Head:    template.HTML(`<link rel="stylesheet" href="` + template.HTMLEscapeString(c.Prefix) + `/admin.css">`),
		SignOut: p.Admin.CloseWindow,
	})
	if err != nil {
		return nil, err
	}
	if err := p.section.Try(p.samples); err != nil {
		return nil, err
	}
	p.mux = p.routes()
	return p, nil
}

// Handler returns the pages. Mount it under the prefix, without stripping the prefix. It
// includes web.Web.Require. For people who administer nothing it answers that there is no
// such page.
func (p *Pages) Handler() http.Handler { return p.mux }

// Path returns the address of one of the pages, for the host's links: "people",
// "policy" and "requests".
func (p *Pages) Path(page string) string { return p.section.Path(page) }

// routes lists every page. GET only shows.
func (p *Pages) routes() *http.ServeMux {
	mux := http.NewServeMux()
	page := func(pattern string, f func(http.ResponseWriter, *http.Request, visitor) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+p.Path(path), p.section.Handle(func(w http.ResponseWriter, r *http.Request, s web.Session) error {
			v, err := p.visitor(r, s)
			if err != nil {
				return err
			}
			return f(w, r, v)
		}))
	}
	page("GET {$}", func(w http.ResponseWriter, r *http.Request, _ visitor) error {
		http.Redirect(w, r, p.Path("people"), http.StatusSeeOther)
		return nil
	})
	page("GET people", p.getPeople)
	page("POST people/change", p.postPeople)
	page("GET person", p.getPerson)
	page("POST person/{change}", p.postPerson)
	page("GET policy", p.getPolicy)
	page("POST policy/set", p.postPolicy)
	page("GET requests", p.getRequests)
	page("POST requests/{id}/{answer}", p.postRequest)
	page("POST window/close", p.postCloseWindow)
	mux.HandleFunc("GET "+p.Path("admin.css"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(style)
	})
	mux.Handle("/", p.section.Handle(func(http.ResponseWriter, *http.Request, web.Session) error { return web.ErrNotFound }))
	return mux
}

// A visitor is an administrator who is signed in.
type visitor struct {
	web.Session
	tenants []Tenant
	rest    admin.WindowRest // what their window still permits
	by      admin.Administrator
}

// windowCookie keeps the name of the window that this browser has opened.
const windowCookie = "window"

// visitor returns the administrator of the request. For anybody else it answers that
// there is no such page.
func (p *Pages) visitor(r *http.Request, s web.Session) (v visitor, err error) {
	v.Session = s
	if v.tenants, err = p.Directory.Tenants(r.Context(), s.User); err != nil {
		return v, err
	}
	if len(v.tenants) == 0 {
		return v, web.ErrNotFound
	}
	v.by = admin.Administrator{User: s.User, Window: admin.Window(p.section.Cookie(r, windowCookie))}
	v.rest, err = p.Admin.WindowRest(r.Context(), v.by)
	return v, err
}

// tenant returns the tenant with this ID that the visitor administers.
func (v visitor) tenant(id string) (Tenant, bool) {
	for _, t := range v.tenants {
		if t.ID == id {
			return t, true
		}
	}
	return Tenant{}, false
}

func (v visitor) tenantIDs() (ids []string) {
	for _, t := range v.tenants {
		ids = append(ids, t.ID)
	}
	return ids
}

// person returns the person of an account, if the visitor administers it.
func (p *Pages) person(r *http.Request, v visitor, id totpflow.AccountID) (Person, error) {
	if _, ok := v.tenant(id.Tenant); !ok {
		return Person{}, web.ErrNotFound
	}
	them, err := p.Directory.Person(r.Context(), id)
	if errors.Is(err, ErrNoPerson) {
		return Person{}, web.ErrNotFound
	}
	if err == nil && them.ID != id { // the directory returned another person
		return Person{}, web.ErrNotFound
	}
	return them, err
}
