package browser_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// A visit looks at every page, light and dark.
type visit struct {
	t    *testing.T
	seen map[string]bool // by the name of the template
}

// page has axe-core look at the page that the tab is on in the dark. In the light
// it has looked when the tab came there.
func (v visit) page(p *tab, template, path string) {
	v.t.Helper()
	require.Equal(v.t, path, strings.SplitN(p.path(), "?", 2)[0], p.text("main"))
	v.seen[template] = true
	set := func(scheme string) {
		_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		require.NoError(v.t, err)
	}
	set("dark")
	require.Emptyf(v.t, p.axe(), "%s, dark, at %d pixels", template, p.size.width)
	set("light")
}

// Everybody can use every page: at both sizes, light and dark.
func TestEveryPage(t *testing.T) {
	everySize(t, func(t *testing.T, s size) {
		v := visit{t, map[string]bool{}}
		o := newSite(t, false)
		boss, bosses := o.administrator(s)
		boss.policy("yes", bosses.Code())
		v.page(boss, "admin", "/admin")
		boss.account(ana)
		v.page(boss, "member", boss.path())
		v.without(o, s)
		v.setUp(o, s)
		v.actions(o, s)
		all, err := filepath.Glob("../../../examples/console/app/templates/*.html")
		require.NoError(t, err)
		for _, file := range all {
			if name := strings.TrimSuffix(filepath.Base(file), ".html"); name != "layout" && name != "parts" { // which are in the others
				require.True(t, v.seen[name], "nobody has looked at the page %q", name)
			}
		}
	})
}

// without are the pages of people who are not signed in.
func (v visit) without(o *site, s size) {
	v.t.Helper()
	p := o.seat(mika, s)
	p.open("/signin")
	v.page(p, "signin", "/signin")
	p.password()
	v.page(p, "organisation", "/organisation")
	p.open("/nothing")
	v.page(p, "problem", "/nothing")
	p.open("/not-me?event=x")
	v.page(p, "not-me", "/not-me")
}

// setUp are those of an enrollment by phone, and of one by an app.
func (v visit) setUp(o *site, s size) {
	v.t.Helper()
	p := o.browser(s)
	p.password()
	v.page(p, "setup", "/setup")
	p.open("/security/phone")
	v.page(p, "phone", "/security/phone")
	p.fill("#number", "+43 660 1234567")
	p.click(`button[value="sms"]`)
	v.page(p, "phone-confirm", "/security/phone")
	p.byPhone("/security/phone/confirm", o.code(phone.SMS))
	v.page(p, "security", "/security")
	o.clock.Advance(6 * time.Minute)
	p.open("/setup")
	v.page(p, "password", "/setup")
	p.fill("#password", ana.Password)
	p.click(`form[action="/setup/password"] button`)
	v.page(p, "phone-code", "/code")
	p.click(`button[value="sms"]`)
	p.byPhone("/code", o.code(phone.SMS))
	v.page(p, "home", "/")
}

// actions are those of somebody who has an app, and loses it.
func (v visit) actions(o *site, s size) {
	v.t.Helper()
	o.clock.Advance(time.Minute)
	p := o.browser(s)
	p.password()
	p.at("/code")
	p.click(`button[value="sms"]`)
	p.byPhone("/code", o.code(phone.SMS))
	p.open("/setup")
	app := p.scan(o.clock, "setup")
	p.confirm(app.Code())
	v.page(p, "sheet", "/setup")
	p.open("/backups")
	v.page(p, "archive", "/backups")
	p.click(`form[action$="/key"] button`)
	v.page(p, "stepup", "/stepup")
	p.fill("#stepup-code", app.Code())
	p.click(`form[action="/stepup"] button`)
	v.page(p, "key", "/stepup")
	p.open("/security")
	v.page(p, "security", "/security")
	p.signOut()
	p.password()
	v.page(p, "code", "/code")
	p.open("/recovery")
	v.page(p, "recovery", "/recovery")
	p.open("/issued")
	v.page(p, "issued", "/issued")
}
