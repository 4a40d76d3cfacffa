package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// The value that opens an app's lock is handed out with the sign-in, and after
// that for password and code only.
func TestAPIAppLock(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	made := p.post("/api/applock", nil).is(http.StatusCreated)
	require.Equal(t, 900.0, made.fields["idle"])
	require.Equal(t, "2026-04-01T09:30:30Z", made.get("expires"))
	value, err := applock.ParseValue(made.get("value"))
	require.NoError(t, err)
	p.post("/api/applock", nil).fails(http.StatusForbidden, "too_late")
	var sealed []byte
	require.NoError(t, s.db.QueryRow(`SELECT value FROM api_sessions`).Scan(&sealed))
	require.NotContains(t, string(sealed), made.get("value")[20:40])

	device := made.get("device")
	first := func(device, password string) result {
		return s.program().post("/api/signin", fields{"device": device, "password": password})
	}
	first(device, "nope").fails(http.StatusUnauthorized, "wrong_password")
	first(device, admin.Password).fails(http.StatusUnauthorized, "wrong_password")
	first(device+"x", ana.Password).fails(http.StatusUnauthorized, "signed_out")
	asked := first(device, ana.Password).fails(http.StatusForbidden, "code_required")
	require.Equal(t, []string{"code", "recovery-code"}, asked.texts("methods"))

	p.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late") // by the session that it is of
	s.clock.Advance(20 * 24 * time.Hour)
	p.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late")
	fresh := s.unlocks(device, ana, phone)
	other, _ := s.user(admin)
	other.post("/api/unlock", fields{"device": device}).fails(http.StatusUnauthorized, "signed_out") // somebody else's
	fresh.post("/api/unlock", fields{"device": ""}).fails(http.StatusUnauthorized, "signed_out")
	a := fresh.post("/api/unlock", fields{"device": device}).is(http.StatusOK)
	require.Equal(t, value.Text(), a.get("value"), "the same, for the vault is the same")
	fresh.post("/api/unlock", fields{"device": device}).fails(http.StatusUnauthorized, "signed_out") // once
	require.Len(t, p.backups(), 2)

	old := s.unlocks(device, ana, phone)
	s.clock.Advance(5 * time.Minute)
	old.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late")

	s.clock.Advance(10 * 24 * time.Hour)
	first(device, ana.Password).fails(http.StatusUnauthorized, "signed_out")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}

// unlocks is a new sign-in of the person whose app is locked.
func (s *site) unlocks(device string, who app.DemoAccount, phone *totptest.Authenticator) *program {
	s.t.Helper()
	p := s.program()
	asked := p.post("/api/signin", fields{"device": device, "password": who.Password}).fails(http.StatusForbidden, "code_required")
	p.keeps(p.post("/2fa/api/code", fields{"challenge": asked.get("challenge"), "code": phone.Code()}))
	return p
}

func TestAPIAppLockEnds(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	s.clock.Advance(5 * time.Minute)
	p.post("/api/applock", nil).fails(http.StatusForbidden, "too_late")

	again := func() string {
		p.keeps(p.post("/2fa/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
		return p.post("/api/applock", nil).is(http.StatusCreated).get("device")
	}
	over := func(device string) {
		t.Helper()
		s.program().post("/api/signin", fields{"device": device, "password": ana.Password}).fails(http.StatusUnauthorized, "signed_out")
	}
	first, second := again(), again()
	s.unlocks(first, ana, phone).post("/api/unlock", fields{"device": first}).is(http.StatusOK)
	p.post("/2fa/api/signout", nil).is(http.StatusNoContent)
	over(second) // the computer is lost: its vault stays shut
	third := again()
	s.program().post("/api/applock/end", fields{"device": third}).is(http.StatusNoContent) // which cannot show its key
	over(third)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	s.program().post("/api/applock/end", fields{"device": ""}).is(http.StatusNoContent)
	s.program().post("/api/applock/end", fields{"key": "x"}).fails(http.StatusBadRequest, "malformed")

	// A change of factors ends the session behind the lock. A sign-in after it opens nothing.
	b := s.browser()
	b.signIn(ana, phone)
	b.post("/2fa/security/disable", "totpflow_code", phone.Code()).redirects("/2fa/security")
	over(first)
	p.keeps(p.password(ana))
	p.post("/api/unlock", fields{"device": first}).fails(http.StatusUnauthorized, "signed_out")
}

// Where nothing is set up, the password alone opens, as it signs in; where it has
// to be set up, it does not.
func TestAPIAppLockWithoutASecondFactor(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.keeps(p.password(ana))
	device := p.post("/api/applock", nil).is(http.StatusCreated).get("device")
	s.clock.Advance(time.Second)
	fresh := s.program()
	fresh.keeps(fresh.post("/api/signin", fields{"device": device, "password": ana.Password}))
	fresh.post("/api/unlock", fields{"device": device}).is(http.StatusOK)
	s.url = s.serve(require2FA)
	s.program().post("/api/signin", fields{"device": device, "password": ana.Password}).fails(http.StatusUnauthorized, "signed_out")
	p.password(ana).fails(http.StatusForbidden, "setup_required")
}
