// Package app is a small backup console, to copy from: people sign in with a
// password and then with the second step, and see their machines and their backups.
//
// The names of the files say what they are for, from the top down:
//
//	app*        puts everything together: New, the service, the layout, the administrators' pages
//	signin      the password, and the choice among a person's accounts
//	api*        the JSON API, for programs
//	host*       what web asks of the console: sessions of browsers
//	mail*       mails about changes, to those who approve, reminders; codes by SMS and by calls
//	backup_*    what the product is about: the backups, and their pages
//	people_*    people, their accounts and organisations, passwords; language.go is theirs as well
//	database*   the file and its tables
//
// The pages of the second factor are those of module web, in the console's layout, and
// those of administrators are those of web/adminweb.
package app

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
)

// Options are what the console is made of. DB and Keys are required.
type Options struct {
	DB       *sql.DB          // from Open
	Keys     *keyring.Ring    // seals the second factors
	Require  bool             // everybody has to set up a second factor; otherwise it is optional
	Now      func() time.Time // nil: time.Now
	Observer event.Observer   // nil: the log
	Mail     Mailer           // nil: the log names each mail, and that is all
	Phones   phone.Sender     // of codes by SMS and voice; nil: the log names each message, and that is all
	NoCalls  bool             // Phones sends SMS only
	URL      string           // the console's address, for links in mails: never from a request, which may name any host
}

// A console is everything behind the handler. It is web's host.
type console struct {
	mfa      *totpflow.Service
	web      *web.Web        // the pages of the second factor
	office   *adminweb.Pages // those of administrators
	alerts   adminweb.Alerts // what the spray detector has found
	races    adminweb.Races  // that calls have lost
	users    *users
	sessions *sessions
	pages    map[*words.Language]pages
	now      func() time.Time
	tenants  tenants
	archive  archive
	programs apiSessions
	keys     machineKeys
	register http.Handler // makes the key of a machine, after a code
	mail     Mailer
	calls    bool // codes by phone may be calls
	url      string
}

// New returns the console. It brings the database up to date, and creates the
// demo accounts when there are no accounts yet.
func New(o Options) (*Console, error) {
	ctx := context.Background()
	if o.Now == nil {
		o.Now = time.Now
	}
	accounts, err := newUsers(ctx, o.DB)
	if err != nil {
		return nil, err
	}
	factors := sqlstore.New(o.DB, sqlstore.SQLite)
	if err := factors.Migrate(ctx); err != nil {
		return nil, err
	}
	if o.Mail == nil {
		o.Mail = logMailer{}
	}
	c := &console{users: accounts, tenants: tenants{o.DB}, programs: apiSessions{o.DB, o.Keys}, keys: machineKeys{o.DB}, now: o.Now, mail: o.Mail, calls: !o.NoCalls, url: strings.TrimSuffix(o.URL, "/")}
	if c.mfa, err = c.newService(o, factors); err != nil {
		return nil, err
	}
	if c.pages, err = newPages(); err != nil {
		return nil, err
	}
	if c.web, err = c.newWeb(); err != nil { // before anything causes a mail, which has a link
		return nil, err
	}
	if c.office, err = c.newOffice(); err != nil {
		return nil, err
	}
	c.register = c.web.StepUp(actionRegister, c.theMachine)(c.page(c.makeMachineKey))
	if err := c.exemptMachines(ctx); err != nil {
		return nil, err
	}
	if c.archive, err = newArchive(ctx, c.users, o.Now()); err != nil {
		return nil, err
	}
	c.sessions = newSessions(o.DB)
	c.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.web.Fail(w, r.WithContext(context.WithValue(r.Context(), loaded{}, nil)), unavailable(err))
	}
	return &Console{c.handler(), c}, nil
}

// A Console is the program without its listener.
type Console struct {
	http.Handler
	console *console
}

// Run sends the mails that are due, every minute until ctx ends, and reminds people every
// hour.
func (c *Console) Run(ctx context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		if err := c.Deliver(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "console: mails wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		case <-hour.C:
			if err := c.Remind(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "console: people were not reminded", "error", err)
			}
		}
	}
}

// Deliver sends the mails that are due: those that the mail server did not take.
func (c *Console) Deliver(ctx context.Context) error {
	_, err := c.console.mfa.Deliver(ctx)
	return err
}

// Drain waits until the mails under way are sent.
func (c *Console) Drain(ctx context.Context) error { return c.console.mfa.Drain(ctx) }

// routes lists the console's pages.
func (c *console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /signin", c.page(c.getSignIn))
	mux.Handle("POST /signin", c.page(c.postSignIn))
	mux.Handle("GET /organisation", c.page(c.getOrganisation))
	mux.Handle("POST /organisation", c.page(c.postOrganisation))
	mux.Handle(c.web.Path(""), c.open(c.web.Handler()))
	mux.Handle(c.office.Path(""), c.office.Handler())

	mux.Handle("GET /{$}", c.signedIn(c.getHome))
	mux.Handle("GET /backups", c.signedIn(c.getArchive))
	mux.Handle("POST /backups/{id}/delete", c.web.StepUp(actionDeleteBackup, c.theBackup)(c.visited(c.postDelete)))
	mux.Handle("POST /backups/{id}/key", c.web.StepUp(actionShowKey, c.theBackup)(c.visited(c.postKey)))

	mux.Handle("/", c.page(func(http.ResponseWriter, *http.Request) error { return web.ErrNotFound }))
	return mux
}

func (c *console) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", staticFiles())
	mux.Handle("GET /ready", c.page(c.ready))
	mux.Handle("/api/", c.withLanguage(c.open(c.api())))
	mux.Handle("/", c.withLanguage(c.sessions.handle(c.open(c.routes()))))
	return withHeaders(mux)
}

// ready is for a load balancer: it sends nobody here whom the console cannot sign in.
func (c *console) ready(w http.ResponseWriter, r *http.Request) error {
	if err := c.mfa.Ready(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// withHeaders forbids scripts, framing and caching: these pages show secrets. Those of web
// have headers of their own.
func withHeaders(next http.Handler) http.Handler {
	const maxForm = 16 << 10
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Accept-Language")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// page runs a handler, and answers for it when it fails.
func (c *console) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			c.fail(w, r, err)
		}
	})
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
