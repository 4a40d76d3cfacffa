package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// Session returns who is signed in, for web: by the cookie of a browser, or by the key that
// a program shows. A machine is nobody to web. It remembers the language that the person
// uses, for their mails.
func (c *console) Session(r *http.Request) (web.Session, error) {
	s, ok, err := session{}, false, error(nil)
	if c.program(r) {
		s, err = c.programs.find(r.Context(), keyOf(r), c.now())
		ok = err == nil && s.By != totpflow.ReasonMachine
	} else {
		s, ok = c.sessions.current(r.Context())
	}
	if !ok {
		if errors.Is(err, errSignedOut) {
			err = nil
		}
		return web.Session{}, err
	}
	u, err := c.users.byID(r.Context(), s.User)
	switch {
	case errors.Is(err, sql.ErrNoRows): // the account was deleted
		return web.Session{}, nil
	case err != nil:
		return web.Session{}, err
	}
	return web.Session{User: u.account(), Mark: s.Mark, Reason: s.By}, c.keepLanguage(r, u)
}

// keepLanguage remembers the language of a person's mails. A program that asks for none
// says nothing of the person.
func (c *console) keepLanguage(r *http.Request, u user) error {
	if c.program(r) && r.Header.Get("Accept-Language") == "" {
		return nil
	}
	return c.users.keepLanguage(r.Context(), u, spoken(r.Context()).Tag())
}

// Begin starts a session under a new token, with nothing of an earlier one.
func (c *console) Begin(_ http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	return c.sessions.begin(r.Context(), c.sessionOf(d))
}

// sessionOf is the session that a decision begins.
func (c *console) sessionOf(d totpflow.Decision) session {
	return session{User: d.ID.User, Mark: d.Mark, Began: c.now(), By: d.Reason}
}

// token starts the session of a program.
func (c *console) token(ctx context.Context, d totpflow.Decision) (string, time.Time, error) {
	return c.programs.begin(ctx, c.sessionOf(d), apiSessionAge)
}

// End signs the person or the program out.
func (c *console) End(_ http.ResponseWriter, r *http.Request) error {
	if c.program(r) {
		return c.programs.end(r.Context(), keyOf(r), "")
	}
	return c.sessions.end(r.Context())
}

// CheckPassword is asked before an enrollment in an open session.
func (c *console) CheckPassword(ctx context.Context, id totpflow.AccountID, password string) error {
	u, err := c.users.byID(ctx, id.User)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return web.ErrPassword
	case err != nil:
		return err
	case u.account().ID != id: // the same user in another tenant is another account
		return web.ErrPassword
	}
	_, err = c.users.authenticate(ctx, u.Email, password)
	return err
}
