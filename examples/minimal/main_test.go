package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web/hosttest"
	"github.com/totpflow/totpflow/web/webtest"
)

const email, password = "ana@acme.example", "correct-horse"

// start serves a product over a new database.
func start(t *testing.T) (url string, clock *totptest.Clock) {
	t.Helper()
	clock = totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC))
	p, err := newProduct(filepath.Join(t.TempDir(), "test.db"), keyring.Generate(), clock.Now)
	require.NoError(t, err)
	return webtest.Serve(t, p), clock
}

// signIn signs in with the password. If there is a phone, it also enters a code of the
// phone.
func signIn(b *webtest.Browser, phone *totptest.Authenticator) *webtest.Page {
	b.Get("/signin").Submit("/signin", "email", email, "password", password)
	if phone != nil {
		b.Page.Submit("/2fa/code", "code", phone.Code())
	}
	return b.Page
}

// setUp sets up a phone for the person who is signed in.
func setUp(t *testing.T, b *webtest.Browser, clock *totptest.Clock) *totptest.Authenticator {
	t.Helper()
	b.Get("/2fa/setup")
	phone, err := totptest.TypeSecret(b.Page.Text("secret"), clock)
	require.NoError(t, err)
	b.Page.Submit("/2fa/setup", "code", phone.Code())
	require.Equal(t, "Save your recovery codes", b.Page.Text("h1"))
	b.Page.Submit("/2fa/security/saved")
	return phone
}

func TestSignIn(t *testing.T) {
	url, clock := start(t)
	ana := webtest.NewBrowser(t, url)
	require.Equal(t, "/signin", ana.Get("/").Path)
	require.Equal(t, "Backups of ana@acme.example", signIn(ana, nil).Text("h1"))
	phone := setUp(t, ana, clock)
	ana.Get("/").Submit("/2fa/signout")
	require.Equal(t, "/signin", ana.Get("/").Path)

	thief := webtest.NewBrowser(t, url)
	require.Equal(t, "Enter your code", signIn(thief, nil).Text("h1"))
	require.Equal(t, "/signin", thief.Get("/").Path, "the password is not enough")
	require.Equal(t, "Backups of ana@acme.example", signIn(ana, phone).Text("h1"))
}

func TestDeleteBackup(t *testing.T) {
	url, clock := start(t)
	ana := webtest.NewBrowser(t, url)
	signIn(ana, nil)
	phone := setUp(t, ana, clock)
	ana.Get("/").Submit("/backups/b1/delete")
	require.Equal(t, "Delete backup", ana.Page.Text("h1"))
	require.Contains(t, ana.Page.Text("main"), "ana-laptop, 1 March")
	ana.Page.Submit("/backups/b1/delete", "totpflow_code", phone.Code())
	require.Equal(t, "/", ana.Page.Path)
	require.NotContains(t, ana.Page.HTML, "1 March")
	require.Contains(t, ana.Page.HTML, "2 March")
	require.Equal(t, http.StatusNotFound, ana.Post("/backups/nobodys/delete").Status)
}

func TestChangePassword(t *testing.T) {
	url, _ := start(t)
	ana, other := webtest.NewBrowser(t, url), webtest.NewBrowser(t, url)
	signIn(ana, nil)
	signIn(other, nil)
	ana.Get("/password").Submit("/password", "old", password, "new", "battery-staple")
	require.Equal(t, "Backups of ana@acme.example", ana.Page.Text("h1"))
	require.Equal(t, "/signin", ana.Copy().Get("/signin").Path)
	require.Equal(t, http.StatusUnauthorized, signIn(webtest.NewBrowser(t, url), nil).Status)
}

// The program does not start with the keys of another database: people would set up under
// keys that are not there the next time.
func TestOtherKeys(t *testing.T) {
	file, keys := filepath.Join(t.TempDir(), "test.db"), keyring.Generate()
	clock := totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC))
	p, err := newProduct(file, keys, clock.Now)
	require.NoError(t, err)
	ana := webtest.NewBrowser(t, webtest.Serve(t, p))
	signIn(ana, nil)
	setUp(t, ana, clock)
	_, err = newProduct(file, keyring.Generate(), clock.Now)
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
	_, err = newProduct(file, keys, clock.Now)
	require.NoError(t, err)
}

// The host's own part passes the tests of package hosttest.
func TestHost(t *testing.T) {
	hosttest.Run(t, func(t *testing.T) hosttest.Fixture {
		p, err := open(filepath.Join(t.TempDir(), "test.db"))
		require.NoError(t, err)
		_, err = p.db.Exec(`INSERT INTO users (id, email, password) VALUES ('2', 'ben@acme.example', ?)`, hashPassword(password))
		require.NoError(t, err)
		return hosttest.Fixture{
			Host: p, Wrap: p.sessions.LoadAndSave, Password: password,
			User: totpflow.User{ID: totpflow.AccountID{User: "1"}, Name: email}, Other: totpflow.User{ID: totpflow.AccountID{User: "2"}},
			Put: func(_ http.ResponseWriter, r *http.Request, v string) error {
				p.sessions.Put(r.Context(), "note", v)
				return nil
			},
			Get: func(r *http.Request) string { return p.sessions.GetString(r.Context(), "note") },
		}
	})
}

// The second factor takes at most 60 lines of a product's code.
func TestLines(t *testing.T) {
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	lines, inside, parts := 0, false, 0
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "// second factor"):
			require.False(t, inside)
			inside, parts = true, parts+1
		case line == "// end":
			require.True(t, inside)
			inside = false
		case inside && line != "" && !strings.HasPrefix(line, "//"):
			lines++
		}
	}
	require.False(t, inside)
	require.Equal(t, 6, parts)
	require.LessOrEqual(t, lines, 60)
	t.Log(lines, "lines")
}
