package browser_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/adminweb"
)

// A visit looks at every page, light and dark.
type visit struct {
	t    *testing.T
	seen map[string]bool // by the name of the template
}

// page has axe-core look at the page that the tab is on in the dark, once: colours do not
// depend on the width. In the light it has looked when the tab came there.
func (v visit) page(p *tab, template, path string) {
	v.t.Helper()
	require.Equal(v.t, path, strings.SplitN(p.path(), "?", 2)[0], p.text("main"))
	v.seen[template] = true
	if p.size != phoneSize {
		return
	}
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

// all asserts that each of the templates was seen. Some are parts of others.
func (v visit) all(templates fs.FS) {
	v.t.Helper()
	names, err := fs.Glob(templates, "*.html")
	require.NoError(v.t, err)
	require.NotEmpty(v.t, names)
	for _, file := range names {
		if name := strings.TrimSuffix(file, ".html"); !slices.Contains([]string{"layout", "parts", "admin-parts", "web"}, name) {
			require.True(v.t, v.seen[name], "nobody has looked at the page %q", name)
		}
	}
}

// Everybody can use every page of module web: at both sizes, light and dark.
func TestEveryPage(t *testing.T) {
	everySize(t, func(t *testing.T, s size) {
		v := visit{t, map[string]bool{}}
		o := newProduct(t, withPhones)
		v.setUp(o, s)
		v.actions(o, s)
		v.all(web.Templates())
	})
}

// The same for those of the console and of its administrators.
func TestEveryPageOfTheConsole(t *testing.T) {
	everySize(t, func(t *testing.T, s size) {
		v := visit{t, map[string]bool{}}
		o := newSite(t, false)
		boss, bosses := o.administrator(s)
		v.office(boss, bosses)
		p := o.seat(mika, s)
		p.open("/signin")
		v.page(p, "signin", "/signin")
		p.password()
		v.page(p, "organisation", "/organisation")
		boss.open("/")
		v.page(boss, "archive", "/")
		v.all(os.DirFS("../../../examples/console/app/templates"))
		v.all(adminweb.Templates())
	})
}

// office visits the pages of administrators.
func (v visit) office(boss *tab, phone *totptest.Authenticator) {
	v.t.Helper()
	boss.policy("yes", phone.Code())
	v.page(boss, "admin-policy", "/2fa-admin/policy")
	boss.open("/2fa-admin/people")
	v.page(boss, "admin-people", "/2fa-admin/people")
	boss.open("/2fa-admin/requests")
	v.page(boss, "admin-requests", "/2fa-admin/requests")
	boss.account(ana)
	v.page(boss, "admin-person", "/2fa-admin/person")
	boss.click(`form[action="/2fa-admin/person/grace"] button`)
	v.page(boss, "admin-confirm", "/2fa-admin/person") // the address of the page with the form
}

// setUp visits the pages of an enrollment by phone, and of one by an app.
func (v visit) setUp(o *site, s size) {
	v.t.Helper()
	p := o.browser(s)
	p.open("/2fa/nothing")
	v.page(p, "problem", "/2fa/nothing")
	p.open("/2fa/not-me?event=x")
	v.page(p, "not-me", "/2fa/not-me")
	p.password()
	v.page(p, "setup", "/2fa/setup")
	p.open("/2fa/phone")
	v.page(p, "phone", "/2fa/phone")
	p.fill("#number", "+43 660 1234567")
	p.click(`button[value="sms"]`)
	v.page(p, "phone-confirm", "/2fa/phone")
	p.byPhone("/2fa/phone/confirm", o.code(phone.SMS))
	p.open("/2fa/security")
	v.page(p, "security", "/2fa/security")
	o.clock.Advance(6 * time.Minute)
	p.open("/2fa/setup")
	v.page(p, "password", "/2fa/setup")
	p.fill("#password", ana.Password)
	p.click(`form[action="/2fa/setup/password"] button`)
	v.page(p, "phone-code", "/2fa/phone-code")
	p.click(`button[value="sms"]`)
	p.byPhone("/2fa/phone-code", o.code(phone.SMS))
	p.at("/2fa/setup")
}

// actions visits the pages of somebody who has an app, and loses it.
func (v visit) actions(o *site, s size) {
	v.t.Helper()
	o.clock.Advance(time.Minute)
	p := o.browser(s)
	p.password()
	require.Contains(v.t, p.path(), "/2fa/phone-code?") // a phone is all there is, so the code was sent by itself
	p.byPhone("/2fa/phone-code", o.code(phone.SMS))
	p.open("/2fa/setup")
	app := p.scan(o.clock, "setup")
	p.confirm(app.Code())
	v.page(p, "sheet", "/2fa/setup")
	p.open("/")
	p.click(`form[action="/backups/42/delete"] button`)
	v.page(p, "stepup", "/") // the address of the page with the form
	p.stepUp(app.Code())
	p.reauthenticate("/2fa/security/add", app.Code())
	p.confirm(p.typed(o.clock).Code()) // another app: which of them goes is asked below
	p.open("/2fa/security")
	v.page(p, "security", "/2fa/security")
	p.click(`form[action="/2fa/security/other"] button`)
	v.page(p, "other", "/2fa/security")
	p.signOut()
	p.password()
	v.page(p, "code", "/2fa/code")
	p.open("/2fa/recovery")
	v.page(p, "recovery", "/2fa/recovery")
	p.open("/2fa/replace")
	v.page(p, "replace", "/2fa/replace")
	p.fill("#code", app.Code())
	p.click(`form[action="/2fa/replace"] button`)
	v.page(p, "which", "/2fa/setup")
	o.issue()
	p.password()
	p.open("/2fa/issued")
	v.page(p, "issued", "/2fa/issued")
	o.clock.Advance(time.Hour)
	p.open("/2fa/code")
	v.page(p, "ended", "/2fa/code")
}
