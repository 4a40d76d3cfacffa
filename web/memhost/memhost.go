// Package memhost is a host in memory, for examples and tests of the pages in package web.
// Begin with [New] and [Host.Add]. It stores accounts, passwords and sessions until the
// program ends. It does not defend against guessed passwords. A host for a product is left
// to you.
//
// Check the sign-in form with [Host.LogIn].
package memhost

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/web"
)

// tokenLifetime is how long a token of [Host.Token] is valid.
const tokenLifetime = 12 * time.Hour

// A Host implements [web.Host]. It is safe for concurrent use.
type Host struct {
	key [32]byte // the key of the passwords' hashes; they never leave the process

	mu       sync.Mutex
	accounts map[totpflow.AccountID]*account
	names    map[string]totpflow.AccountID
	sessions map[string]session // the sessions by the hash of their token
}

type account struct {
	user     totpflow.User
	password []byte
}

type session struct {
	id     totpflow.AccountID
	mark   totpflow.SessionMark
	reason totpflow.Reason
}

var _ web.Host = (*Host)(nil)

// New returns a host without accounts.
func New() *Host {
	h := &Host{accounts: map[totpflow.AccountID]*account{}, names: map[string]totpflow.AccountID{}, sessions: map[string]session{}}
	_, _ = rand.Read(h.key[:]) // never fails, by its contract
	return h
}

// Add adds an account, or replaces the one of that ID. The person signs in with the
// user's Name.
func (h *Host) Add(user totpflow.User, password string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accounts[user.ID] = &account{user, h.hash(password)}
	h.names[strings.ToLower(user.Name)] = user.ID
}

// LogIn returns the account of a name, if the password is right, and otherwise
// [web.ErrPassword].
func (h *Host) LogIn(ctx context.Context, name, password string) (totpflow.User, error) {
	h.mu.Lock()
	id := h.names[strings.ToLower(name)]
	h.mu.Unlock()
	if err := h.CheckPassword(ctx, id, password); err != nil {
		return totpflow.User{}, err
	}
	return h.user(id)
}

// SetPassword changes a password. Call [web.Web.PasswordChanged] afterwards.
func (h *Host) SetPassword(id totpflow.AccountID, password string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.accounts[id]
	if a == nil {
		return errAccount
	}
	a.password = h.hash(password)
	return nil
}

// Remove deletes an account. Its sessions end with it.
func (h *Host) Remove(id totpflow.AccountID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.accounts[id]; a != nil {
		delete(h.names, strings.ToLower(a.user.Name))
	}
	delete(h.accounts, id)
}

var errAccount = errors.New("memhost: there is no such account")

func (h *Host) user(id totpflow.AccountID) (totpflow.User, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.accounts[id]
	if a == nil {
		return totpflow.User{}, errAccount
	}
	return a.user, nil
}

// hash is enough because nothing is stored. A product stores hashes of argon2id or the
// like, which are slow to guess.
func (h *Host) hash(password string) []byte {
	mac := hmac.New(sha256.New, h.key[:])
	mac.Write([]byte(password))
	return mac.Sum(nil)
}

// CheckPassword implements [web.Host].
func (h *Host) CheckPassword(ctx context.Context, id totpflow.AccountID, password string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	want := make([]byte, sha256.Size)
	if a := h.accounts[id]; a != nil {
		want = a.password
	}
	if !hmac.Equal(want, h.hash(password)) {
		return web.ErrPassword
	}
	return nil
}

// KeepGeneration is for the field of that name in [web.Config].
func (h *Host) KeepGeneration(_ context.Context, id totpflow.AccountID, generation uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.accounts[id]; a != nil {
		a.user.Generation = max(a.user.Generation, generation)
	}
	return nil
}

// cookie is the session's, out of reach for scripts and for other sites' forms.
const cookie = "__Host-session"

// token returns what the request shows: the cookie, or the key of a program.
func token(r *http.Request) string {
	if scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return key
	}
	if c, err := r.Cookie(cookie); err == nil {
		return c.Value
	}
	return ""
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}

// Session implements [web.Host].
func (h *Host) Session(r *http.Request) (web.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.sessions[hashToken(token(r))]
	if !ok {
		return web.Session{}, nil
	}
	a := h.accounts[s.id]
	if a == nil {
		return web.Session{}, nil
	}
	return web.Session{User: a.user, Mark: s.mark, Reason: s.reason}, nil
}

// Begin implements [web.Host].
func (h *Host) Begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	key := h.begin(r.Context(), d, token(r))
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: key, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

// Token is for the field of that name in [web.Config]: a session for a program without
// cookies.
func (h *Host) Token(ctx context.Context, d totpflow.Decision) (key string, expires time.Time, err error) {
	return h.begin(ctx, d, ""), time.Now().Add(tokenLifetime), nil
}

// begin starts a session under a new token and ends the one with the old token.
func (h *Host) begin(ctx context.Context, d totpflow.Decision, old string) string {
	key := rand.Text()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, hashToken(old))
	h.sessions[hashToken(key)] = session{d.ID, d.Mark, d.Reason}
	return key
}

// End implements [web.Host].
func (h *Host) End(w http.ResponseWriter, r *http.Request) error {
	h.mu.Lock()
	delete(h.sessions, hashToken(token(r)))
	h.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, MaxAge: -1, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}
