package adminweb_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/memhost"
	"github.com/totpflow/totpflow/web/webtest"
)

const password = "correct horse"

var (
	acme, globex, provider = adminweb.Tenant{ID: "acme", Name: "Acme"}, adminweb.Tenant{ID: "globex", Name: "Globex"}, adminweb.Tenant{ID: "provider", Name: "Provider"}
	boss                   = one("acme", "boss", "Bo Singh")
	deputy                 = one("acme", "deputy", "Dee Puty")
	mika                   = one("acme", "mika", "Mika Berg")
	nora                   = one("acme", "nora", "Nora Nord")
	gil                    = one("globex", "gil", "Gil Bex")
	root                   = one("provider", "root", "Ruth Root")
)

func one(tenant, user, name string) adminweb.Person {
	return adminweb.Person{ID: totpflow.AccountID{Tenant: tenant, User: user}, Name: name, Address: user + "@" + tenant + ".example", Role: "User"}
}

// A site is a product with the pages of people and those of administrators.
type site struct {
	t         *testing.T
	url       string
	clock     *totptest.Clock
	host      *memhost.Host
	directory *adminweb.Memory
	service   *totpflow.Service
	admin     admin.Admin
	pages     *web.Web
	office    *adminweb.Pages
	alerts    adminweb.Alerts
	races     adminweb.Races
	phones    map[totpflow.AccountID]*totptest.Authenticator

	mu       sync.Mutex
	twins    map[totpflow.AccountID]totpflow.AccountID // accounts of one person
	mails    []admin.IssuedCode
	mailDown bool
	bounces  string // the name of people who get no mail
	refused  string // a tenant that the rule refuses
	reminded []string
	erased   []string
	hangUp   context.CancelFunc // ends the last request as a browser does that hangs up
	logged   strings.Builder
}

var errRule = errors.New("the host's rule says no")

// newSite serves Acme with Bo and Dee as administrators, and a provider above it whose
// administrator also manages Globex. Everybody except Nora has set up.
func newSite(t *testing.T, change ...func(*totpflow.Config)) *site {
	t.Helper()
	s := &site{
		t: t, clock: totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)), host: memhost.New(), directory: &adminweb.Memory{},
		phones: map[totpflow.AccountID]*totptest.Authenticator{},
	}
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	c := totpflow.Config{
		Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Now: s.clock.Now, Observer: event.ObserverFunc(func(context.Context, event.Event) {}),
		ParentTenants: func(_ context.Context, tenant string) ([]string, error) {
			if tenant == provider.ID {
				return nil, nil
			}
			return []string{provider.ID}, nil
		},
		Role: func(_ context.Context, id totpflow.AccountID) (string, error) {
			if id == boss.ID || id == deputy.ID {
				return "admin", nil
			}
			return "user", nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	s.service, err = totpflow.New(c)
	require.NoError(t, err)
	s.admin = admin.New(s.service, func(ctx context.Context, actor totpflow.User, action totpflow.Action, target store.AccountID) error {
		if action == admin.ActionApprove && target.User != "" && s.twin(actor.ID) == target {
			return admin.ErrSelf
		}
		if s.refuses(target.Tenant) {
			return errRule
		}
		if tenants, err := s.directory.Tenants(ctx, actor); err != nil || len(tenants) == 0 {
			return errRule
		}
		return nil
	})
	s.pages, err = web.New(web.Config{
		Service: s.service, Host: s.host, Product: "Acme Backup", KeepGeneration: s.host.KeepGeneration, Now: s.clock.Now,
		Log:        slog.New(slog.NewTextHandler(&s.logged, nil)),
		Catalogues: fstest.MapFS{"de.json": {Data: []byte(`{"role": {"admin": "Verwalter"}}`)}},
	})
	require.NoError(t, err)
	for _, p := range []adminweb.Person{boss, deputy, mika, nora, gil, root} {
		s.directory.Add(p)
		s.host.Add(totpflow.User{ID: p.ID, Name: p.Address}, password)
		if p != nora {
			s.hire(p)
		}
	}
	s.directory.Appoint(boss.ID, acme)
	s.directory.Appoint(deputy.ID, acme)
	s.directory.Appoint(root.ID, provider, acme, globex)
	s.office, err = adminweb.New(adminweb.Config{
		Web: s.pages, Admin: s.admin, Directory: s.directory, Alerts: s.alerts.Recent, LostRaces: s.races.Lost,
		Roles: []adminweb.Role{{ID: "admin", Name: "Administrator"}, {ID: "user", Name: "User"}},
		Deliver: func(_ context.Context, to adminweb.Person, c admin.IssuedCode) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.mailDown || s.bounces == to.Name {
				return errors.New("the mail server is down")
			}
			s.mails = append(s.mails, c)
			return nil
		},
		Remind: func(_ context.Context, by totpflow.User, to adminweb.Person, _ admin.Member) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reminded = append(s.reminded, to.Address+" by "+by.ID.User)
			return nil
		},
		Erase: func(ctx context.Context, p adminweb.Person) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.erased = append(s.erased, p.ID.User)
			s.directory.Remove(p.ID)
			return nil
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/2fa/", s.pages.Handler())
	mux.Handle("/2fa-admin/", s.office.Handler())
	mux.HandleFunc("GET /signin", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<form method=post action="/signin"><input name=email><input name=password></form>`))
	})
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		u, err := s.host.LogIn(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.pages.AfterPassword(w, r, u)
	})
	mux.Handle("/", s.pages.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>Home</h1>")) })))
	s.url = webtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		s.mu.Lock()
		s.hangUp = cancel
		s.mu.Unlock()
		mux.ServeHTTP(w, r.WithContext(ctx))
	}))
	return s
}

func (s *site) refuses(tenant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused != "" && s.refused == tenant
}

func (s *site) twin(id totpflow.AccountID) totpflow.AccountID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.twins[id]
}

// same makes one account another one of the same person.
func (s *site) same(id, other totpflow.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.twins = map[totpflow.AccountID]totpflow.AccountID{id: other}
}

var ops = admin.Operator{Name: "root", Reason: "ticket 7"}

// hire gives a person an authenticator, without the cost of a set of recovery codes.
func (s *site) hire(p adminweb.Person) {
	s.t.Helper()
	key, err := totp.NewKey(totp.Params{})
	require.NoError(s.t, err)
	uri, err := key.URI(totp.Label{Issuer: "x", Account: p.ID.User})
	require.NoError(s.t, err)
	s.phones[p.ID], err = totptest.ScanURI(uri, s.clock)
	require.NoError(s.t, err)
	outcomes, err := s.admin.Import(context.Background(), ops, []admin.Imported{{ID: p.ID, Name: "Phone of " + p.ID.User, Key: key}})
	require.NoError(s.t, err)
	require.NoError(s.t, outcomes[0].Err)
}

// A person is the browser of somebody who is signed in.
type person struct {
	*webtest.Browser
	s     *site
	phone *totptest.Authenticator
}

// as signs a person in, in a browser of their own.
func (s *site) as(p adminweb.Person) *person {
	s.t.Helper()
	b := webtest.NewBrowser(s.t, s.url)
	b.Get("/signin")
	b.Page.Submit("/signin", "email", p.Address, "password", password)
	if phone := s.phones[p.ID]; phone != nil {
		b.Page.Submit("/2fa/code", "code", phone.Code())
	}
	require.Equal(s.t, "/", b.Page.Path)
	return &person{b, s, s.phones[p.ID]}
}

// open opens the page of a person.
func (p *person) open(of adminweb.Person) *webtest.Page {
	p.s.t.Helper()
	page := p.Get("/2fa-admin/person?" + url.Values{"tenant": {of.ID.Tenant}, "user": {of.ID.User}}.Encode())
	require.Equal(p.s.t, http.StatusOK, page.Status, page.HTML)
	return page
}

// confirm types the code that the page of confirmation asks for.
func (p *person) confirm() *webtest.Page {
	p.s.t.Helper()
	to := p.Page.Path
	require.NotEmpty(p.s.t, p.Page.Fields(to), p.Page.HTML)
	page := p.Page.Submit(to, "totpflow_code", p.phone.Code())
	require.Equal(p.s.t, http.StatusOK, page.Status, page.Text("error"))
	return page
}

func (s *site) member(p adminweb.Person) admin.Member {
	s.t.Helper()
	m, err := s.admin.Member(context.Background(), ops, p.ID)
	require.NoError(s.t, err)
	return m
}

func (s *site) freeze(p adminweb.Person) {
	s.t.Helper()
	e := event.Event{Kind: event.PasswordChanged, At: s.clock.Now(), Tenant: p.ID.Tenant, User: p.ID.User}
	_, err := s.service.Disown(context.Background(), s.service.NewDisownToken(e))
	require.NoError(s.t, err)
}

func (s *site) setPolicy(tenant string, p policy.Policy) {
	s.t.Helper()
	require.NoError(s.t, s.admin.SetPolicy(context.Background(), ops, tenant, p))
}

func (s *site) policyOf(tenant string) policy.Policy {
	s.t.Helper()
	st, err := s.admin.Tenant(context.Background(), ops, tenant)
	require.NoError(s.t, err)
	return st.Own
}

var withPhones = func(c *totpflow.Config) {
	c.Phones = &phone.Delivery{Sender: nobody{}, Destinations: phone.Destinations{Only: []string{"+43"}}}
}

type nobody struct{}

func (nobody) Send(context.Context, phone.Message) error { return nil }
