package sessions_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/sessions"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/hosttest"
)

var (
	ana = totpflow.User{ID: totpflow.AccountID{User: "1"}, Name: "ana@acme.example"}
	ben = totpflow.User{ID: totpflow.AccountID{User: "2"}, Name: "ben@acme.example"}
)

const password = "correct horse"

// logins is the host's table of open logins. Both session libraries keep only the id of a
// login: a request that is under way while somebody signs out writes its session back,
// and so revives the id, but not the login.
type logins struct {
	mu  sync.Mutex
	all map[string]web.Session
}

func newLogins() *logins { return &logins{all: map[string]web.Session{}} }

func (l *logins) add(ctx context.Context, d totpflow.Decision) (id string) {
	id = rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range []totpflow.User{ana, ben} {
		if u.ID == d.ID {
			l.all[id] = web.Session{User: u, Mark: d.Mark, Reason: d.Reason}
		}
	}
	return id
}

func (l *logins) find(id string) web.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[id]
}

func (l *logins) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, id)
}

func (l *logins) CheckPassword(ctx context.Context, id totpflow.AccountID, given string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if given != password || id != ana.ID && id != ben.ID {
		return web.ErrPassword
	}
	return nil
}

// An scsHost keeps its sessions with alexedwards/scs.
type scsHost struct {
	*logins
	m *scs.SessionManager
}

func (h scsHost) Session(r *http.Request) (web.Session, error) {
	return h.find(h.m.GetString(r.Context(), "login")), nil
}

func (h scsHost) Begin(_ http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	h.drop(h.m.GetString(r.Context(), "login"))
	if err := h.m.RenewToken(r.Context()); err != nil {
		return err
	}
	if err := h.m.Clear(r.Context()); err != nil {
		return err
	}
	h.m.Put(r.Context(), "login", h.add(r.Context(), d))
	return nil
}

func (h scsHost) End(_ http.ResponseWriter, r *http.Request) error {
	h.drop(h.m.GetString(r.Context(), "login"))
	return h.m.Destroy(r.Context())
}

func TestSCS(t *testing.T) {
	hosttest.Run(t, func(*testing.T) hosttest.Fixture {
		m := scs.New()
		m.Cookie.Name, m.Cookie.Secure = "__Host-session", true
		return hosttest.Fixture{
			Host: scsHost{newLogins(), m}, Wrap: m.LoadAndSave, User: ana, Password: password, Other: ben,
			Put: func(_ http.ResponseWriter, r *http.Request, v string) error {
				m.Put(r.Context(), "note", v)
				return nil
			},
			Get: func(r *http.Request) string { return m.GetString(r.Context(), "note") },
		}
	})
}

// A gorillaHost keeps its sessions in signed cookies with gorilla/sessions.
type gorillaHost struct {
	*logins
	store *sessions.CookieStore
}

// session returns the request's session. One that does not open is replaced by a new one.
func (h gorillaHost) session(r *http.Request) (s *sessions.Session, login string) {
	s, _ = h.store.Get(r, "__Host-session")
	login, _ = s.Values["login"].(string)
	return s, login
}

func (h gorillaHost) Session(r *http.Request) (web.Session, error) {
	_, login := h.session(r)
	return h.find(login), nil
}

func (h gorillaHost) Begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	s, login := h.session(r)
	h.drop(login)
	s.Values = map[any]any{"login": h.add(r.Context(), d)}
	return s.Save(r, w)
}

func (h gorillaHost) End(w http.ResponseWriter, r *http.Request) error {
	s, login := h.session(r)
	h.drop(login)
	s.Values = map[any]any{}
	return s.Save(r, w)
}

func TestGorilla(t *testing.T) {
	hosttest.Run(t, func(*testing.T) hosttest.Fixture {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		store := sessions.NewCookieStore(key)
		store.Options = &sessions.Options{Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600}
		h := gorillaHost{newLogins(), store}
		return hosttest.Fixture{
			Host: h, User: ana, Password: password, Other: ben,
			Put: func(w http.ResponseWriter, r *http.Request, v string) error {
				s, _ := h.session(r)
				s.Values["note"] = v
				return s.Save(r, w)
			},
			Get: func(r *http.Request) string {
				s, _ := h.session(r)
				note, _ := s.Values["note"].(string)
				return note
			},
		}
	})
}
