package app_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

func TestRequiredAtOnce(t *testing.T) {
	s := newSite(t)
	open := s.browser()
	open.password(ana).redirects("/")
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required")
	require.Equal(t, "Has to set up", b.get("/2fa-admin/people").states()[ana.Email])
	open.get("/").is(http.StatusUnauthorized).says("Sign in") // earlier sessions end as well
	s.browser().password(ben).redirects("/2fa/setup")
	b.post("/2fa/security/disable").is(http.StatusForbidden).says("cannot be turned off")

	b.setPolicy(phone, "acme", "mode", "off")
	s.browser().password(ben).redirects("/")
	s.browser().password(admin).redirects("/2fa/code") // a person who has set it up is still asked
}

// During the grace period every page says when it ends. After that a person is led to the
// enrollment.
func TestGrace(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required", "grace", "14")

	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/2fa/setup").says("16 March 2026, 09:30 UTC")
	person.get("/").is(http.StatusOK).says(`id="grace"`, "Set up two-factor authentication by <time", ">16 March 2026, 09:30 UTC</time>.", `href="/2fa/setup"`)
	require.Equal(t, "Has to set up soon", b.get("/2fa-admin/people").states()[ana.Email])
	require.Contains(t, s.last(ana, "has to be set up by 16 March 2026").Text, "until 16 March 2026, 09:30 UTC")

	s.clock.Advance(10 * day) // the grace period begins only once
	person.password(ana).redirects("/2fa/setup")
	person.get("/").says("by <time", ">16 March 2026")
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

// In a session from before the policy, the grace period begins as it would at the next
// sign-in. An end that moved on each day would never come.
func TestGraceOfOpenSessions(t *testing.T) {
	s := newSite(t)
	person, program := s.browser(), s.program()
	person.password(ana).redirects("/")
	program.keeps(program.post("/api/signin", fields{"email": ben.Email, "password": ben.Password}))
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required", "grace", "14")
	person.get("/").is(http.StatusOK).says("by <time", ">16 March 2026")
	until := program.call(http.MethodGet, "/2fa/api/account", nil).is(http.StatusOK).get("setup_until")
	require.Contains(t, until, "2026-03-16T")
	s.clock.Advance(10 * time.Minute)
	require.Equal(t, until, program.call(http.MethodGet, "/2fa/api/account", nil).is(http.StatusOK).get("setup_until"))
	s.clock.Advance(10 * day)
	again := s.browser()
	again.password(ana).redirects("/2fa/setup")
	again.get("/").is(http.StatusOK).says("by <time", ">16 March 2026")
}

func TestDeadline(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "required", "deadline", "2026-03-10")
	person := s.browser()
	person.password(ana).redirects("/2fa/setup")
	person.get("/").says("by <time", ">10 March 2026, 23:59 UTC</time>")
	s.clock.Set(time.Date(2026, 3, 11, 8, 0, 0, 0, time.UTC))
	s.browser().password(ana).redirects("/2fa/setup")
	s.browser().password(ben).redirects("/2fa/setup") // a person who first comes after that has no grace period
}

func TestNoRecoveryCodesByPolicy(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "optional", "codes", "no")
	person := s.browser()
	person.password(ana).redirects("/")
	anas := person.phone(person.get("/2fa/setup").lacks("Next you get your recovery codes"))
	person.post("/2fa/setup", "code", anas.Code()).is(http.StatusOK).
		says("Two-factor authentication is on.", "Save your set-up key").lacks("recovery-code\"").lacks("in addition to those")
	person.get("/").lacks("recovery codes")
	person.get("/2fa/security").lacks("/2fa/security/recovery-codes")
	person.post("/2fa/security/recovery-codes", "totpflow_code", anas.Code()).is(http.StatusForbidden)
}

// After a reset the password alone leads nowhere, if the policy says so.
func TestIssuedCodeByPolicy(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	s.browser().enroll(ana)
	b.setPolicy(phone, "acme", "mode", "optional", "issued", "yes")
	to := s.member(ana)
	b.change(phone, ana, "reset", "scope", "all").redirects(to)
	person := s.browser()
	person.password(ana).redirects("/2fa/code")
	person.get("/2fa/code").redirects("/2fa/issued")
	b.change(phone, ana, "issue").redirects(to)
	person.post("/2fa/issued", "issued_code", issued(t, s)).redirects("/2fa/setup")
}

// Organisations below the provider can only ask for more.
func TestProvidersPolicy(t *testing.T) {
	s := newSite(t)
	provider, noras := s.administrator(nora)
	b, phone := s.administrator(admin)
	provider.setPolicy(noras, "north", "mode", "required")
	b.setPolicy(phone, "acme", "mode", "off")
	b.get("/2fa-admin/policy").says(`id="stricter"`)
	s.browser().password(ana).redirects("/2fa/setup")
	s.browser().password(ben).redirects("/2fa/setup")
}

// A unit may ask for more than the organisation above it.
func TestUnitsPolicy(t *testing.T) {
	s := newSite(t)
	provider, noras := s.administrator(nora)
	provider.setPolicy(noras, "acme-berlin", "mode", "required")
	s.browser().password(ana).redirects("/")
	s.browser().password(ben).redirects("/2fa/setup")
}

// -require takes precedence over whatever administrators have set.
func TestRequireFlagAndPolicy(t *testing.T) {
	s := newSite(t, require2FA)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "off", "browsers", "60")
	s.browser().password(ana).redirects("/2fa/setup")
	s.clock.Advance(time.Second)
	b.password(admin)
	b.get("/2fa/code").says("60 days")
}

func issued(t *testing.T, s *site) string {
	t.Helper()
	code := regexp.MustCompile(`(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}`).FindString(s.last(ana, "your recovery code").Text)
	require.NotEmpty(t, code)
	return code
}
