package app

import (
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"

	"github.com/totpflow/totpflow"
)

// A session is that of a person who has passed every step of the sign-in. There is
// none before: the state between the password and the code is web's.
type session struct {
	User  string
	Mark  totpflow.SessionMark // reports whether it is still valid
	Began time.Time
	By    totpflow.Reason // how the second step was passed, or why there was none
	Locks bool            // it is that of an app that locks
}

// sessions keeps them in the database; the browser has only a random token,
// and the database only its hash.
type sessions struct{ *scs.SessionManager }

func newSessions(db *sql.DB) *sessions {
	m := scs.New()
	m.Store = sessionStore{sqlite3store.New(db), db}
	m.HashTokenInStore = true
	m.Lifetime = 12 * time.Hour
	m.Cookie.Name = "__Host-session"
	m.Cookie.Secure = true // browsers take http on 127.0.0.1 for secure
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Persist = false
	return &sessions{m}
}

// A sessionStore writes what a request has changed in a session only where the
// session is still there. The store as it comes writes it again, so that a request
// that is under way brings a session back which another has ended: that of a copied
// cookie, over the owner's sign-out.
type sessionStore struct {
	*sqlite3store.SQLite3Store
	db *sql.DB
}

// loaded is the context's key of the token that the request has come with.
type loaded struct{}

// handle loads the request's session and saves what the handler has changed.
func (s *sessions) handle(next http.Handler) http.Handler {
	load := s.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		load.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), loaded{}, new(string))))
	})
}

// FindCtx implements [scs.CtxStore].
func (s sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	if data, found, err = s.Find(token); found {
		*ctx.Value(loaded{}).(*string) = token
	}
	return data, found, err
}

// CommitCtx implements [scs.CtxStore].
func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if *ctx.Value(loaded{}).(*string) != token {
		return s.Commit(token, data, expiry) // a new session
	}
	_, err := s.db.ExecContext(ctx, `UPDATE sessions SET data = ? WHERE token = ?`, data, token)
	return err
}

// DeleteCtx implements [scs.CtxStore].
func (s sessionStore) DeleteCtx(_ context.Context, token string) error { return s.Delete(token) }

// begin starts the session under a new token, so that one that was planted in
// the browser before is worth nothing, and with nothing of an earlier session.
func (s *sessions) begin(ctx context.Context, v session) error {
	if err := s.RenewToken(ctx); err != nil {
		return unavailable(err)
	}
	if err := s.Clear(ctx); err != nil {
		return unavailable(err)
	}
	s.Put(ctx, "user", v.User)
	s.Put(ctx, "mark", string(v.Mark))
	s.Put(ctx, "began", v.Began.UnixNano())
	s.Put(ctx, "by", string(v.By))
	return nil
}

// choosing starts what lies between the password and the choice of an account:
// it signs nobody in.
func (s *sessions) choosing(ctx context.Context, person string, at time.Time) error {
	if err := s.RenewToken(ctx); err != nil {
		return unavailable(err)
	}
	if err := s.Clear(ctx); err != nil {
		return unavailable(err)
	}
	s.Put(ctx, "person", person)
	s.Put(ctx, "asked", at.UnixNano())
	return nil
}

// chooses returns the person who has yet to choose, empty when nobody does.
func (s *sessions) chooses(ctx context.Context, now time.Time) string {
	if age := now.Sub(time.Unix(0, s.GetInt64(ctx, "asked"))); age < 0 || age >= choiceAge {
		return ""
	}
	return s.GetString(ctx, "person")
}

// choiceAge is how long a person has from the password to the choice.
const choiceAge = 10 * time.Minute

// current returns the session of the request, if there is one.
func (s *sessions) current(ctx context.Context) (v session, ok bool) {
	if ctx.Value(loaded{}) == nil { // the sessions cannot be read
		return session{}, false
	}
	v.User = s.GetString(ctx, "user")
	v.Mark = totpflow.SessionMark(s.GetString(ctx, "mark"))
	v.Began = time.Unix(0, s.GetInt64(ctx, "began"))
	v.By = totpflow.Reason(s.GetString(ctx, "by"))
	return v, v.User != ""
}

// end signs the person out.
func (s *sessions) end(ctx context.Context) error {
	if err := s.Destroy(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}
