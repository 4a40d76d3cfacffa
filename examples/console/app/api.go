package app

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/totphttp"
	"github.com/totpflow/totpflow/web"
)

// api lists the console's own calls, which docs/api.md describes beside those of web. They
// are for programs such as the backup agent. No cookie counts here: a request shows its
// credentials itself, so that no page of another site can send one in a person's name.
func (c *console) api() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/signin", c.page(c.apiSignIn))
	mux.Handle("GET /api/profile", c.signedIn(apiProfile))
	mux.Handle("POST /api/applock", c.signedIn(c.apiAppLock))
	mux.Handle("POST /api/applock/end", c.page(c.apiAppLockEnd))
	mux.Handle("POST /api/lock", c.page(c.apiLock))
	mux.Handle("POST /api/unlock", c.signedIn(c.apiUnlock))
	mux.Handle("POST /api/unlock/kept", c.page(c.apiKept))

	mux.Handle("GET /api/backups", c.signedIn(c.apiBackups))
	mux.Handle("GET /api/backups/{id}", c.signedIn(c.apiOneBackup))
	mux.Handle("DELETE /api/backups/{id}", c.web.StepUp(actionDeleteBackup, c.theBackup)(c.visited(c.apiDelete)))
	mux.Handle("POST /api/backups/{id}/key", c.web.StepUp(actionShowKey, c.theBackup)(c.visited(c.apiKey)))

	mux.Handle("POST /api/machine/keys", c.signedIn(c.apiRegister))
	mux.Handle("POST /api/machine/token", c.page(c.apiMachineToken))
	mux.Handle("POST /api/backups", c.machine(c.apiBackup))
	mux.Handle("/api/", c.page(func(http.ResponseWriter, *http.Request) error { return web.ErrNotFound }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Accept", "application/json") // so that web answers a program, whatever it asks for
		mux.ServeHTTP(w, r.WithContext(totphttp.Context(r)))
	})
}

// program reports whether a request is a program's: one of these calls, or of web's.
func (c *console) program(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, c.web.Path("api/"))
}

// Errors that only programs get, besides those of web.
var (
	errNotJSON    = errors.New("the request is not in JSON")
	errMalformed  = errors.New("the request is not what this call takes")
	errSignedOut  = errors.New("no session, or it is over")
	errLocked     = errors.New("the app of this session is locked")
	errMachineKey = errors.New("not the key of a machine")
	errTooLate    = errors.New("the sign-in is too long ago")
)

// failures are the console's own answers to errors.
var failures = []struct {
	err    error
	word   string
	status int
}{
	{errNotJSON, "not_json", http.StatusUnsupportedMediaType},
	{errMalformed, "malformed", http.StatusBadRequest},
	{errSignedOut, "signed_out", http.StatusUnauthorized},
	{errLocked, "locked", http.StatusUnauthorized},
	{errMachineKey, "wrong_key", http.StatusUnauthorized},
	{errTooLate, "too_late", http.StatusForbidden},
	{errQuota, "too_many_backups", http.StatusConflict},
	{totpflow.ErrNotExempt, "not_a_machine", http.StatusForbidden},
	{admin.ErrNotAllowed, "not_allowed", http.StatusForbidden},
}

// A failure is the body of an answer that is not a success.
type failure struct {
	Error         string             `json:"error"`
	Organisations []organisationItem `json:"organisations,omitempty"`
}

// An organisationChoice is the error of a sign-in that has to name one of these.
type organisationChoice []organisationItem

type organisationItem struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (e organisationChoice) Error() string { return "which of the accounts?" }

// fail answers a request that failed: with a word of the console's own, and otherwise as
// web does.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	if c.program(r) {
		var which organisationChoice
		if errors.As(err, &which) {
			reply(w, http.StatusForbidden, failure{"organisation_required", which})
			return
		}
		for _, known := range failures {
			if errors.Is(err, known.err) {
				reply(w, known.status, failure{Error: known.word})
				return
			}
		}
	}
	c.web.Fail(w, r, err)
}

// decode reads the body of a request. It refuses unknown fields: a misspelt field would be
// a wish that is silently not met.
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
	case errors.As(err, &large): // web has the word for it
		return in, large
	case err != nil:
		return in, errMalformed
	}
	return in, nil
}

// reply answers with JSON. A program that has gone away is not a fault.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// apiSignIn is the first step. The rest is web's, which answers in JSON. An app that is
// locked shows its device in place of the address.
func (c *console) apiSignIn(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		Email        string `json:"email"`
		Device       string `json:"device"`
		Password     string `json:"password"`
		Organisation string `json:"organisation"` // its id, for people with accounts in several
	}](r)
	if err != nil {
		return err
	}
	only := func(u user) bool { return in.Organisation == "" || u.Tenant.ID == in.Organisation }
	if in.Device != "" {
		of, err := c.ofDevice(r, in.Device)
		if err != nil {
			return err
		}
		in.Email, only = of.Email, func(u user) bool { return u.ID == of.ID }
	}
	all, err := c.users.authenticate(r.Context(), in.Email, in.Password)
	if err != nil {
		return err
	}
	var mine []user
	var which organisationChoice
	for _, u := range all {
		which = append(which, organisationItem{u.Tenant.ID, u.Tenant.Name})
		if only(u) {
			mine = append(mine, u)
		}
	}
	if len(mine) != 1 {
		return which
	}
	return c.passwordRight(w, r, mine[0])
}

// apiProfile is what a program shows of a person besides the second factor.
func apiProfile(w http.ResponseWriter, _ *http.Request, v *visitor) error {
	reply(w, http.StatusOK, struct {
		Email        string `json:"email"`
		Name         string `json:"name"`
		Organisation string `json:"organisation"`
		Role         string `json:"role"`
	}{v.Email, v.user.Name, v.Organisation(), v.Role.String()})
	return nil
}

// itemOf is a backup as programs see it.
func itemOf(b backup) backupItem { return backupItem{b.ID, b.Machine, b.Taken, b.Gigabytes} }

type backupItem struct {
	ID        string    `json:"id"`
	Machine   string    `json:"machine"`
	Taken     time.Time `json:"taken"`
	Gigabytes int       `json:"gigabytes"`
}

// apiBackups answers with a page of backups, and with what the query after has to be for
// the next page, where there is one.
func (c *console) apiBackups(w http.ResponseWriter, r *http.Request, v *visitor) error {
	all, next, err := c.archive.page(r.Context(), v.user, r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	items := make([]backupItem, len(all))
	for i, b := range all {
		items[i] = itemOf(b)
	}
	reply(w, http.StatusOK, struct {
		Backups []backupItem `json:"backups"`
		Next    string       `json:"next,omitempty"`
	}{items, next})
	return nil
}

func (c *console) apiOneBackup(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := c.archive.find(r.Context(), v.user, r.PathValue("id"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, itemOf(b))
	return nil
}

// apiDelete deletes a backup, for a proof of just that.
func (c *console) apiDelete(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := c.archive.delete(r.Context(), v.user, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// apiKey shows what a backup is encrypted with, for a proof of just that.
func (c *console) apiKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := c.archive.find(r.Context(), v.user, r.PathValue("id"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]string{"key": b.key})
	return nil
}
