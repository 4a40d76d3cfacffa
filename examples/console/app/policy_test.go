package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

const day = 24 * time.Hour

func TestRequiredAtOnce(t *testing.T) {
	s := newSite(t)
	open := s.browser()
	open.password(ana).redirects("/")
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "code", phone.Code()).redirects("/admin")
	page := b.get("/admin").says("The policy is set.", "Policy set to “required”")
	require.Equal(t, "required", page.text("mode"))
	require.Equal(t, "required", page.states()[ana.Email])
	open.get("/").is(http.StatusUnauthorized).says("Sign in") // sessions from before feel it
	s.browser().password(ben).redirects("/2fa/setup")
	s.browser().password(nora).redirects("/") // the provider stands above
	b.post("/2fa/security/disable").is(http.StatusForbidden).says("cannot be turned off")

	b.post("/admin/policy", "mode", "off", "code", phone.Code()).redirects("/admin")
	b.get("/admin").says("Policy lowered to “off”")
	s.browser().password(ben).redirects("/")
	s.browser().password(admin).redirects("/2fa/code") // a person who has set it up is asked all the same
}

// A person in grace is told until when, on every page, and led to the enrollment
// from then on.
func TestGrace(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "grace_days", "14", "code", phone.Code()).redirects("/admin")

	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/2fa/setup").says("16 March 2026, 09:30 UTC")
	person.get("/").is(http.StatusOK).says(`id="grace"`, "Set up two-factor authentication until 16 March 2026, 09:30 UTC.", `href="/2fa/setup"`)
	list := b.get("/admin").says("until 16 March 2026")
	require.Equal(t, "grace", list.states()[ana.Email])
	require.Contains(t, s.last(ana, "required from 16 March 2026").Text, "16 March 2026")

	s.clock.Advance(10 * day) // it begins once
	person.password(ana).redirects("/2fa/setup")
	person.get("/").says("until 16 March 2026")
	s.clock.Advance(4*day - time.Hour)
	person.password(ana).redirects("/2fa/setup")
	s.clock.Advance(time.Hour)
	person.get("/").out()
	person.get("/2fa/security").out()
	late := s.browser()
	late.password(ana).redirects("/2fa/setup")
	late.get("/").redirects("/signin")
	anas := late.phone(late.get("/2fa/setup"))
	late.post("/2fa/setup", "code", anas.Code()).is(http.StatusOK)
	late.get("/").is(http.StatusOK).lacks(`id="grace"`)
}

// An open session from before the policy begins the grace, as the next sign-in
// would: an end that moved on each day would be none.
func TestGraceOfOpenSessions(t *testing.T) {
	s := newSite(t)
	person, program := s.browser(), s.program()
	person.password(ana).redirects("/")
	program.keeps(program.post("/api/signin", fields{"email": ben.Email, "password": ben.Password}))
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "grace_days", "14", "code", phone.Code()).redirects("/admin")
	person.get("/").is(http.StatusOK).says("until 16 March 2026")
	until := program.call(http.MethodGet, "/2fa/api/account", nil).is(http.StatusOK).get("setup_until")
	require.Contains(t, until, "2026-03-16T")
	s.clock.Advance(10 * time.Minute)
	require.Equal(t, until, program.call(http.MethodGet, "/2fa/api/account", nil).is(http.StatusOK).get("setup_until"))
	s.clock.Advance(10 * day)
	again := s.browser()
	again.password(ana).redirects("/2fa/setup")
	again.get("/").is(http.StatusOK).says("until 16 March 2026")
}

// A person who has not come since has a grace that has not begun, and no day to show.
func TestGraceThatHasNotBegun(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "grace_days", "14", "code", phone.Code()).redirects("/admin")
	to := "/admin/accounts/" + s.id(ana)
	for language, words := range map[string][2]string{
		"en": {"from the next sign-in", "In time, from the next sign-in"},
		"de": {"ab der nächsten Anmeldung", "In der Frist ab der nächsten Anmeldung"},
		"es": {"desde el próximo inicio de sesión", "En plazo, desde el próximo inicio de sesión"},
	} {
		b.accept = language
		list := b.get("/admin").says(`<span class="standing">` + words[0] + `</span>`)
		require.Equal(t, "grace", list.states()[ana.Email])
		require.NotRegexp(t, `16[^<]*2026`, list.body)
		require.NotRegexp(t, `<dd>[^<]*16[^<]*2026`, b.get(to).says("<dd>"+words[1]+"</dd>").body)
	}
	b.accept = "en"
	s.browser().password(ana).redirects("/2fa/setup")
	b.get("/admin").says("until 16 March 2026")
	b.get(to).says("Until 16 March 2026")

	// A last day for everybody is one that does not move.
	b.post("/admin/policy", "mode", "required", "grace_days", "14", "deadline", "2026-03-10", "code", phone.Code()).redirects("/admin")
	b.get("/admin/accounts/" + s.id(ben)).says("Until 10 March 2026")
}

func TestSetUpWithinGrace(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "grace_days", "14", "code", phone.Code()).redirects("/admin")
	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	anas := person.phone(person.get("/2fa/setup").is(http.StatusOK))
	person.post("/2fa/setup", "code", anas.Code()).is(http.StatusOK).codes()
	person.get("/").is(http.StatusOK).lacks(`id="grace"`)
}

func TestDeadline(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "deadline", "2026-03-10", "code", phone.Code()).redirects("/admin")
	b.get("/admin").says(`value="2026-03-10"`)
	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/").says("until 10 March 2026, 23:59 UTC")
	s.clock.Set(time.Date(2026, 3, 11, 8, 0, 0, 0, time.UTC))
	s.browser().password(ana).redirects("/2fa/setup")
	s.browser().password(ben).redirects("/2fa/setup") // a person who comes for the first time then has no grace period
}

func TestMoreTime(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "code", phone.Code()).redirects("/admin")
	s.browser().password(ana).redirects("/2fa/setup")
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).says("Give more time to set up", `value="2026-03-16"`)
	for _, no := range []string{"", "soon", "2026-02-30"} {
		b.post(to+"/grace", "until", no, "code", phone.Code()).is(http.StatusBadRequest)
	}
	for _, no := range []string{"2026-03-01", "2027-01-01"} {
		b.post(to+"/grace", "until", no, "code", phone.Code()).is(http.StatusBadRequest).says("within 90 days", `id="grace-error"`)
	}
	b.post(to+"/grace", "until", "2026-03-09", "code", phone.Code()).redirects(to)
	b.get(to).says("In grace", "Until 9 March 2026, 23:59 UTC")
	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/").says("until 9 March 2026, 23:59 UTC")
}

// More time is more: the day that the form comes with is later than the one that
// the person has, as far as there may be one.
func TestMoreTimeIsMore(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "grace_days", "60", "code", phone.Code()).redirects("/admin")
	s.browser().password(ana).redirects("/2fa/setup")
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).says("Until 1 May 2026")
	for _, next := range []struct{ form, page string }{
		{"2026-05-15", "Until 15 May 2026, 23:59 UTC"},
		{"2026-05-29", "Until 29 May 2026, 23:59 UTC"},
		{"2026-05-30", "Until 30 May 2026, 23:59 UTC"}, // within 90 days
	} {
		b.get(to).says(`name="until" type="date" required value="` + next.form + `"`)
		b.post(to+"/grace", "until", next.form, "code", phone.Code()).redirects(to)
		b.get(to).says("There is more time now", next.page)
	}
	for language, words := range map[string]string{
		"en": "later than the last day so far, within 90 days",
		"de": "nach dem bisher letzten Tag, innerhalb von 90 Tagen",
		"es": "posterior al último hasta ahora, dentro de los próximos 90 días",
	} {
		b.accept = language
		for _, no := range []string{"2026-03-16", "2026-05-30", "2026-06-01"} {
			b.post(to+"/grace", "until", no, "code", phone.Code()).is(http.StatusBadRequest).says(words, `id="grace-error"`)
		}
	}
	b.accept = "en"
	b.get(to).lacks("There is more time now").says("Until 30 May 2026, 23:59 UTC")
}

// More time is of no use to a person who has a factor or was reset, or to a machine:
// there is no form for it, none is promised, and no mail goes out.
func TestNoMoreTime(t *testing.T) {
	s, p := phoneSite(t, "required", "yes")
	s.addPhone(p)
	b, phone := s.administratorAt(mika, "Acme Backup GmbH")
	s.browser().enroll(ben)
	resets := "/admin/accounts/" + s.id(admin)
	b.post(resets+"/reset", "code", phone.Code()).redirects(resets)
	for name, who := range map[string]app.DemoAccount{"a phone": ana, "an app": ben, "reset": admin, "a machine": agent} {
		to := "/admin/accounts/" + s.id(who)
		b.get(to).is(http.StatusOK).lacks(to + "/grace")
		mails := len(s.mails.to(who))
		for language, words := range map[string]string{
			"en": "More time would change nothing here", "de": "Mehr Zeit würde hier nichts ändern", "es": "Más tiempo no cambiaría nada aquí",
		} {
			b.accept = language
			b.post(to+"/grace", "until", "2026-03-30", "code", phone.Code()).is(http.StatusConflict).says(words)
		}
		require.Len(t, s.mails.to(who), mails, name)
	}
}

func TestPolicyFormIsChecked(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	code := phone.Code()
	for _, bad := range [][]string{
		{}, {"mode", "none"}, {"mode", "required", "grace_days", "-1"}, {"mode", "required", "grace_days", "91"},
		{"mode", "required", "grace_days", "x"}, {"mode", "required", "deadline", "tomorrow"}, {"mode", "required", "browser_days", "1000"},
	} {
		b.post("/admin/policy", append(bad, "code", code)...).is(http.StatusBadRequest).says("Please fill in the form", `id="policy-error"`)
	}
	b.post("/admin/policy", "mode", "optional", "code", code).redirects("/admin") // the refusals have not spent it
}

func TestTrustedBrowsersByPolicy(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, _ := s.browser().enroll(ana)
	person := s.browser()
	person.signIn(ana, anas, "trust", "yes")
	b.post("/admin/policy", "mode", "optional", "browser_days", "7", "code", phone.Code()).redirects("/admin")
	person.post("/2fa/signout")
	person.password(ana).redirects("/")
	s.clock.Advance(8 * day)
	person.post("/2fa/signout")
	person.password(ana).redirects("/2fa/code")
	person.get("/2fa/code").says("7 days")

	again := s.browser()
	again.signIn(admin, phone)
	again.post("/admin/policy", "mode", "optional", "browser_days", "0", "code", phone.Code()).redirects("/admin")
	person.password(ana)
	person.get("/2fa/code").lacks(`name="trust"`)
}

func TestNoRecoveryCodesByPolicy(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "optional", "recovery_codes", "no", "code", phone.Code()).redirects("/admin")
	person := s.browser()
	person.password(ana).redirects("/")
	anas := person.phone(person.get("/2fa/setup").lacks("Next you get your recovery codes"))
	person.post("/2fa/setup", "code", anas.Code()).is(http.StatusOK).
		says("Two-factor authentication is on.", "Save your set-up key").lacks("recovery-code\"").lacks("beside those")
	person.get("/").lacks("recovery codes")
	person.get("/2fa/security").lacks("/2fa/security/recovery-codes")
	person.post("/2fa/security/recovery-codes", "totpflow_code", anas.Code()).is(http.StatusForbidden)
}

// After a reset the password alone leads nowhere, where the policy says so.
func TestIssuedCodeByPolicy(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	s.browser().enroll(ana)
	b.post("/admin/policy", "mode", "optional", "issued_code", "yes", "code", phone.Code()).redirects("/admin")
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/reset", "code", phone.Code()).redirects(to)
	person := s.browser()
	person.password(ana).redirects("/2fa/code")
	person.get("/2fa/code").redirects("/2fa/issued")
	b.post(to+"/issue-code", "code", phone.Code()).redirects(to)
	person.post("/2fa/issued", "issued_code", issued(t, s)).redirects("/2fa/setup")
}

// Organisations below can only ask for more.
func TestProvidersPolicy(t *testing.T) {
	s := newSite(t)
	provider, noras := s.administrator(nora)
	b, phone := s.administrator(admin)
	provider.post("/admin/policy", "mode", "required", "code", noras.Code()).redirects("/admin")
	b.get("/admin").says("An organisation above asks for more")
	b.post("/admin/policy", "mode", "off", "code", phone.Code()).redirects("/admin")
	s.browser().password(ana).redirects("/2fa/setup")
	s.browser().password(ben).redirects("/2fa/setup")

	provider.post("/admin/policy", "mode", "optional", "code", noras.Code()).redirects("/admin")
	s.browser().password(ana).redirects("/")
	provider.post("/admin/policy", "tenant", "acme-berlin", "mode", "required", "code", noras.Code()).redirects("/admin?tenant=acme-berlin")
	s.browser().password(ana).redirects("/")
	s.browser().password(ben).redirects("/2fa/setup")
}

// -require stands above whatever administrators set.
func TestRequireFlagAndPolicy(t *testing.T) {
	s := newSite(t, require2FA)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "off", "browser_days", "60", "code", phone.Code()).redirects("/admin")
	s.browser().password(ana).redirects("/2fa/setup")
	s.clock.Advance(time.Second)
	b.password(admin)
	b.get("/2fa/code").says("60 days")
}
