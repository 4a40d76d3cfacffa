package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
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

	unlock := func(device, password string, more fields) result {
		body := fields{"device": device, "password": password}
		for k, v := range more {
			body[k] = v
		}
		return s.program().post("/api/unlock", body)
	}
	device := made.get("device")
	unlock(device, "nope", fields{"code": phone.Code()}).fails(http.StatusUnauthorized, "wrong_password")
	unlock(device, admin.Password, fields{"code": phone.Code()}).fails(http.StatusUnauthorized, "wrong_password")
	asked := unlock(device, ana.Password, nil).fails(http.StatusForbidden, "code_required")
	require.Equal(t, []string{"code", "recovery-code"}, asked.texts("methods"))
	unlock(device, ana.Password, fields{"code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	unlock(device, ana.Password, fields{"code": phone.Code(), "codes": []string{"1", "2"}}).fails(http.StatusBadRequest, "malformed")
	unlock("", ana.Password, fields{"code": phone.Code()}).fails(http.StatusUnauthorized, "signed_out")
	unlock(device+"x", ana.Password, fields{"code": phone.Code()}).fails(http.StatusUnauthorized, "signed_out")

	s.clock.Advance(20 * 24 * time.Hour)
	a := unlock(device, ana.Password, fields{"code": phone.Code()}).is(http.StatusOK)
	require.Equal(t, value.Text(), a.get("value"), "the same, for the vault is the same")
	require.NotContains(t, a.fields, "session")
	require.Len(t, p.backups(), 2)

	s.clock.Advance(10 * 24 * time.Hour)
	unlock(device, ana.Password, fields{"code": phone.Code()}).fails(http.StatusUnauthorized, "signed_out")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}

func TestAPIAppLockEnds(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	s.clock.Advance(5 * time.Minute)
	p.post("/api/applock", nil).fails(http.StatusForbidden, "too_late")

	again := func() string {
		p.keeps(p.post("/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
		return p.post("/api/applock", nil).is(http.StatusCreated).get("device")
	}
	unlock := func(device string) result {
		return p.post("/api/unlock", fields{"device": device, "password": ana.Password, "code": phone.Code()})
	}
	first, second := again(), again()
	unlock(first).is(http.StatusOK)
	p.post("/api/signout", nil).is(http.StatusNoContent)
	unlock(second).fails(http.StatusUnauthorized, "signed_out") // the machine is lost: what is on it stays shut
	third := again()
	s.program().post("/api/signout", fields{"device": third}).is(http.StatusNoContent) // which cannot show its key
	unlock(third).fails(http.StatusUnauthorized, "signed_out")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	s.program().post("/api/signout", fields{"device": ""}).is(http.StatusNoContent)
	s.program().post("/api/signout", fields{"key": "x"}).fails(http.StatusBadRequest, "malformed")
	unlock(first).is(http.StatusOK)

	b := s.browser()
	b.signIn(ana, phone)
	b.post("/2fa/security/disable", "totpflow_code", phone.Code()).redirects("/2fa/security")
	unlock(first).fails(http.StatusUnauthorized, "signed_out")
}

// Where nothing is set up, the password alone opens, as it signs in; where it has
// to be set up, it does not.
func TestAPIAppLockWithoutASecondFactor(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.keeps(p.password(ana))
	device := p.post("/api/applock", nil).is(http.StatusCreated).get("device")
	p.post("/api/unlock", fields{"device": device, "password": ana.Password}).is(http.StatusOK)
	s.url = s.serve(require2FA)
	p.post("/api/unlock", fields{"device": device, "password": ana.Password}).fails(http.StatusForbidden, "setup_required")
}
