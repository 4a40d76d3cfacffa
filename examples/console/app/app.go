// Package app is a small backup console, to copy from: people sign in with a
// password and then with the second step, see their machines, and look after
// their second factor on the security page.
//
// Signing in and setting up with a second factor is second_factor.go, in one
// piece. A person's own page is in security.go and authenticators.go; the pages of
// administrators are in admin.go, member.go, policy.go and approval.go; mails about
// changes are in notify.go and mail.go. Actions that require another code are in
// stepup.go, and the JSON API is in api.go and the files beside it. language.go
// chooses the language of a page or a mail; the texts are in the package words.
// Codes by SMS and by calls are in phone.go, phones.go and outbox.go. The
// rest is what a product has already: people, accounts and organisations
// (users.go, tenants.go, password.go), sessions (sessions.go), pages (pages.go,
// templates), and the backups themselves (backups.go, archive.go). [New] puts
// them together.
package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totphttp"
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

type console struct {
	mfa      *totpflow.Service
	users    *users
	sessions *sessions
	file     databaseFile
	pages    map[*words.Language]pages
	mux      *http.ServeMux
	now      func() time.Time
	tenants  tenants
	archive  archive
	programs apiSessions
	keys     machineKeys
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
	c := &console{users: accounts, tenants: tenants{o.DB}, programs: apiSessions{o.DB, o.Keys}, keys: machineKeys{o.DB}, pages: newPages(), now: o.Now, mail: o.Mail, calls: !o.NoCalls, url: strings.TrimSuffix(o.URL, "/")}
	if c.mfa, err = c.newSecondFactor(o, factors); err != nil {
		return nil, err
	}
	if err := c.exemptMachines(ctx); err != nil {
		return nil, err
	}
	if c.archive, err = newArchive(ctx, c.users, o.Now()); err != nil {
		return nil, err
	}
	if c.file, err = fileOf(ctx, o.DB); err != nil {
		return nil, err
	}
	if c.sessions, err = newSessions(ctx, o.DB, c.fail); err != nil {
		return nil, err
	}
	c.mux = c.routes()
	return &Console{c.handler(), c.mfa}, nil
}

// A Console is the program without its listener.
type Console struct {
	http.Handler
	mfa *totpflow.Service
}

// Run sends the mails that are due, every minute until ctx ends.
func (c *Console) Run(ctx context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		if err := c.Deliver(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "console: mails wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		}
	}
}

// Deliver sends the mails that are due: those that the mail server did not take.
func (c *Console) Deliver(ctx context.Context) error {
	_, err := c.mfa.Deliver(ctx)
	return err
}

// Drain waits until the mails under way are sent.
func (c *Console) Drain(ctx context.Context) error { return c.mfa.Drain(ctx) }

// routes lists every page. GET only shows, except that an enrollment begins when
// its page is first opened.
func (c *console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", c.page(c.getSignIn))
	mux.HandleFunc("POST /signin", c.page(c.postSignIn))
	mux.HandleFunc("GET /organisation", c.page(c.getOrganisation))
	mux.HandleFunc("POST /organisation", c.page(c.postOrganisation))
	mux.HandleFunc("GET /issued", c.page(c.getIssued))
	mux.HandleFunc("POST /issued", c.page(c.postIssued))
	mux.HandleFunc("GET /not-me", c.page(c.getNotMe))
	mux.HandleFunc("POST /not-me", c.page(c.postNotMe))
	mux.HandleFunc("GET /code", c.page(c.getCode))
	mux.HandleFunc("POST /code", c.page(c.postCode))
	mux.HandleFunc("POST /code/phone", c.page(c.postCodePhone))
	mux.HandleFunc("GET /recovery", c.page(c.getRecovery))
	mux.HandleFunc("POST /recovery", c.page(c.postRecovery))
	mux.HandleFunc("GET /setup", c.page(c.getSetup))
	mux.HandleFunc("POST /setup", c.page(c.postSetup))
	mux.HandleFunc("POST /setup/password", c.page(c.postSetupPassword))
	mux.HandleFunc("GET /security/phone", c.page(c.getPhone)) // also before there is a session
	mux.HandleFunc("POST /security/phone", c.page(c.postPhone))
	mux.HandleFunc("POST /security/phone/send", c.page(c.postPhoneSend))
	mux.HandleFunc("POST /security/phone/confirm", c.page(c.postPhoneConfirm))
	mux.HandleFunc("POST /language", c.page(c.postLanguage))
	mux.HandleFunc("POST /signout", c.page(c.postSignOut))

	mux.HandleFunc("GET /{$}", c.signedIn(c.getHome))
	mux.HandleFunc("GET /backups", c.signedIn(c.getArchive))
	mux.HandleFunc("POST /backups/{id}/delete", c.signedIn(c.before(actionDeleteBackup)))
	mux.HandleFunc("POST /backups/{id}/key", c.signedIn(c.before(actionShowKey)))
	mux.HandleFunc("GET /stepup", c.signedIn(c.getStepUp))
	mux.HandleFunc("POST /stepup", c.signedIn(c.postStepUp))
	mux.HandleFunc("POST /stepup/cancel", c.signedIn(c.postStepUpCancel))
	mux.HandleFunc("GET /security", c.signedIn(c.getSecurity))
	mux.HandleFunc("POST /security/authenticators", c.signedIn(c.postAdd))
	mux.HandleFunc("POST /security/authenticators/{id}/rename", c.signedIn(c.postRename))
	mux.HandleFunc("POST /security/authenticators/{id}/remove", c.signedIn(c.postRemove))
	mux.HandleFunc("POST /security/phones/{id}/remove", c.signedIn(c.postPhoneRemove))
	mux.HandleFunc("POST /security/replace", c.signedIn(c.postReplace))
	mux.HandleFunc("POST /security/disable", c.signedIn(c.postDisable))
	mux.HandleFunc("POST /security/recovery-codes", c.signedIn(c.postRecoveryCodes))
	mux.HandleFunc("POST /security/recovery-codes/saved", c.signedIn(c.postSaved))
	mux.HandleFunc("POST /security/browsers/{id}/revoke", c.signedIn(c.postRevoke))
	mux.HandleFunc("POST /security/browsers/revoke-all", c.signedIn(c.postRevokeAll))

	mux.HandleFunc("GET /admin", c.administrator(c.getAdmin))
	mux.HandleFunc("GET /admin/accounts.csv", c.administrator(c.getCSV))
	mux.HandleFunc("POST /admin/policy", c.administrator(c.postPolicy))
	mux.HandleFunc("POST /admin/requests/{id}/approve", c.administrator(c.postApprove))
	mux.HandleFunc("POST /admin/requests/{id}/withdraw", c.administrator(c.postWithdraw))
	mux.HandleFunc("POST /admin/accounts/reset", c.administrator(c.postResetMany))
	mux.HandleFunc("GET /admin/accounts/{id}", c.administrator(c.getMember))
	mux.HandleFunc("POST /admin/accounts/{id}/{change}", c.administrator(c.postMember))
	mux.HandleFunc("/", c.page(func(w http.ResponseWriter, r *http.Request) error { return errNotFound }))
	return mux
}

func (c *console) handler() http.Handler {
	pages := withLanguage(c.file.withDatabase(withSource(c.sessions.handle(c.mux)), c.fail))
	mux := http.NewServeMux()
	mux.Handle("GET /static/", staticFiles())
	mux.Handle("/api/", c.file.withDatabase(c.api(), c.failCall))
	mux.Handle("/", pages)
	// Refuses a form that another site has sent in a person's name.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(withHeaders(withLanguage(c.otherSite())))
	return protection.Handler(withHeaders(mux))
}

var errOtherSite = errors.New("sent by a page of another site")

// otherSite says that it was refused: to a person, who may be on a page that
// somebody has led them to, or to a program.
func (c *console) otherSite() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", c.call(func(http.ResponseWriter, *http.Request) error { return admin.ErrNotAllowed }))
	mux.HandleFunc("/", c.page(func(http.ResponseWriter, *http.Request) error { return errOtherSite }))
	return mux
}

// withSource has the events say where a request came from. Behind a proxy, put
// the address that the proxy reports there instead.
func withSource(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(totphttp.Context(r)))
	})
}

// withHeaders forbids scripts, framing and caching: these pages show secrets.
func withHeaders(next http.Handler) http.Handler {
	const maxForm = 16 << 10
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

var errNotFound = errors.New("no such page")

// page runs a handler and answers for it when it fails.
func (c *console) page(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			c.fail(w, r, err)
		}
	}
}

// signedIn is page for those who are signed in; others go to the sign-in.
func (c *console) signedIn(h func(http.ResponseWriter, *http.Request, *visitor) error) http.HandlerFunc {
	return c.page(func(w http.ResponseWriter, r *http.Request) error {
		v, err := c.visitor(w, r)
		switch {
		case err != nil:
			return err
		case v == nil:
			return redirect(w, r, "/signin")
		case v.MustSetUp():
			return redirect(w, r, "/setup")
		}
		return h(w, r, v)
	})
}

// fail shows the page for an error that no form can explain. The log has the cause;
// the person reads only what to do.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := status(w, err)
	logFailure(r, code, err)
	l := spoken(r.Context())
	c.render(w, code, "problem", view{Language: l, Title: problemTitle(l, code), Error: explain(l, "", err, c.now())})
}

// logFailure logs what failed here. A browser that hangs up is not a fault: the
// database then reports that the request's context has ended, and anybody could
// fill the log with that.
func logFailure(r *http.Request, code int, err error) {
	if code < http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	slog.Log(r.Context(), level, "console", "path", r.URL.Path, "error", err)
}

// status is the status code for an error.
func status(w http.ResponseWriter, err error) int {
	switch {
	case errors.Is(err, errNotFound):
		return http.StatusNotFound
	case errors.Is(err, errPassword):
		return http.StatusUnauthorized
	case errors.Is(err, errSetUpFirst), errors.Is(err, errOtherSite):
		return http.StatusForbidden
	case errors.Is(err, errForm), errors.Is(err, errNobody), errors.Is(err, errSeveralTenants):
		return http.StatusBadRequest
	case errors.Is(err, errResetFirst), errors.Is(err, errNothingLost):
		return http.StatusConflict
	case errors.Is(err, errMail):
		return http.StatusServiceUnavailable
	default:
		return totphttp.StatusCode(w, err)
	}
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// unavailable marks an error of the console's own tables like one of the
// second factor's store: try again later.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }
