package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totptest"
)

func TestAPISetUpWhereItIsRequired(t *testing.T) {
	s := newSite(t)
	// A session of before is open to the enrollment only.
	p := s.program()
	p.keeps(p.password(ana))
	s.url = s.serve(require2FA)
	p.call(http.MethodGet, "/api/account", nil).fails(http.StatusForbidden, "setup_required")
	p.post("/api/setup", fields{}).fails(http.StatusForbidden, "password_required")

	p = s.program()
	next := p.password(ana).fails(http.StatusForbidden, "setup_required")
	page := p.post("/api/setup", fields{"challenge": next.get("challenge")}).is(http.StatusOK)
	require.Equal(t, "2026-03-02T09:45:10Z", page.get("expires"))
	require.True(t, strings.HasPrefix(page.get("uri"), "otpauth://totp/Acme%20Backup:ana%40acme.example?secret="+strings.ReplaceAll(page.get("secret"), " ", "")), page.text)
	phone, err := totptest.ScanURI(page.get("uri"), s.clock)
	require.NoError(t, err)

	confirm := func(code string) result {
		return p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": code})
	}
	confirm(phone.WrongCode()).fails(http.StatusForbidden, "wrong_code")
	phone.SetDrift(3 * time.Minute)
	require.Equal(t, 180.0, confirm(phone.Peek()).fails(http.StatusForbidden, "wrong_code").fields["clock_off"])
	phone.SetDrift(0)
	done := p.keeps(confirm(phone.Code()))
	require.Len(t, done.texts("recovery_codes"), 10)
	require.NotContains(t, done.text, strings.ReplaceAll(page.get("secret"), " ", ""), "it was shown")
	confirm(phone.Code()).fails(http.StatusUnauthorized, "setup_over")
	require.Equal(t, "active", p.call(http.MethodGet, "/api/account", nil).get("second_factor"))
}

// A session alone begins no enrollment: anyone who finds one open could bind a phone of
// their own.
func TestAPISetUpTakesMoreThanASession(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.post("/api/setup", fields{}).fails(http.StatusUnauthorized, "signed_out")
	a := p.keeps(p.password(ana))
	p.post("/api/setup", fields{}).fails(http.StatusForbidden, "password_required")
	p.post("/api/setup", fields{"password": "nope"}).fails(http.StatusUnauthorized, "wrong_password")
	p.post("/api/setup", fields{"password": admin.Password}).fails(http.StatusUnauthorized, "wrong_password")
	p.post("/api/setup", fields{"challenge": "x"}).fails(http.StatusUnauthorized, "challenge_over")
	p.post("/api/setup", fields{}, "Proof", "x").fails(http.StatusForbidden, "proof_required")
	p.post("/api/setup", fields{}, "Proof", a.get("proof")).is(http.StatusOK) // of a sign-in just now
	s.clock.Advance(6 * time.Minute)
	p.post("/api/setup", fields{}, "Proof", a.get("proof")).fails(http.StatusForbidden, "proof_required")
	page := p.post("/api/setup", fields{"password": ana.Password}).is(http.StatusOK)
	phone, err := totptest.ScanURI(page.get("uri"), s.clock)
	require.NoError(t, err)
	p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}))

	// A person who has an authenticator replaces it with a code of it.
	refused := p.post("/api/setup", fields{"password": ana.Password}).fails(http.StatusForbidden, "proof_required")
	require.Equal(t, "replace authenticator", refused.get("action"))
	page = p.post("/api/setup", fields{}, "Proof", p.proof(phone, "replace authenticator", "")).is(http.StatusOK)
	require.Len(t, page.texts("clears"), 1)
	page = p.post("/api/setup", fields{}, "Proof", p.proof(phone, "add authenticator", "")).is(http.StatusOK)
	require.NotContains(t, page.fields, "clears")
}

func TestAPISetUpHasALimit(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	for range 4 {
		page := p.post("/api/setup", fields{}, "Proof", p.proof(phone, "add authenticator", "")).is(http.StatusOK)
		added, err := totptest.ScanURI(page.get("uri"), s.clock)
		require.NoError(t, err)
		p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": added.Code()}))
	}
	require.Len(t, p.call(http.MethodGet, "/api/account", nil).texts("authenticators"), 5)
	p.post("/api/setup", fields{}, "Proof", p.proof(phone, "add authenticator", "")).fails(http.StatusConflict, "too_many_authenticators")
}

// Grace lets in without, and says until when.
func TestAPIGrace(t *testing.T) {
	s := newSite(t)
	boss, phone := s.administrator(admin)
	boss.post("/admin/policy", "tenant", "acme", "mode", "required", "grace_days", "7", "code", phone.Code()).redirects("/admin?tenant=acme")
	p := s.program()
	a := p.keeps(p.password(ana))
	require.Equal(t, "grace", a.get("by"))
	until, err := time.Parse(time.RFC3339, a.get("setup_until"))
	require.NoError(t, err)
	require.Equal(t, a.get("setup_until"), p.call(http.MethodGet, "/api/account", nil).is(http.StatusOK).get("setup_until"))
	s.clock.Set(until.Add(time.Minute))
	p.password(ana).fails(http.StatusForbidden, "setup_required")
}
