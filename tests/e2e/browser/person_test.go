package browser_test

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/totptest/qrscan"
)

// A site is one console, or one product without it, with its clock.
type site struct {
	t      *testing.T
	clock  *totptest.Clock
	base   string
	mails  *outbox
	phones *provider

	console *app.Console // of newSite

	service *totpflow.Service // of newProduct
	handler http.Handler
}

// silent hears of everything and says nothing.
var silent = event.Slog(slog.New(slog.DiscardHandler))

// The people of the demonstration.
var (
	admin = app.DemoAccounts[0]
	ana   = app.DemoAccounts[1]
	mika  = app.DemoAccounts[3]
)

// An outbox keeps the mails that a console sends.
type outbox struct {
	mu    sync.Mutex
	mails []app.Mail
}

func (b *outbox) Send(_ context.Context, m app.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, m)
	return nil
}

// find returns the match of the pattern in the newest mail to somebody with these words
// in its subject.
func (o *site) find(to app.DemoAccount, subject, pattern string) string {
	o.t.Helper()
	require.NoError(o.t, o.console.Drain(o.t.Context()), "mails under way")
	o.mails.mu.Lock()
	defer o.mails.mu.Unlock()
	for _, m := range slices.Backward(o.mails.mails) {
		if m.To == to.Email && strings.Contains(strings.ToLower(m.Subject), subject) {
			if found := regexp.MustCompile(pattern).FindString(m.Text); found != "" { // and not the mail that reports it
				return found
			}
		}
	}
	require.Failf(o.t, "no such mail", "%q in %v", subject, o.mails.mails)
	return ""
}

// newSite starts a console with the demo accounts. If it is required, everybody has to
// set up a second factor.
func newSite(t *testing.T, required bool) *site {
	t.Helper()
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC))
	server, mails, phones := httptest.NewUnstartedServer(nil), &outbox{}, &provider{}
	console, err := app.New(app.Options{
		DB: db, Keys: keys, Require: required, Now: clock.Now,
		Observer: silent,
		Mail:     mails, Phones: phones, URL: "http://" + server.Listener.Addr().String(),
	})
	require.NoError(t, err)
	server.Config.Handler = console
	server.Start()
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, console.Drain(context.Background()))
	})
	return &site{t: t, clock: clock, base: server.URL, mails: mails, phones: phones, console: console}
}

// browser opens a browser that has not been used yet.
func (o *site) browser(s size) *tab {
	o.t.Helper()
	return newTab(o.t, o.base, s)
}

// ---- What a person does ----

// password passes the first step of the sign-in.
func (p *tab) password() {
	p.t.Helper()
	p.open("/signin")
	p.fill("#email", p.who.Email)
	p.fill("#password", p.who.Password)
	p.click(`form[action="/signin"] button`)
}

// code submits one code at the second step.
func (p *tab) code(code string) {
	p.t.Helper()
	p.fill("#code", code)
	p.click(`form[action="/2fa/code"] button`)
}

// confirm submits the code of the new authenticator on the enrollment page.
func (p *tab) confirm(code string) {
	p.t.Helper()
	p.fill("#code", code)
	p.click(`form[action="/2fa/setup"] button`)
}

// reauthenticate asks for a change on the security page, and shows the code that it
// requires.
func (p *tab) reauthenticate(action, code string) {
	p.t.Helper()
	p.open("/2fa/security")
	p.click(`form[action="` + action + `"] button`)
	p.stepUp(code)
}

// stepUp submits the code on the page that asks for it.
func (p *tab) stepUp(code string) {
	p.t.Helper()
	p.fill("#totpflow_code", code)
	p.click("form:has(#totpflow_code) button")
}

// out asserts that the session is over: the page leads to the sign-in, or is the sign-in
// already.
func (p *tab) out() {
	p.t.Helper()
	if p.path() != "/signin" {
		p.need(`main a[href="/signin"]`)
	}
}

func (p *tab) signOut() {
	p.t.Helper()
	if p.count(`form[action="/2fa/signout"]`) == 0 { // the plain layout has no menu
		p.open("/")
	}
	p.click(`form[action="/2fa/signout"] button`)
	p.at("/signin")
}

// scan reads the QR code on the enrollment page as a phone's camera would: from the
// picture of the page, which it keeps under the name, with two readers.
func (p *tab) scan(clock *totptest.Clock, name string) *totptest.Authenticator {
	p.t.Helper()
	p.at("/2fa/setup")
	p.evenModules()
	file := p.shoot(cmp.Or(os.Getenv("SCREENSHOTS"), p.t.TempDir()), name)
	png, err := os.ReadFile(file)
	require.NoError(p.t, err)
	uri, err := qrscan.Decode(png)
	require.NoError(p.t, err)
	zbar, err := exec.CommandContext(p.ctx, program(p.t, "zbarimg", "zbar-tools"), "-q", "--raw", "--oneshot", "--nodbus", file).Output()
	require.NoError(p.t, err)
	require.Equal(p.t, uri, strings.TrimSpace(string(zbar)), "two readers, two texts")

	phone, err := totptest.ScanURI(uri, clock)
	require.NoError(p.t, err)
	require.Equal(p.t, app.Issuer, phone.Label().Issuer)
	account, _, _ := strings.Cut(phone.Label().Account, " ") // an entry that replaces another has the time after its name
	require.Equal(p.t, p.who.Email, account)
	typed, err := totptest.TypeSecret(p.text("#secret"), clock)
	require.NoError(p.t, err)
	require.Equal(p.t, phone.Peek(), typed.Peek(), "the text beside the picture is another secret")
	return phone
}

// sheet reads the recovery codes, and says that they are saved.
func (p *tab) sheet() []string {
	p.t.Helper()
	p.says("Save your recovery codes")
	codes := p.texts(".recovery-code")
	require.Len(p.t, codes, 10)
	p.picture("recovery-codes")
	p.click(`form[action="/2fa/security/saved"] button`)
	require.Contains(p.t, []string{"/", "/2fa/security"}, p.path())
	return codes
}

// setUp goes from a first sign-in to a working authenticator.
func (o *site) setUp(p *tab) (phone *totptest.Authenticator, recoveryCodes []string) {
	p.t.Helper()
	p.password()
	p.at("/2fa/setup")
	phone = p.scan(o.clock, "setup")
	p.confirm(phone.Code())
	return phone, p.sheet()
}

// refuses asserts that a code does not let the person in.
func (o *site) refuses(phone *totptest.Authenticator, s size) {
	o.t.Helper()
	p := o.browser(s)
	p.password()
	p.at("/2fa/code")
	p.code(phone.Code())
	p.at("/2fa/code")
	p.says("Not accepted")
	p.open("/2fa/security")
	p.at("/signin")
}

// admits asserts that a code lets the person in.
func (o *site) admits(phone *totptest.Authenticator, s size) {
	o.t.Helper()
	p := o.browser(s)
	p.password()
	p.at("/2fa/code")
	p.code(phone.Code())
	p.at("/")
}

func everySize(t *testing.T, f func(t *testing.T, s size)) {
	for _, s := range []size{phoneSize, desktopSize} {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

// ---- Their ways ----

// From the password alone to a second factor, and to a trusted browser.
func TestSetUpAndSignIn(t *testing.T) {
	everySize(t, func(t *testing.T, s size) {
		o := newSite(t, false)
		p := o.browser(s)
		p.open("/")
		p.at("/signin")
		p.picture("signin")
		p.password()
		p.at("/") // optional, and not set up
		p.picture("home")

		p.click(`main a[href="/2fa/setup"]`)
		phone := p.scan(o.clock, "setup")
		p.confirm(phone.WrongCode())
		p.at("/2fa/setup")
		p.says("Not accepted")
		p.confirm(phone.Code())
		p.sheet()
		p.signOut()

		p.password()
		p.at("/2fa/code")
		p.picture("code")
		p.open("/") // the password alone is not enough any more
		p.at("/signin")
		p.password()
		p.tick("[name=trust]")
		p.code(phone.Code())
		p.at("/")
		p.signOut()
		p.password()
		p.at("/") // the browser is trusted

		p.open("/2fa/security")
		p.picture("security")
		require.Equal(t, "On", p.text("#state"))
		require.Equal(t, 1, p.count(".browser"))
		p.click(`form[action="/2fa/security/revoke-all"] button`)
		require.Zero(t, p.count(".browser"))
		p.signOut()
		p.password()
		p.at("/2fa/code") // it has lost the trust
	})
}

// The phone is lost: a recovery code leads to a new one.
func TestLostPhone(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	atWork := o.browser(s)
	lost, recoveryCodes := o.setUp(atWork)
	atWork.signOut()
	atWork.password()
	atWork.tick("[name=trust]")
	atWork.code(lost.Code())

	home := o.browser(s)
	home.password()
	home.at("/2fa/code")
	home.click(`a[href="/2fa/recovery"]`)
	home.picture("recovery")
	home.fill("#recovery_code", strings.ToLower(recoveryCodes[3]))
	home.click(`form[action="/2fa/recovery"] button`)
	home.at("/2fa/setup")
	home.says("You are signed in with a recovery code; 9 are left.")
	o.admits(lost, s) // the old one may turn up again, until the new one has shown a code
	phone := home.scan(o.clock, "replace")
	home.confirm(phone.Code())
	require.NotContains(t, home.sheet(), recoveryCodes[0])

	o.refuses(lost, s)
	o.admits(phone, s)
	atWork.open("/") // the session and the trust from before the loss are over
	atWork.out()
	atWork.password()
	atWork.at("/2fa/code")
	for _, old := range recoveryCodes[3:5] { // used, and of the old set
		atWork.open("/2fa/recovery")
		atWork.fill("#recovery_code", old)
		atWork.click(`form[action="/2fa/recovery"] button`)
		atWork.at("/2fa/recovery")
		atWork.says("Not accepted")
	}
}

// A new phone, while the old one is still at hand.
func TestChangeOfPhone(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	p := o.browser(s)
	old, _ := o.setUp(p)

	p.reauthenticate("/2fa/security/replace", old.WrongCode())
	p.at("/2fa/security") // the page asks for the code, under the address of the form
	p.says("Not accepted")
	p.reauthenticate("/2fa/security/replace", old.Code())
	phone := p.scan(o.clock, "replace")
	p.says("stops working")
	o.admits(old, s) // nothing is lost if the person leaves here
	p.confirm(phone.Code())
	p.sheet()

	o.refuses(old, s)
	o.admits(phone, s)
}
