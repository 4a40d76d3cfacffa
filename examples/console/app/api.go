package app

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// api lists the calls of the JSON API, which docs/api.md describes. It is for
// programs such as the backup agent, and uses no cookies: its credentials are in
// the request itself, so that no page of another site can send one in a person's
// name.
//
// A product must limit guesses of passwords in front of it, as in front of the
// pages.
func (c *console) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/signin", c.call(c.apiSignIn))
	mux.HandleFunc("POST /api/code", c.call(c.apiCode))
	mux.HandleFunc("POST /api/setup", c.call(c.apiSetUp))
	mux.HandleFunc("POST /api/setup/confirm", c.call(c.apiConfirm))
	mux.HandleFunc("POST /api/signout", c.call(c.apiSignOut))
	mux.HandleFunc("POST /api/applock", c.person(c.apiAppLock))
	mux.HandleFunc("POST /api/unlock", c.call(c.apiUnlock))

	mux.HandleFunc("GET /api/account", c.person(c.apiAccount))
	mux.HandleFunc("POST /api/reauthenticate", c.person(c.apiReauthenticate))
	mux.HandleFunc("GET /api/backups", c.person(c.apiBackups))
	mux.HandleFunc("DELETE /api/backups/{id}", c.person(c.apiDelete))
	mux.HandleFunc("POST /api/backups/{id}/key", c.person(c.apiKey))

	mux.HandleFunc("POST /api/machine/keys", c.person(c.apiRegister))
	mux.HandleFunc("POST /api/machine/token", c.call(c.apiMachineToken))
	mux.HandleFunc("POST /api/backups", c.machine(c.apiBackup))
	mux.HandleFunc("/api/", c.call(func(http.ResponseWriter, *http.Request) error { return web.ErrNotFound }))
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(c.call(func(http.ResponseWriter, *http.Request) error { return admin.ErrNotAllowed }))
	return protection.Handler(c.withLanguage(withSource(mux)))
}

// withSource has the events say where a request came from.
func withSource(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(totphttp.Context(r)))
	})
}

// call runs a handler and answers for it when it fails.
func (c *console) call(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			c.failCall(w, r, err)
		}
	}
}

// failCall answers a call that failed.
func (c *console) failCall(w http.ResponseWriter, r *http.Request, err error) {
	code, f := failureOf(w, err)
	if code >= http.StatusInternalServerError && r.Context().Err() == nil { // a program that has gone away is not a fault
		slog.ErrorContext(r.Context(), "console", "path", r.URL.Path, "error", err)
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	_ = reply(w, code, f)
}

// person is call for those who are signed in. A person who has to set up first can do
// nothing else.
func (c *console) person(h func(http.ResponseWriter, *http.Request, *visitor) error) http.HandlerFunc {
	return c.call(func(w http.ResponseWriter, r *http.Request) error {
		v, err := c.bearer(r)
		switch {
		case err != nil:
			return err
		case v.MustSetUp():
			return errSetUp
		}
		return h(w, r, v)
	})
}

// Errors of the request itself.
var (
	errMalformed = errors.New("the request is not what this call takes")
	errTooLarge  = errors.New("the request is too large")
	errNotJSON   = errors.New("the request is not in JSON")
)

// decode reads the body of a request. It takes nothing that it does not know:
// a misspelt field would be a wish that is silently not met.
func decode[T any](r *http.Request) (in T, err error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return in, errNotJSON
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err = d.Decode(&in)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errMalformed, more)
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return in, errTooLarge
	case err != nil:
		return in, errMalformed
	}
	return in, nil
}

// reply answers with JSON.
func reply(w http.ResponseWriter, code int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // a program that has gone away is not a fault
	return nil
}
