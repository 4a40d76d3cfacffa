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

// The value that opens an app's lock is returned at the sign-in, and after that only for
// password and code.
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
	require.NoError(t, s.db.QueryRow(`SELECT value FROM sessions WHERE device IS NOT NULL`).Scan(&sealed))
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

	p.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late") // with the app's own session
	s.clock.Advance(6 * time.Hour)
	p.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late")
	s.clock.Advance(20*24*time.Hour - 6*time.Hour)
	fresh := s.unlocks(device, ana, phone)
	other, _ := s.user(admin)
	other.post("/api/unlock", fields{"device": device}).fails(http.StatusUnauthorized, "signed_out") // another person's session
	fresh.post("/api/unlock", fields{"device": ""}).fails(http.StatusUnauthorized, "signed_out")
	a := fresh.post("/api/unlock", fields{"device": device}).is(http.StatusOK)
	require.Equal(t, value.Text(), a.get("value"), "the same value, because the vault is the same")
	require.NotEqual(t, value.Text(), a.get("next"))
	fresh.post("/api/unlock", fields{"device": device}).fails(http.StatusUnauthorized, "signed_out") // each sign-in opens it once
	require.Len(t, p.backups(), 2)

	old := s.unlocks(device, ana, phone)
	s.clock.Advance(5 * time.Minute)
	old.post("/api/unlock", fields{"device": device}).fails(http.StatusForbidden, "too_late")

	s.clock.Advance(10 * 24 * time.Hour)
	first(device, ana.Password).fails(http.StatusUnauthorized, "signed_out")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}

// A lock suspends the session: until the next unlock, every call but the sign-out refuses
// a copied key.
func TestAPILockSuspendsTheSession(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	device := p.post("/api/applock", nil).is(http.StatusCreated).get("device")
	thief := s.program()
	thief.session = p.session
	require.Len(t, thief.backups(), 2)
	lock := func(more ...string) {
		s.program().post("/api/lock", fields{"device": device, "this_window": len(more) > 0}).is(http.StatusNoContent)
	}
	refused := func() {
		t.Helper()
		for _, call := range [][2]string{
			{http.MethodGet, "/api/backups"}, {http.MethodGet, "/api/profile"}, {http.MethodGet, "/2fa/api/account"}, {http.MethodPost, "/2fa/api/reauthenticate"},
			{http.MethodPost, "/2fa/api/recovery-codes"}, {http.MethodPost, "/2fa/api/setup"}, {http.MethodPost, "/api/unlock"}, {http.MethodDelete, "/api/backups/x"},
		} {
			thief.call(call[0], call[1], nil).fails(http.StatusUnauthorized, "locked")
		}
	}
	unlock := func() {
		t.Helper()
		s.unlocks(device, ana, phone).post("/api/unlock", fields{"device": device}).is(http.StatusOK)
	}
	lock()
	refused()
	lock() // a second lock changes nothing
	unlock()
	require.Len(t, thief.backups(), 2)

	// Two windows: closing one leaves the other open, and a lock closes both.
	unlock()
	lock("this window")
	require.Len(t, p.backups(), 2)
	lock("this window")
	refused()
	lock("this window")
	unlock()
	require.Len(t, p.backups(), 2)
	unlock()
	lock()
	refused()

	// A program that ended without telling the server is locked after half a day.
	unlock()
	s.clock.Advance(12*time.Hour - time.Second)
	require.Len(t, p.backups(), 2)
	s.clock.Advance(time.Second)
	refused()
	unlock()
	lock("this window") // the window of the day before does not count
	refused()

	s.program().post("/api/lock", fields{"device": device + "x"}).is(http.StatusNoContent) // an unknown device
	s.program().post("/api/lock", fields{"device": device, "x": 1}).fails(http.StatusBadRequest, "malformed")
	p.post("/2fa/api/signout", nil).is(http.StatusNoContent)
	thief.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}

// Each unlock brings a new value. Once the app has kept it, the one before opens nothing.
func TestAPIUnlockBringsANewValue(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	made := p.post("/api/applock", nil).is(http.StatusCreated)
	device, first := made.get("device"), made.get("value")
	unlock := func() (value, next string) {
		t.Helper()
		a := s.unlocks(device, ana, phone).post("/api/unlock", fields{"device": device}).is(http.StatusOK)
		_, err := applock.ParseValue(a.get("next"))
		require.NoError(t, err)
		return a.get("value"), a.get("next")
	}
	kept := func(next string) {
		s.program().post("/api/unlock/kept", fields{"device": device, "next": next}).is(http.StatusNoContent)
	}
	value, second := unlock()
	require.Equal(t, first, value)
	require.NotEqual(t, first, second)
	for range 2 { // the app ended before it could write, and still has one of the two
		value, next := unlock()
		require.Equal(t, []string{first, second}, []string{value, next})
	}
	kept("nonsense")
	kept(first)
	value, _ = unlock()
	require.Equal(t, first, value)
	kept(second)
	value, third := unlock()
	require.Equal(t, second, value, "the first value is not returned again")
	require.NotContains(t, []string{first, second}, third)
	kept(second) // from a window that comes late
	value, next := unlock()
	require.Equal(t, []string{second, third}, []string{value, next})

	var rest []byte
	require.NoError(t, s.db.QueryRow(`SELECT value || next FROM sessions`).Scan(&rest))
	for _, one := range []string{first, second, third} {
		require.NotContains(t, string(rest), one[20:40])
	}
	fresh := s.unlocks(device, ana, phone)
	answers := make(chan int, 8)
	for range cap(answers) { // one sign-in, one answer
		go func() { answers <- fresh.quiet(http.MethodPost, "/api/unlock", `{"device":"`+device+`"}`) }()
	}
	good := 0
	for range cap(answers) {
		if <-answers == http.StatusOK {
			good++
		}
	}
	require.Equal(t, 1, good)
}

// unlocks returns a new sign-in of the person whose app is locked.
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
	s.program().post("/api/applock/end", fields{"device": third}).is(http.StatusNoContent) // a locked app cannot show its key
	over(third)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	s.program().post("/api/applock/end", fields{"device": ""}).is(http.StatusNoContent)
	s.program().post("/api/applock/end", fields{"key": "x"}).fails(http.StatusBadRequest, "malformed")

	// A change of factors ends the session behind the lock, and a later sign-in does not
	// open it.
	b := s.browser()
	b.signIn(ana, phone)
	b.post("/2fa/security/disable", "totpflow_code", phone.Code()).redirects("/2fa/security")
	over(first)
	p.keeps(p.password(ana))
	p.post("/api/unlock", fields{"device": first}).fails(http.StatusUnauthorized, "signed_out")
}

// If nothing is set up, the password alone opens the lock, as it signs in. If a second
// factor is required, it does not.
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
