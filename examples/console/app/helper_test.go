package app_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
)

var (
	admin = app.DemoAccounts[0] // administrator of acme
	ana   = app.DemoAccounts[1] // a user of acme
	nora  = app.DemoAccounts[2] // an administrator of the provider
	mika  = app.DemoAccounts[3] // an administrator of acme, and a user of the provider
	ben   = app.DemoAccounts[4] // a user of acme's unit
	agent = app.DemoAccounts[5] // a machine of acme
)

// A site is a running console.
type site struct {
	t     *testing.T
	clock *totptest.Clock
	db    *sql.DB
	keys  *keyring.Ring
	url   string
	mails *mailbox

	console *app.Console // the one that was started last
}

func newSite(t *testing.T, change ...func(*app.Options)) *site {
	t.Helper()
	t.Parallel() // sites share nothing
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s := &site{t: t, db: db, keys: keys, mails: &mailbox{}, clock: totptest.NewClock(time.Date(2026, 3, 2, 9, 30, 10, 0, time.UTC))}
	s.url = s.serve(change...)
	s.cheapPasswords()
	return s
}

// cheapPasswords replaces the hashes of the demo accounts with ones that are quick to
// check. Hashes carry their own costs, and most tests are not about passwords.
func (s *site) cheapPasswords() {
	s.t.Helper()
	salt, b64 := []byte("salt of the tests"), base64.RawStdEncoding
	for _, a := range app.DemoAccounts {
		hash := argon2.IDKey([]byte(a.Password), salt, 1, 8, 1, 16)
		phc := fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, b64.EncodeToString(salt), b64.EncodeToString(hash))
		_, err := s.db.Exec(`UPDATE people SET password = ? WHERE email = ?`, phc, a.Email)
		require.NoError(s.t, err)
	}
}

// serve starts a console with the same database, as a restart with other flags would, and
// returns its address.
func (s *site) serve(change ...func(*app.Options)) string {
	s.t.Helper()
	o := app.Options{DB: s.db, Keys: s.keys, Now: s.clock.Now, Observer: event.Slog(slog.New(slog.DiscardHandler)), Mail: s.mails, URL: mailURL}
	for _, c := range change {
		c(&o)
	}
	console, err := app.New(o)
	require.NoError(s.t, err)
	server := httptest.NewServer(console)
	s.t.Cleanup(func() {
		server.Close()
		require.NoError(s.t, console.Drain(context.Background()))
	})
	s.mails.settled = append(s.mails.settled, console.Drain)
	s.console = console
	return server.URL
}

// mailURL is the console's address in mails. It is not the address of the test server, so
// a link that contains it was made from it.
const mailURL = "https://backup.example"

// A mailbox is a mailer of the console that keeps the mails.
type mailbox struct {
	mu    sync.Mutex
	mails []app.Mail
	fails error

	settled []func(context.Context) error // waits for the mails under way
}

func (m *mailbox) Send(_ context.Context, mail app.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	m.mails = append(m.mails, mail)
	return nil
}

func (m *mailbox) fail(err error) {
	m.settle()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails = err
}

// settle waits for the mails under way.
func (m *mailbox) settle() {
	for _, wait := range m.settled {
		_ = wait(context.Background()) // this context does not end
	}
}

// to returns the mails to a person, oldest first.
func (m *mailbox) to(who app.DemoAccount) (mails []app.Mail) {
	m.settle()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range m.mails {
		if mail.To == who.Email {
			mails = append(mails, mail)
		}
	}
	return mails
}

// last returns the newest mail to a person with these words in its subject.
func (s *site) last(who app.DemoAccount, subject string) app.Mail {
	s.t.Helper()
	mails := s.mails.to(who)
	for _, mail := range slices.Backward(mails) {
		if strings.Contains(strings.ToLower(mail.Subject), strings.ToLower(subject)) {
			return mail
		}
	}
	require.Failf(s.t, "no such mail", "%q in %v", subject, mails)
	return app.Mail{}
}

func require2FA(o *app.Options) { o.Require = true }

// A browser keeps cookies and does not follow redirects by itself.
type browser struct {
	*site
	jar    http.CookieJar
	client *http.Client
	accept string // the Accept-Language header; empty for none
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{site: s, jar: jar, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// An answer is an answer of the console.
type answer struct {
	t      *testing.T
	status int
	to     string // where a redirect leads
	header http.Header
	body   string
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.url+path, nil)
	require.NoError(b.t, err)
	return b.do(r)
}

// post sends a form; fields holds names and values in turn.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.postForm(path, form)
}

func (b *browser) postForm(path string, form url.Values) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.url)
	return b.do(r)
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if b.accept != "" {
		r.Header.Set("Accept-Language", b.accept)
	}
	resp, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answer{b.t, resp.StatusCode, resp.Header.Get("Location"), resp.Header, string(body)}
}

func (b *browser) cookie(part string) *http.Cookie {
	u, err := url.Parse(b.url)
	require.NoError(b.t, err)
	for _, c := range b.jar.Cookies(u) {
		if strings.Contains(c.Name, part) {
			return c
		}
	}
	return nil
}

func (a answer) redirects(to string) answer {
	a.t.Helper()
	require.Equal(a.t, http.StatusSeeOther, a.status, a.body)
	require.Equal(a.t, to, a.to)
	return a
}

// out asserts that nobody is signed in: the answer leads to the sign-in, either at once
// or through a page that says why.
func (a answer) out() answer {
	a.t.Helper()
	if a.status == http.StatusUnauthorized {
		return a.says(`href="/signin"`)
	}
	return a.redirects("/signin")
}

func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	return a
}

func (a answer) says(words ...string) answer {
	a.t.Helper()
	for _, w := range words {
		require.Contains(a.t, html.UnescapeString(a.body), w)
	}
	return a
}

func (a answer) lacks(words string) answer {
	a.t.Helper()
	require.NotContains(a.t, html.UnescapeString(a.body), words)
	return a
}

// text returns the text of the element with this id.
func (a answer) text(id string) string {
	a.t.Helper()
	m := regexp.MustCompile(`id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(a.body)
	require.NotNil(a.t, m, "no element %q in %s", id, a.body)
	return html.UnescapeString(m[1])
}

// codes returns the recovery codes of a sheet.
func (a answer) codes() []string {
	a.t.Helper()
	var codes []string
	for _, m := range regexp.MustCompile(`class="recovery-code">([^<]+)<`).FindAllStringSubmatch(a.body, -1) {
		codes = append(codes, m[1])
	}
	require.Len(a.t, codes, 10)
	return codes
}

// phone scans the code that an enrollment page shows.
func (b *browser) phone(a answer) *totptest.Authenticator {
	b.t.Helper()
	m := regexp.MustCompile(`href="(otpauth:[^"]+)"`).FindStringSubmatch(a.body)
	require.NotNil(b.t, m, a.body)
	phone, err := totptest.ScanURI(html.UnescapeString(m[1]), b.clock)
	require.NoError(b.t, err)
	return phone
}

// password sends the first step of the sign-in.
func (b *browser) password(who app.DemoAccount) answer {
	b.t.Helper()
	return b.post("/signin", "email", who.Email, "password", who.Password)
}

// enroll signs in and sets up a second factor, and returns the phone and the recovery
// codes.
func (b *browser) enroll(who app.DemoAccount) (*totptest.Authenticator, []string) {
	b.t.Helper()
	require.Equal(b.t, http.StatusSeeOther, b.password(who).status)
	phone := b.phone(b.get("/2fa/setup").is(http.StatusOK))
	codes := b.post("/2fa/setup", "code", phone.Code()).is(http.StatusOK).codes()
	b.clock.Advance(time.Second)
	return phone, codes
}

// signIn signs in with password and code; more holds further fields of the code's form.
func (b *browser) signIn(who app.DemoAccount, phone *totptest.Authenticator, more ...string) answer {
	b.t.Helper()
	b.password(who).redirects("/2fa/code")
	return b.post("/2fa/code", append([]string{"code", phone.Code()}, more...)...).redirects("/")
}

// second returns the error of a call that also returns another value.
func second[T any](_ T, err error) error { return err }

// authenticators returns the ids of the authenticators on the security page, by name.
func (b *browser) authenticators() map[string]string {
	b.t.Helper()
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`id="name-([^"]+)" name="name" value="([^"]*)"`).FindAllStringSubmatch(b.get("/2fa/security").body, -1) {
		ids[html.UnescapeString(m[2])] = m[1]
	}
	return ids
}

// add sets up one more authenticator, with a code of the one at hand.
func (b *browser) add(by *totptest.Authenticator, name string) *totptest.Authenticator {
	b.t.Helper()
	b.post("/2fa/security/add", "totpflow_code", by.Code()).redirects("/2fa/setup")
	phone := b.phone(b.get("/2fa/setup").says("is added to those that you have").lacks("stops working"))
	b.post("/2fa/setup", "code", phone.Code(), "name", name).is(http.StatusOK).
		says("in addition to those that you had", "Save your set-up key").lacks("recovery-code\"")
	return phone
}
