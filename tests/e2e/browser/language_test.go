package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

// narrowSize is the narrowest window that the pages are made for.
var narrowSize = size{"narrow", 320, 640, true}

// fits asserts that the page is in the language, and that nothing of it is wider
// than the window or its card: header and footer included, and every form opened.
func (p *tab) fits(lang, name string) {
	p.t.Helper()
	run(p, chromedp.Evaluate[int](`(() => { const all = document.querySelectorAll("details"); all.forEach(e => e.open = true); return all.length })()`))
	p.sound()
	require.Equal(p.t, lang, run(p, chromedp.Evaluate[string]("document.documentElement.lang")))
	wide := run(p, chromedp.Evaluate[[]string](`(() => {
		const width = document.documentElement.clientWidth, faults = [];
		for (const e of document.querySelectorAll("body *")) {
			const box = e.getBoundingClientRect();
			if (e.closest(".away, .skip, .totpflow-skip, svg, [hidden]") || !box.width) continue;
			if (box.right > width + 1 || box.left < -1) faults.push("outside: " + e.outerHTML.slice(0, 140));
			else if (e.matches("button, .button, summary, .badge, h1, h2, h3, label") && e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
				faults.push("wider than its box: " + e.outerHTML.slice(0, 140));
			const card = e.parentElement.closest(".card");
			if (card && !e.closest(".scan") && box.right > card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight) + 1)
				faults.push("outside its card: " + e.outerHTML.slice(0, 140));
		}
		return faults;
	})()`))
	require.Emptyf(p.t, wide, "%s in %s at %d pixels", name, lang, p.size.width)
	p.picture(lang + "-" + name)
}

// speak chooses the language in the menu of the page.
func (p *tab) speak(lang string) {
	p.t.Helper()
	path := p.path()
	p.click(`form[action="/2fa/language"] button[value="` + lang + `"]`)
	p.at(path)
}

// typed sets up the authenticator of the page by its key.
func (p *tab) typed(clock *totptest.Clock) *totptest.Authenticator {
	p.t.Helper()
	p.at("/2fa/setup")
	phone, err := totptest.TypeSecret(p.text("#secret"), clock)
	require.NoError(p.t, err)
	return phone
}

// German words are long and Spanish sentences are: every page holds them.
func TestLanguagesOnANarrowPhone(t *testing.T) {
	for _, lang := range []string{"de", "es"} {
		t.Run(lang, func(t *testing.T) {
			o := newProduct(t, withPhones)
			app := o.ofSetUp(o.browser(narrowSize), lang)
			o.atTheCode(o.browser(narrowSize), lang, app)
		})
	}
}

// The same for the pages of the console and of its administrators.
func TestLanguagesOfTheConsole(t *testing.T) {
	for _, lang := range []string{"de", "es"} {
		t.Run(lang, func(t *testing.T) {
			o := newSite(t, false)
			o.ofAdministrator(o.seat(admin, narrowSize), lang)
			p := o.seat(mika, narrowSize)
			p.open("/signin")
			p.speak(lang)
			p.password()
			p.fits(lang, "organisation")
		})
	}
}

// ofAdministrator visits the pages of somebody who sets up, and then looks after others.
func (o *site) ofAdministrator(p *tab, lang string) {
	p.t.Helper()
	p.open("/signin")
	p.speak(lang)
	p.fits(lang, "signin")
	p.password()
	p.fits(lang, "archive-bare")
	p.open("/2fa-admin/people")
	p.fits(lang, "admin-bare")
	p.open("/2fa/setup")
	phone := p.typed(o.clock)
	p.confirm(phone.Code())
	p.click(`form[action="/2fa/security/saved"] button`)
	p.open("/")
	p.fits(lang, "archive")
	p.open("/2fa-admin/people")
	p.fits(lang, "admin")
	p.open("/2fa-admin/policy")
	p.set("#phones", "assigned")
	p.click(`form[action="/2fa-admin/policy/set"] button`)
	p.fits(lang, "admin-asked")
	p.stepUp(phone.Code())
	p.fits(lang, "admin-set")
	p.account(ana)
	p.fits(lang, "member")
}

// ofSetUp visits the pages of somebody who sets up a phone and an app.
func (o *site) ofSetUp(p *tab, lang string) *totptest.Authenticator {
	p.t.Helper()
	p.open("/2fa/not-me?event=x")
	p.speak(lang)
	p.fits(lang, "not-me")
	p.open("/2fa/nothing")
	p.fits(lang, "problem")
	p.password()
	p.fits(lang, "setup")
	p.open("/2fa/phone")
	p.fits(lang, "phone")
	p.fill("#number", "12")
	p.click(`button[value="sms"]`)
	p.fits(lang, "phone-refused")
	p.fill("#number", "+43 660 1234567")
	p.click(`button[value="sms"]`)
	p.fits(lang, "phone-confirm")
	p.open("/2fa/setup")
	app := p.typed(o.clock)
	p.confirm(app.Code())
	p.fits(lang, "sheet")
	require.Zero(p.t, p.count(`form[action="/2fa/language"]`), "the codes would be lost")
	p.click(`form[action="/2fa/security/saved"] button`)
	p.open("/2fa/security")
	p.fits(lang, "security")
	p.click(`form[action="/2fa/security/other"] button`)
	p.fits(lang, "other")
	p.open("/")
	p.click(`form[action="/backups/42/delete"] button`)
	p.fits(lang, "stepup")
	p.reauthenticate("/2fa/security/add", app.Code())
	p.confirm(p.typed(o.clock).Code())
	return app
}

// atTheCode visits the pages of the second step.
func (o *site) atTheCode(p *tab, lang string, app *totptest.Authenticator) {
	p.t.Helper()
	p.open("/2fa/not-me?event=x")
	p.speak(lang)
	p.password()
	p.at("/2fa/code")
	p.code(app.WrongCode())
	p.fits(lang, "code")
	p.open("/2fa/recovery")
	p.fill("#recovery_code", "nonsense")
	p.click(`form[action="/2fa/recovery"] button`)
	p.fits(lang, "recovery")
	p.open("/2fa/replace")
	p.fill("#code", app.Code())
	p.click(`form[action="/2fa/replace"] button`)
	p.fits(lang, "which")
}
