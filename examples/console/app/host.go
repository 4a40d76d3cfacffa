package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// The cookie is for this host alone, and scripts cannot read it. Most browsers treat http
// on 127.0.0.1 as secure.
var cookie = http.Cookie{Name: "__Host-session", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}

// keyOf returns what a request shows for its session: the cookie of a browser, or the
// Authorization header of a program. A program's cookies do not count, so that no page of
// another site can send a request in a person's name.
func (c *console) keyOf(r *http.Request) string {
	if c.program(r) {
		if scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
			return key
		}
	} else if k, err := r.Cookie(cookie.Name); err == nil {
		return k.Value
	}
	return ""
}

// sessionOf returns the session of the request, or errSignedOut.
func (c *console) sessionOf(r *http.Request) (session, error) {
	return c.sessions.find(r.Context(), c.keyOf(r), c.now())
}

// signedIn returns the person whose session it is, whether or not the session is still
// valid. To web a machine is nobody, and so is a person who has not chosen an account
// yet.
func (c *console) signedIn(r *http.Request) (u user, s session, err error) {
	if s, err = c.sessionOf(r); err != nil {
		return user{}, session{}, err
	}
	if s.By == totpflow.ReasonMachine || s.By == reasonChoosing {
		return user{}, session{}, errSignedOut
	}
	u, err = c.users.byID(r.Context(), s.User)
	if errors.Is(err, sql.ErrNoRows) { // the account was deleted
		err = errSignedOut
	}
	return u, s, err
}

// Session returns who is signed in, for web. It remembers the language that the person
// uses, for their mails.
func (c *console) Session(r *http.Request) (web.Session, error) {
	u, s, err := c.signedIn(r)
	switch {
	case errors.Is(err, errSignedOut):
		return web.Session{}, nil
	case err != nil:
		return web.Session{}, err
	}
	return web.Session{User: u.account(), Mark: s.Mark, Reason: s.By}, c.keepLanguage(r, u)
}

// keepLanguage remembers the language of a person's mails. A program that asks for no
// language says nothing about the person.
func (c *console) keepLanguage(r *http.Request, u user) error {
	if c.program(r) && r.Header.Get("Accept-Language") == "" {
		return nil
	}
	return c.users.keepLanguage(r.Context(), u, spoken(r.Context()).Tag())
}

// Begin starts a session of a browser under a new key, and ends the previous one.
func (c *console) Begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	return c.beginInBrowser(w, r, c.newSession(d), sessionAge)
}

func (c *console) beginInBrowser(w http.ResponseWriter, r *http.Request, s session, age time.Duration) error {
	if _, err := c.sessions.end(r.Context(), c.keyOf(r)); err != nil {
		return err
	}
	key, _, err := c.sessions.begin(r.Context(), s, age)
	if err != nil {
		return err
	}
	set := cookie
	set.Value = key
	http.SetCookie(w, &set)
	return nil
}

// newSession returns the session that a decision begins.
func (c *console) newSession(d totpflow.Decision) session {
	return session{User: d.ID.User, Mark: d.Mark, Began: c.now(), By: d.Reason}
}

// token starts the session of a program.
func (c *console) token(ctx context.Context, d totpflow.Decision) (string, time.Time, error) {
	return c.sessions.begin(ctx, c.newSession(d), sessionAge)
}

// End signs the person or the program out.
func (c *console) End(w http.ResponseWriter, r *http.Request) error {
	if !c.program(r) {
		set := cookie
		set.MaxAge = -1
		http.SetCookie(w, &set)
	}
	_, err := c.sessions.end(r.Context(), c.keyOf(r))
	return err
}

// CheckPassword is called before an enrollment in an open session.
func (c *console) CheckPassword(ctx context.Context, id totpflow.AccountID, password string) error {
	u, err := c.users.byID(ctx, id.User)
	if errors.Is(err, sql.ErrNoRows) || err == nil && u.account().ID != id { // the same user in another tenant is another account
		return web.ErrPassword
	}
	if err != nil {
		return err
	}
	_, err = c.users.authenticate(ctx, u.Email, password)
	return err
}

// otherAccounts returns all accounts of the person, for the security page.
func (c *console) otherAccounts(ctx context.Context, id totpflow.AccountID) (accounts []totpflow.User, err error) {
	u, err := c.users.byID(ctx, id.User)
	if err != nil {
		return nil, err
	}
	all, err := c.users.ofPerson(ctx, u.Person)
	for _, x := range all {
		accounts = append(accounts, x.account())
	}
	return accounts, err
}
