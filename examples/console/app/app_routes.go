package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/totpflow/totpflow/examples/internal/words"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// handler lists the console's pages, and its calls for programs such as the backup agent.
// docs/api.md describes the calls together with those of web.
func (c *console) handler() http.Handler {
	deletion := c.web.StepUp(actionDeleteBackup, c.theBackup)
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", staticFiles())
	mux.Handle("GET /ready", web.Call(c.web, http.StatusOK, c.ready))
	mux.Handle(c.web.Path(""), c.web.Handler())
	mux.Handle(c.office.Path(""), c.office.Handler())

	mux.Handle("GET /signin", c.page(c.getSignIn))
	// A form on another site cannot begin a session here, not even the one in which a
	// person chooses an account.
	mux.Handle("POST /signin", http.NewCrossOriginProtection().Handler(c.page(c.postSignIn)))
	mux.Handle("GET /organisation", c.page(c.getOrganisation))
	mux.Handle("POST /organisation", c.page(c.postOrganisation))
	mux.Handle("GET /{$}", c.web.Require(c.page(c.getArchive)))
	mux.Handle("POST /backups/{id}/delete", deletion(c.page(c.postDelete)))

	mux.Handle("POST /api/signin", c.page(c.apiSignIn))
	mux.Handle("GET /api/profile", c.web.Require(web.Call(c.web, http.StatusOK, c.apiProfile)))
	mux.Handle("GET /api/backups", c.web.Require(web.Call(c.web, http.StatusOK, c.apiBackups)))
	mux.Handle("GET /api/backups/{id}", c.web.Require(web.Call(c.web, http.StatusOK, c.apiOneBackup)))
	mux.Handle("DELETE /api/backups/{id}", deletion(web.Call(c.web, http.StatusOK, c.apiDelete)))

	mux.Handle("POST /api/applock", c.web.Require(web.Call(c.web, http.StatusCreated, c.apiAppLock)))
	mux.Handle("POST /api/applock/end", web.Call(c.web, http.StatusOK, c.apiAppLockEnd))
	mux.Handle("POST /api/lock", web.Call(c.web, http.StatusOK, c.apiLock))
	mux.Handle("POST /api/unlock", c.web.Require(web.Call(c.web, http.StatusOK, c.apiUnlock)))
	mux.Handle("POST /api/unlock/kept", web.Call(c.web, http.StatusOK, c.apiKept))

	mux.Handle("POST /api/machine/keys", c.web.StepUp(actionRegister, c.theMachine)(web.Call(c.web, http.StatusCreated, c.apiRegister)))
	mux.Handle("POST /api/machine/token", web.Call(c.web, http.StatusOK, c.apiMachineToken))
	mux.Handle("POST /api/backups", web.Call(c.web, http.StatusCreated, c.apiBackup))

	mux.Handle("/", c.page(func(http.ResponseWriter, *http.Request) error { return web.ErrNotFound }))
	return withHeaders(c.around(mux))
}

// program reports whether a request comes from a program: whether it is for one of these
// calls, or for one of web's.
func (c *console) program(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, c.web.Path("api/"))
}

// around does what all requests have in common. The language is the one of web's pages,
// and programs get their answers in JSON. The key of an app that is locked is refused, so
// that a copy of it is of no use meanwhile; only a sign-out is let through, because it
// takes access away.
func (c *console) around(next http.Handler) http.Handler {
	return c.page(func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		if c.program(r) {
			r.Header.Set("Accept", "application/json")
			ctx = totphttp.Context(r)
			if _, err := c.sessionOf(r); errors.Is(err, errLocked) && r.URL.Path != c.web.Path("api/signout") {
				return err
			}
		}
		ctx = context.WithValue(ctx, languageKey{}, words.Accepted(c.web.LanguageOf(r).Tag()))
		next.ServeHTTP(w, r.WithContext(ctx))
		return nil
	})
}

// withHeaders forbids framing, caching and all scripts but that of web, because these pages
// show secrets. The pages of web have their own headers.
func withHeaders(next http.Handler) http.Handler {
	const maxForm = 16 << 10
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Accept-Language")
		h.Add("Vary", "Cookie")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// page runs a handler, and answers if the handler fails.
func (c *console) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			c.web.Fail(w, r, err)
		}
	})
}

// person returns the person whose session web has let through.
func (c *console) person(r *http.Request) (user, error) {
	return c.users.byID(r.Context(), web.SessionOf(r).User.ID.User)
}

// ready is for a load balancer. It keeps people away from a console that cannot sign them
// in.
func (c *console) ready(r *http.Request, _ struct{}) (any, error) {
	return nil, c.mfa.Ready(r.Context())
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
