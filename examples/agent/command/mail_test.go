package command_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// A postbox keeps the code of the last mail that had one. Mails about changes arrive in
// between, at any time.
type postbox struct {
	mu   sync.Mutex
	code string
}

var mailedCode = regexp.MustCompile(`(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}`)

// Send implements app.Mailer.
func (p *postbox) Send(_ context.Context, m app.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if code := mailedCode.FindString(m.Text); code != "" {
		p.code = code
	}
	return nil
}

// issue makes the administrator send a code to a person, on the console's pages, and
// returns the code from the mail.
func (h *workplace) issue(who app.DemoAccount, boss *totptest.Authenticator, box *postbox) string {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(h.t, err)
	browser := &http.Client{Jar: jar}
	send := func(method, path string, form url.Values) string {
		r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(form.Encode()))
		require.NoError(h.t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a, err := browser.Do(r)
		require.NoError(h.t, err)
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		require.NoError(h.t, err)
		require.Equal(h.t, http.StatusOK, a.StatusCode, "%s", text)
		return string(text)
	}
	post := func(path string, form url.Values) { send(http.MethodPost, path, form) }
	post("/signin", url.Values{"email": {admin.Email}, "password": {admin.Password}})
	post("/2fa/code", url.Values{"code": {boss.Code()}})
	m := regexp.MustCompile(`/2fa-admin/person\?tenant=(\w+)&amp;user=(\w+)">` + who.Name).FindStringSubmatch(send(http.MethodGet, "/2fa-admin/people", nil))
	require.NotNil(h.t, m)
	post("/2fa-admin/person/issue", url.Values{"tenant": {m[1]}, "user": {m[2]}, "totpflow_code": {boss.Code()}})
	box.mu.Lock()
	defer box.mu.Unlock()
	require.NotEmpty(h.t, box.code)
	return box.code
}

// The code from a mail leads to a new authenticator, at the sign-in and at the lock, and
// the person continues. The code works once, so accepting it without an enrollment would
// shut the person out.
func TestTheCodeOfAMail(t *testing.T) {
	for _, args := range []string{"signin", "list"} {
		t.Run(args, func(t *testing.T) {
			var box postbox
			h := newWorkplace(t, func(o *app.Options) { o.Mail = &box })
			office := *h
			office.folder = t.TempDir()
			boss := office.enrolled(admin)
			old := h.enrolled(ana)
			h.clock.Advance(time.Minute)
			code := h.issue(ana, boss, &box)

			if args == "signin" {
				h.run("signout").ends(command.ExitDone)
			}
			w := h.window(args)
			if args == "signin" {
				w.types("E-mail address: ", ana.Email)
			}
			w.types("Password: ", ana.Password)
			w.types("recovery code: ", "mail")
			w.types("Recovery code from the e-mail: ", code)
			phone := h.phone(w.sees("Code that the app shows now: "))
			h.clock.Advance(time.Second)
			w.types("", phone.Code())
			w.saves()
			w.ends(command.ExitDone)
			h.run("list", ana.Password, phone.Code()).ends(command.ExitDone).says("ana-laptop")
			h.run("list", ana.Password, old.Code()).ends(command.ExitRefused)
		})
	}
}

// A person who has only the code from a mail is asked for just that. The word that leads to
// it elsewhere is not taken for the code.
func TestOnlyTheCodeOfAMail(t *testing.T) {
	var box postbox
	h := newWorkplace(t, func(o *app.Options) { o.Mail = &box })
	office := *h
	office.folder = t.TempDir()
	boss := office.enrolled(admin)
	h.enrolled(ana)
	h.clock.Advance(time.Minute)
	code := h.issue(ana, boss, &box)
	h.answers("/api/signin", func(text string) string {
		return strings.Replace(text, `["code","recovery-code","issued-code"]`, `["issued-code"]`, 1)
	})
	w := h.window("list")
	w.types("Password: ", ana.Password)
	w.types("\nRecovery code from the e-mail: ", " Mail")
	w.sees("\nRecovery code from the e-mail: ")
	_, err := w.keys.Write([]byte{3})
	require.NoError(t, err)
	w.ends(command.ExitLocked)
	w = h.window("list")
	w.types("Password: ", ana.Password)
	w.types("\nRecovery code from the e-mail: ", code)
	seen := w.sees("Code that the app shows now: ")
	require.NotContains(t, seen, "If your administrator")
	phone := h.phone(seen)
	h.clock.Advance(time.Second)
	w.types("", phone.Code())
	w.saves()
	w.ends(command.ExitDone)
}
