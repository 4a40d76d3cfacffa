package browser_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// seat opens a browser for somebody who sits in front of it.
func (o *site) seat(who app.DemoAccount, s size) *tab {
	o.t.Helper()
	p := o.browser(s)
	p.who = who
	return p
}

// administrator signs in and sets up.
func (o *site) administrator(s size) (*tab, *totptest.Authenticator) {
	o.t.Helper()
	p := o.seat(admin, s)
	p.password()
	p.open("/2fa/setup")
	phone := p.scan(o.clock, "setup-admin")
	p.confirm(phone.Code())
	p.sheet()
	return p, phone
}

// account opens the page of one account from the list.
func (p *tab) account(who app.DemoAccount) {
	p.t.Helper()
	p.open("/2fa-admin/people?q=" + who.Email)
	p.click("a.name")
	require.Contains(p.t, p.path(), "/2fa-admin/person?")
}

// change submits a form of an account's page, and then the page that asks for the
// administrator's code.
func (p *tab) change(word, code string) {
	p.t.Helper()
	p.click(`form[action="/2fa-admin/person/` + word + `"] button`)
	p.stepUp(code)
}

func (p *tab) state(who app.DemoAccount) string {
	p.t.Helper()
	p.open("/2fa-admin/people?q=" + who.Email)
	return p.text("td.state")
}

// An administrator requires a second factor from a certain day on. Ana is asked to set it
// up, puts it off, and has to do it in the end.
func TestRequiredFromADayOn(t *testing.T) {
	s := desktopSize
	o := newSite(t, false)
	boss, phone := o.administrator(s)
	boss.open("/2fa-admin/policy")
	boss.set("#mode", "required")
	boss.set("#deadline", "2026-01-09")
	boss.picture("policy")
	boss.click(`form[action="/2fa-admin/policy/set"] button`)
	boss.picture("policy-asked")
	boss.stepUp(phone.Code())
	boss.at("/2fa-admin/policy?tenant=acme")

	p := o.browser(s)
	p.password()
	p.at("/2fa/setup")
	p.says("10 January 2026 at 00:59 CET") // the end of the 9th in UTC, in the zone of the browser
	p.open("/")
	require.Contains(t, p.text("#grace"), "by 10 January 2026")
	p.picture("grace")
	require.Equal(t, "Has to set up soon", boss.state(ana))
	boss.open("/2fa-admin/people")
	boss.picture("admin")

	o.clock.Advance(8 * 24 * time.Hour)
	p.open("/")
	p.out() // also in the session that is open
	p.password()
	p.at("/2fa/setup")
	p.says("Your organisation requires two-factor authentication for this account.")
	p.picture("must-set-up")
	anas := p.scan(o.clock, "setup")
	p.confirm(anas.Code())
	p.sheet()
	require.Zero(t, p.count("#grace"))

	boss.password() // the session of a week ago is over
	boss.code(phone.Code())
	require.Equal(t, "Set up", boss.state(ana))
	boss.open("/2fa-admin/people")
	boss.set("#filter", "missing")
	boss.click(".filter button")
	require.Equal(t, 2, boss.count("td.state"))
}

// Ana has lost everything and calls. The administrator, with their own code, resets her
// account, or has a code sent that only she can read.
func TestHelpFromAnAdministrator(t *testing.T) {
	s := desktopSize
	o := newSite(t, true)
	lost, _ := o.setUp(o.browser(s))
	boss := o.seat(admin, s)
	boss.password()
	phone := boss.scan(o.clock, "setup-admin")
	boss.confirm(phone.Code())
	boss.sheet()

	boss.account(ana)
	boss.picture("account")
	boss.change("reset", phone.WrongCode())
	boss.says("Not accepted")
	require.Equal(t, "Set up", boss.state(ana))
	boss.account(ana)
	boss.change("reset", phone.Code())
	require.Contains(t, boss.path(), "/2fa-admin/person?")
	p := o.browser(s)
	p.password()
	p.at("/2fa/setup")
	found := p.scan(o.clock, "setup")
	p.confirm(lost.Code())
	p.says("Not accepted")
	p.confirm(found.Code())
	p.sheet()

	boss.account(ana)
	boss.change("issue", phone.Code())
	require.Contains(t, boss.path(), "/2fa-admin/person?")
	home := o.browser(s)
	home.password()
	home.at("/2fa/code")
	home.click(`.ways a[href="/2fa/issued"]`)
	home.picture("issued")
	home.fill("#issued_code", "0000-0000-0000-0000")
	home.click(`form[action="/2fa/issued"] button`)
	home.says("Not accepted")
	home.fill("#issued_code", strings.ToLower(o.find(ana, "recovery code", `([0-9A-Z]{4}-){3}[0-9A-Z]{4}`)))
	home.click(`form[action="/2fa/issued"] button`)
	newest := home.scan(o.clock, "setup")
	home.confirm(newest.Code())
	home.sheet()
	o.refuses(found, s)
	o.admits(newest, s)
}

// Wrong codes lock everybody out; an administrator unlocks the account.
func TestUnlock(t *testing.T) {
	s := desktopSize
	o := newSite(t, true)
	anas, _ := o.setUp(o.browser(s))
	boss := o.seat(admin, s)
	boss.password()
	phone := boss.scan(o.clock, "setup-admin")
	boss.confirm(phone.Code())
	boss.sheet()
	p := o.browser(s)
	p.password()
	for p.count("#code2") == 0 {
		p.code(anas.WrongCode())
	}
	boss.account(ana)
	boss.change("unlock", phone.Code())
	require.Contains(t, boss.path(), "/2fa-admin/person?")
	p.password()
	require.Zero(t, p.count("#code2"))
	p.code(anas.Code())
	p.at("/")
}

// A second authenticator beside the first, with a name, and then removed.
func TestSeveralAuthenticators(t *testing.T) {
	s := phoneSize
	o := newProduct(t, mandatory)
	p := o.browser(s)
	first, _ := o.setUp(p)
	p.reauthenticate("/2fa/security/add", first.Code())
	second := p.scan(o.clock, "add")
	p.says("is added to those that you have")
	p.fill("#name", "Tablet")
	p.confirm(second.Code())
	p.says("Your recovery codes stay as they are")
	p.picture("added")
	p.click(`main a.primary[href="/2fa/security"]`)
	require.Equal(t, []string{"Authenticator", "Tablet"}, p.texts(".authenticator .name"))
	o.admits(first, s)
	o.admits(second, s)

	p.open("/2fa/security")
	p.tick(".authenticator:first-child summary")
	p.fill(".authenticator:first-child [name=name]", "Old phone")
	p.click(`.authenticator:first-child form[action*="/rename/"] button`)
	require.Equal(t, []string{"Old phone", "Tablet"}, p.texts(".authenticator .name"))
	p.tick(".authenticator:first-child summary")
	p.picture("authenticators")
	p.click(`.authenticator:first-child form[action*="/remove/"] button`)
	p.stepUp(second.Code())
	require.Equal(t, []string{"Tablet"}, p.texts(".authenticator .name"))
	require.Zero(t, p.count(`form[action*="/remove/"]`))
	o.refuses(first, s)
	o.admits(second, s)
}

// A thief with the password and a moment at Ana's desk sets up a phone of their own. The
// mail about it closes the account; the administrator restores hers.
func TestItWasNotMe(t *testing.T) {
	s := desktopSize
	o := newSite(t, true)
	boss := o.seat(admin, s)
	boss.password()
	phone := boss.scan(o.clock, "setup-admin")
	boss.confirm(phone.Code())
	boss.sheet()
	atWork := o.browser(s)
	anas, _ := o.setUp(atWork)
	atWork.reauthenticate("/2fa/security/replace", anas.Code())
	thiefs := atWork.scan(o.clock, "replace")
	atWork.confirm(thiefs.Code())
	atWork.sheet()

	p := o.browser(s)
	p.open(strings.TrimPrefix(o.find(ana, "replaced", regexp.QuoteMeta(o.base)+`\S+`), o.base))
	p.picture("not-me")
	atWork.open("/")
	atWork.at("/") // opening the page has changed nothing
	p.click(`form[action="/2fa/not-me"] button`)
	p.says("Your account is closed")
	atWork.open("/")
	atWork.out()
	atWork.password()
	atWork.says("account")
	atWork.picture("closed")

	require.Equal(t, "Closed after a report", boss.state(ana))
	boss.account(ana)
	boss.picture("account-closed")
	require.Regexp(t, `^Authenticator, added .* CES?T$`, strings.Join(boss.texts("#authenticator option"), "; "), "in the zone of the browser")
	boss.change("restore", phone.Code())
	require.Zero(t, boss.count("#closed"))
	o.refuses(thiefs, s)
	o.admits(anas, s)
}

// Mika has accounts in two organisations, with one address and password.
func TestSeveralOrganisations(t *testing.T) {
	s := desktopSize
	o := newSite(t, false)
	p := o.seat(mika, s)
	p.password()
	p.at("/organisation")
	require.Equal(t, 2, p.count(".choices button"))
	p.picture("organisation")
	p.click(".choices li:first-child button")
	p.at("/")
	p.open("/2fa/security")
	require.Equal(t, 1, p.count(".other"))
	p.says("Northern IT")
}
