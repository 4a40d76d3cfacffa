package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// Session returns who is signed in, for web. It remembers the language that the person
// uses, for their mails.
func (c *console) Session(r *http.Request) (web.Session, error) {
	s, ok := c.sessions.current(r.Context())
	if !ok {
		return web.Session{}, nil
	}
	u, err := c.users.byID(r.Context(), s.User)
	switch {
	case errors.Is(err, sql.ErrNoRows): // the account was deleted
		return web.Session{}, nil
	case err != nil:
		return web.Session{}, err
	}
	err = c.users.keepLanguage(r.Context(), u, spoken(r.Context()).Tag())
	return web.Session{User: u.account(), Mark: s.Mark, Reason: s.By}, err
}

// Begin starts a session under a new token, with nothing of an earlier one.
func (c *console) Begin(_ http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	return c.sessions.begin(r.Context(), session{User: d.ID.User, Mark: d.Mark, Began: c.now(), By: d.Reason})
}

// End signs the person out.
func (c *console) End(_ http.ResponseWriter, r *http.Request) error {
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
	case u.record() != id: // the same user in another tenant is another account
		return web.ErrPassword
	}
	_, err = c.users.authenticate(ctx, u.Email, password)
	return err
}
