package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/memhost"
	"github.com/totpflow/totpflow/web/webtest"
)

var (
	ana = totpflow.User{ID: totpflow.AccountID{User: "1"}, Name: "ana@acme.example"}
	ben = totpflow.User{ID: totpflow.AccountID{User: "2"}, Name: "ben@acme.example"}
)

const password = "correct horse"

// A site is a product with the pages in front of it: a start page, backups with a
// delete button, a change of the password.
type site struct {
	t       testing.TB
	url     string
	clock   *totptest.Clock
	store   *totptest.Store
	line    *line
	host    *memhost.Host
	service *totpflow.Service
	pages   *web.Web
	policy  *changing

	mu      sync.Mutex
	events  []event.Event
	heard   func(event.Event) // nil, or what a test does at an event
	texts   []phone.Message
	sending error    // of the provider
	deleted []string // what the delete handler received
	logged  strings.Builder
	answers []answer // to every request, redirects included
}

// An answer is the answer to a request.
type answer struct {
	request string // method and path, with the query
	header  http.Header
}

// A line to the store can break behind a write: it takes place, its answer is lost, and
// nobody can look at the store until the line is back.
type line struct {
	store.Store

	mu               sync.Mutex
	breaking, broken bool
	hidden           store.AccountID // the account whose record cannot be read
	why              error
}

var errLine = errors.New("the line is broken")

func (l *line) set(breaking bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaking, l.broken = breaking, false
}

func (l *line) hide(id store.AccountID, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hidden, l.why = id, why
}

func (l *line) Put(ctx context.Context, rec store.Record, was store.Version) error {
	err := l.Store.Put(ctx, rec, was)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken = l.breaking; l.broken {
		return errLine
	}
	return err
}

func (l *line) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return store.Record{}, errLine
	}
	if l.why != nil && id == l.hidden {
		return store.Record{}, l.why
	}
	return l.Store.Get(ctx, id)
}

// A changing policy is set by the test.
type changing struct {
	mu sync.Mutex
	p  policy.Policy
}

func (c *changing) Policy(context.Context, totpflow.AccountID) (policy.Policy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.p, nil
}

func (c *changing) set(p policy.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.p = p
}

type sender struct{ s *site }

func (x sender) Send(_ context.Context, m phone.Message) error {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.s.sending != nil {
		return x.s.sending
	}
	x.s.texts = append(x.s.texts, m)
	return nil
}

// newSite serves a product whose policy is optional.
func newSite(t testing.TB, change ...func(*web.Config)) *site {
	t.Helper()
	s := &site{
		t: t, clock: totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)), line: &line{Store: store.NewMemory()},
		host: memhost.New(), policy: &changing{p: policy.Policy{Mode: policy.Optional}},
	}
	s.store = totptest.Wrap(s.line)
	s.host.Add(ana, password)
	s.host.Add(ben, password)
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s.service, err = totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s.store, Keys: keys, Policy: s.policy, Now: s.now,
		Phones: &phone.Delivery{Sender: sender{s}, Compose: web.Compose, Destinations: phone.Destinations{Only: []string{"+43"}}},
		Observer: event.ObserverFunc(func(_ context.Context, e event.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
			if s.heard != nil {
				s.heard(e)
			}
		}),
	})
	require.NoError(t, err)
	c := web.Config{
		Service: s.service, Host: s.host, Product: "Acme Backup", KeepGeneration: s.host.KeepGeneration, Calls: true,
		Now: s.now, Log: slog.New(slog.NewTextHandler(&s.logged, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	s.pages, err = web.New(c)
	require.NoError(t, err)
	s.url = webtest.Serve(t, s.recorded(s.product()))
	return s
}

// now returns a clock that runs: later events have a later time.
func (s *site) now() time.Time {
	s.clock.Advance(time.Millisecond)
	return s.clock.Now()
}

func (s *site) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answers = append(s.answers, answer{r.Method + " " + r.URL.RequestURI(), w.Header().Clone()})
	})
}

// product returns the host's own part.
func (s *site) product() http.Handler {
	mux := http.NewServeMux()
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	mux.HandleFunc("GET /signin", page(`<h1>Sign in</h1><form method=post action="/signin"><input name=email><input name=password type=password></form>`))
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		u, err := s.host.LogIn(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.pages.AfterPassword(w, r, u)
	})
	mux.HandleFunc("POST /api/signin", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email, Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			s.pages.Fail(w, r, err)
			return
		}
		u, err := s.host.LogIn(r.Context(), in.Email, in.Password)
		if err != nil {
			s.pages.Fail(w, r, err)
			return
		}
		s.pages.AfterPassword(w, r, u)
	})
	mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		u := web.SessionOf(r).User
		if err := s.host.SetPassword(u.ID, r.PostFormValue("password")); err != nil {
			s.pages.Fail(w, r, err)
			return
		}
		if err := s.pages.PasswordChanged(w, r, u); err != nil {
			s.pages.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	target := func(r *http.Request) (web.Target, error) {
		if r.PathValue("id") == "gone" {
			return web.Target{}, web.ErrNotFound
		}
		return web.Target{ID: r.PathValue("id"), Name: "Backup " + r.PathValue("id")}, nil
	}
	mux.Handle("POST /backups/{id}/delete", s.pages.StepUp("delete backup", target)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deleted = append(s.deleted, r.PathValue("id")+" "+r.PostForm.Encode())
		_, _ = w.Write([]byte("<h1>Deleted</h1>"))
	})))
	mux.HandleFunc("GET /backups/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`<p class=done>` + html.EscapeString(s.pages.TakeNotice(w, r)) + `</p><h1>Backup ` + r.PathValue("id") + `</h1><form method=post action="/backups/` + r.PathValue("id") +
			`/delete?why=test"><input name=note value="a &amp; b"><input name=copy value=1><input name=copy value=2></form>`))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("<h1>Home of " + web.SessionOf(r).User.Name + "</h1>" + `<form method=post action="/password"><input name=password></form>`))
	})
	root := http.NewServeMux()
	root.Handle(s.pages.Prefix+"/", s.pages.Handler())
	root.Handle("/signin", mux)
	root.Handle("/api/signin", mux)
	root.Handle("/backups/{id}/delete", mux)
	root.Handle("/", s.pages.Require(mux))
	return root
}

// browser returns a browser without cookies.
func (s *site) browser() *person { return &person{webtest.NewBrowser(s.t, s.url), s, nil} }

// A person is a browser and a phone.
type person struct {
	*webtest.Browser
	s     *site
	phone *totptest.Authenticator
}

// password signs in with the right password, on the page that the browser shows if that
// is the sign-in.
func (p *person) password(u totpflow.User) *webtest.Page {
	p.s.t.Helper()
	if p.Page == nil || p.Page.Path != "/signin" {
		p.Get("/signin")
	}
	return p.Page.Submit("/signin", "email", u.Name, "password", password)
}

// scan sets the phone up from the enrollment page that the browser shows.
func (p *person) scan() {
	p.s.t.Helper()
	for _, link := range p.Page.Links() {
		if strings.HasPrefix(link, "otpauth:") {
			phone, err := totptest.ScanURI(link, p.s.clock)
			require.NoError(p.s.t, err)
			p.phone = phone
			return
		}
	}
	require.Failf(p.s.t, "no enrollment page", "%s: %s", p.Page.Path, p.Page.Text("h1"))
}

// enroll signs in and sets up, and returns the recovery codes.
func (p *person) enroll(u totpflow.User) []string {
	p.s.t.Helper()
	p.password(u)
	p.Get("/2fa/setup")
	if p.Page.Text("h1") == "Set up two-factor authentication" && len(p.Page.Texts("key")) == 0 {
		p.Page.Submit("/2fa/setup/password", "password", password)
	}
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	codes := p.Page.Texts("recovery-code")
	require.Len(p.s.t, codes, 10)
	p.Page.Submit("/2fa/security/saved")
	return codes
}

// user returns a browser of a person who has set up, and who was not signed in yet.
func (s *site) user(u totpflow.User) (*person, []string) {
	s.t.Helper()
	p := s.browser()
	codes := p.enroll(u)
	fresh := s.browser()
	fresh.phone = p.phone
	return fresh, codes
}

// is requires what the browser shows.
func (p *person) is(status int, path, heading string) *webtest.Page {
	p.s.t.Helper()
	require.Equal(p.s.t, []any{status, path, heading}, []any{p.Page.Status, p.Page.Path, p.Page.Text("h1")}, p.Page.Text("main"))
	return p.Page
}
