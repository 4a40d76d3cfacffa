package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totphttp"
)

// A Web has the pages of a product's second factor. It is safe for concurrent use; a
// program needs one.
type Web struct {
	Config
	service    *totpflow.Service
	languages  languages
	pages      map[*Language]pages
	protection *http.CrossOriginProtection
	mux        *http.ServeMux

	mu      sync.Mutex
	actions map[totpflow.Action]bool                     // the actions of StepUp, and whether they have a target
	signOut []func(context.Context, totpflow.User) error // the SignOut functions of sections
}

// New returns the pages of a service, or an error that wraps [ErrConfig]. If the host
// replaces templates or texts, New renders every page once with sample data, so that a
// page that fails or lacks its form is found here.
func New(c Config) (*Web, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	h := &Web{Config: c, service: c.Service, protection: http.NewCrossOriginProtection(), actions: map[totpflow.Action]bool{}}
	for _, origin := range c.TrustedOrigins {
		if err := h.protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("%w: TrustedOrigins: %w", ErrConfig, err)
		}
	}
	if h.languages, err = newLanguages(c); err != nil {
		return nil, err
	}
	if err := h.newPages(); err != nil {
		return nil, err
	}
	if c.Templates != nil || c.Catalogues != nil { // tests of the module check its own templates
		if err := h.tryPages(); err != nil {
			return nil, err
		}
	}
	if c.KeepGeneration == nil {
		h.Log.Warn("web: Config.KeepGeneration is not set: a record that is deleted from the database reads as a person who never enrolled")
	}
	h.mux = h.routes()
	return h, nil
}

// Path returns the address of one of the pages, for the host's links, such as
// Path("security"). The names are those of the pages' templates, and "signout", which
// takes a form.
func (h *Web) Path(page string) string { return h.Prefix + "/" + page }

// Handler returns the pages. Mount it under the prefix, without stripping the prefix.
func (h *Web) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.headers(w)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h.mux.ServeHTTP(w, r)
	})
}

// maxForm bounds a form of these pages, in bytes.
const maxForm = 16 << 10

// routes lists every page. GET only shows, except that an enrollment begins when
// its page is first opened.
func (h *Web) routes() *http.ServeMux {
	mux := http.NewServeMux()
	page := func(pattern string, f func(http.ResponseWriter, *http.Request) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+h.Path(path), h.handle(f))
	}
	signedIn := func(pattern string, f func(http.ResponseWriter, *http.Request, visitor) error) {
		page(pattern, func(w http.ResponseWriter, r *http.Request) error {
			v, err := h.visitor(r)
			if err != nil {
				return err
			}
			return f(w, withSession(r, v), v)
		})
	}
	page("GET {$}", func(w http.ResponseWriter, r *http.Request) error { return redirect(w, r, h.Path("security")) })
	page("GET code", h.getCode)
	page("POST code", h.postCode)
	page("GET recovery", h.getRecovery)
	page("POST recovery", h.postRecovery)
	page("GET issued", h.getIssued)
	page("POST issued", h.postIssued)
	page("GET phone-code", h.getPhoneCode)
	page("POST phone-code", h.postPhoneCode)
	page("POST phone-code/send", h.postPhoneCodeSend)
	page("GET replace", h.getReplace)
	page("POST replace", h.postReplaceAtSignIn)
	page("GET setup", h.getSetup)
	page("POST setup", h.postSetup)
	page("POST setup/password", h.postSetupPassword)
	page("POST setup/which", h.postWhich)
	page("GET phone", h.getPhone) // also before there is a session
	page("POST phone", h.postPhone)
	page("POST phone/send", h.postPhoneSend)
	page("POST phone/confirm", h.postPhoneConfirm)
	page("GET not-me", h.getNotMe)
	page("POST not-me", h.postNotMe)
	page("POST signout", h.postSignOut)
	page("POST language", h.postLanguage)

	signedIn("GET security", h.getSecurity)
	signedIn("POST security/add", h.postAdd)
	signedIn("POST security/replace", h.postReplace)
	signedIn("POST security/rename/{id}", h.postRename)
	signedIn("POST security/remove/{id}", h.postRemove)
	signedIn("POST security/remove-phone/{id}", h.postRemovePhone)
	signedIn("POST security/disable", h.postDisable)
	signedIn("POST security/recovery-codes", h.postRecoveryCodes)
	signedIn("POST security/saved", h.postSaved)
	signedIn("POST security/revoke/{id}", h.postRevoke)
	signedIn("POST security/revoke-all", h.postRevokeAll)
	signedIn("POST security/end-sessions", h.postEndSessions)
	signedIn("POST security/other", h.postOther)
	if h.Token != nil {
		h.apiRoutes(mux)
	}
	mux.Handle("GET "+h.Path("static/"), h.static())
	mux.HandleFunc("/", h.handle(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
	return mux
}

// headers sets the headers of every page here: the pages show secrets, so they are not
// cached, not framed, and their addresses are not sent to other sites.
func (h *Web) headers(w http.ResponseWriter) {
	x := w.Header()
	if x.Get("X-Frame-Options") == "" { // once
		x.Add("Vary", "Accept-Language, Cookie")
	}
	x.Set("Content-Security-Policy", orDefault(h.ContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"))
	x.Set("X-Frame-Options", "DENY")
	x.Set("Cache-Control", "no-store")
	x.Set("Referrer-Policy", "same-origin")
	x.Set("X-Content-Type-Options", "nosniff")
}

// handle runs a handler for requests of this site, and answers if it fails.
func (h *Web) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(h.context(r))
		err := h.protection.Check(r)
		if err != nil {
			err = errOtherSite
		} else {
			err = f(w, r)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	}
}

// context returns the request's context, with its source for the events.
func (h *Web) context(r *http.Request) context.Context {
	ctx := totphttp.Context(r)
	if h.Source != nil {
		ctx = event.WithSource(r.Context(), h.Source(r))
	}
	ctx = context.WithValue(ctx, wroteKey{}, new(atomic.Bool))
	return context.WithValue(ctx, speakerKey{}, speaker{h.spoken(r), h.Product, h.Domain})
}

// wroteKey is the key of the note that the request has written something, such as that a
// code is used: a later call that wrote nothing does not mean that the whole request
// wrote nothing.
type wroteKey struct{}

func noteWrite(ctx context.Context) {
	if wrote, ok := ctx.Value(wroteKey{}).(*atomic.Bool); ok {
		wrote.Store(true)
	}
}

func hasWritten(ctx context.Context) bool {
	wrote, ok := ctx.Value(wroteKey{}).(*atomic.Bool)
	return ok && wrote.Load()
}

func (h *Web) now() time.Time { return h.Now() }

// Errors of a request, besides those of the service and the host.
var (
	errNotFound  = errors.New("web: there is no such page")
	errOtherSite = errors.New("web: sent by a page of another site")
	errSignedOut = errors.New("web: nobody is signed in")
	errForm      = errors.New("web: the form cannot be read")
)

// unavailable marks a failure of the host like one of the store: try again later.
func unavailable(what string, err error) error {
	return fmt.Errorf("web: %s: %w: %w", what, store.ErrUnavailable, err)
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
