package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/totptest"
)

// What cannot be read is refused as a whole, before anybody is asked for.
func TestAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	p := newSite(t).program()
	const good = `{"email":"ana@acme.example","password":"correct-horse-2"}`
	for body, word := range map[string]string{
		"":                                 "malformed",
		"{":                                "malformed",
		"[]":                               "malformed",
		good + good:                        "malformed",
		good + "x":                         "malformed",
		`{"email":1}`:                      "malformed",
		`{"user":"ana@acme.example"}`:      "malformed",
		strings.Repeat(" ", 16<<10+1):      "too_large",
		good + strings.Repeat(" ", 16<<10): "too_large",
	} {
		status := map[string]int{"malformed": http.StatusBadRequest, "too_large": http.StatusRequestEntityTooLarge}[word]
		p.send(http.MethodPost, "/api/signin", strings.NewReader(body)).fails(status, word)
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
		p.send(http.MethodPost, "/api/signin", strings.NewReader(good), "Content-Type", kind).fails(http.StatusUnsupportedMediaType, "not_json")
	}
	p.send(http.MethodPost, "/api/signin", strings.NewReader(good), "Content-Type", "application/json; charset=utf-8").is(http.StatusOK)
	p.call(http.MethodGet, "/api/signin", nil).fails(http.StatusNotFound, "not_found")
	p.call(http.MethodGet, "/api/nonsense", nil).fails(http.StatusNotFound, "not_found")
}

// A page of another site cannot use the API through somebody's browser: there is
// no cookie that would make it theirs, and browsers say whose page it is.
func TestAPIKnowsNoCookies(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/backups", nil)
	require.NoError(t, err)
	b.do(r).is(http.StatusUnauthorized)
	r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/signin", strings.NewReader(`{"email":"ana@acme.example","password":"correct-horse-2"}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).is(http.StatusForbidden)
}

// A session is opened by its key and by nothing else, until it ends.
func TestAPISessions(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	list := func(authorization string) result {
		return s.program().call(http.MethodGet, "/api/backups", nil, "Authorization", authorization)
	}
	list("bearer " + p.session).is(http.StatusOK)
	for _, bad := range []string{"", "Bearer", "Bearer ", "Basic " + p.session, p.session, "Bearer " + p.session[1:], "Bearer " + strings.ToUpper(p.session), "Bearer  " + p.session} {
		list(bad).fails(http.StatusUnauthorized, "signed_out")
	}
	// Who reads the database finds no key.
	var stored []byte
	require.NoError(t, s.db.QueryRow(`SELECT key FROM api_sessions`).Scan(&stored))
	hash := sha256.Sum256([]byte(p.session))
	require.Equal(t, hash[:], stored)
	list("Bearer "+hex.EncodeToString(stored)).fails(http.StatusUnauthorized, "signed_out")

	s.clock.Advance(12*time.Hour - time.Minute)
	list("Bearer " + p.session).is(http.StatusOK)
	s.clock.Advance(time.Minute)
	list("Bearer "+p.session).fails(http.StatusUnauthorized, "signed_out")

	p.keeps(p.post("/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
	var n int
	require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM api_sessions`).Scan(&n))
	require.Equal(t, 1, n, "what has expired goes")
	p.post("/api/signout", nil).is(http.StatusNoContent)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	p.post("/api/signout", nil).is(http.StatusNoContent)
}

// A change of factors ends the sessions that began before, in programs as in
// browsers; and who was deleted has none.
func TestAPISessionsEndWithAChange(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	b := s.browser()
	b.signIn(ana, phone)
	b.post("/security/disable", "code", phone.Code()).redirects("/security")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")

	p.keeps(p.password(ana))
	_, err := s.db.Exec(`DELETE FROM users WHERE id = ?`, s.id(ana))
	require.NoError(t, err)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	p.password(ana).fails(http.StatusUnauthorized, "wrong_password")
}

func TestAPISetUpWhereItIsRequired(t *testing.T) {
	s := newSite(t)
	// A session of before is open to the set-up only.
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
	phone, err := totptest.Scan(page.get("uri"), s.clock)
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

// A session alone begins no set-up: whoever finds one open could bind a phone of
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
	phone, err := totptest.Scan(page.get("uri"), s.clock)
	require.NoError(t, err)
	p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": phone.Code()}))

	// Who has an authenticator replaces it with a code of it.
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
		added, err := totptest.Scan(page.get("uri"), s.clock)
		require.NoError(t, err)
		p.keeps(p.post("/api/setup/confirm", fields{"enrollment": page.get("enrollment"), "code": added.Code()}))
	}
	require.Len(t, p.call(http.MethodGet, "/api/account", nil).texts("authenticators"), 5)
	p.post("/api/setup", fields{}, "Proof", p.proof(phone, "add authenticator", "")).fails(http.StatusConflict, "too_many_authenticators")
}

func TestAPIMethodsOfThePolicy(t *testing.T) {
	s := newSite(t)
	_, codes := s.browser().enroll(ana)
	boss, phone := s.administrator(admin)
	boss.post("/admin/policy", "tenant", "acme", "mode", "optional", "recovery_codes", "no", "code", phone.Code()).redirects("/admin?tenant=acme")
	p := s.program()
	asked := p.password(ana).fails(http.StatusForbidden, "code_required")
	require.Equal(t, []string{"code"}, asked.texts("methods"))
	p.post("/api/code", fields{"challenge": asked.get("challenge"), "recovery_code": codes[0]}).fails(http.StatusForbidden, "method_not_allowed")
}

// A fault of the installation lets nobody in, and says nothing of itself.
func TestAPIWithOtherKeys(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	other, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s.url = s.serve(func(o *app.Options) { o.Keys = other })
	require.Equal(t, fields{"error": "failed"}, p.password(ana).fails(http.StatusInternalServerError, "failed").fields)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusInternalServerError, "failed")
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

// What cannot be undone takes a code once more, for this and nothing else.
func TestAPIDeletingABackupTakesAProof(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	mine := p.backups()
	laptop, mobile := mine["ana-laptop"], mine["ana-phone"]
	refused := p.delete(laptop, "").fails(http.StatusForbidden, "proof_required")
	require.Equal(t, "delete backup", refused.get("action"))
	require.Equal(t, laptop, refused.get("target"))

	p.post("/api/reauthenticate", fields{"action": "delete backup", "target": laptop, "code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	proof := p.proof(phone, "delete backup", laptop)
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")
	p.post("/api/backups/"+laptop+"/key", nil, "Proof", proof).fails(http.StatusForbidden, "proof_required")
	p.delete(laptop, proof+"x").fails(http.StatusForbidden, "proof_required")
	require.Len(t, p.backups(), 2)
	p.delete(laptop, proof).is(http.StatusNoContent)
	p.delete(laptop, proof).fails(http.StatusNotFound, "not_found")
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")

	s.clock.Advance(time.Minute)
	proof = p.proof(phone, "delete backup", mobile)
	s.clock.Advance(5 * time.Minute)
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")

	proof = p.proof(phone, "show encryption key", mobile)
	require.Regexp(t, `^[0-9a-f]{64}$`, p.post("/api/backups/"+mobile+"/key", nil, "Proof", proof).is(http.StatusOK).get("key"))
	p.post("/api/backups/"+mobile+"/key", nil, "Proof", proof).fails(http.StatusForbidden, "proof_required")
	require.Len(t, p.backups(), 1)
}

func TestAPIReauthenticate(t *testing.T) {
	s := newSite(t)
	phone, codes := s.browser().enroll(ana)
	p := s.program()
	p.keeps(p.post("/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
	id := p.backups()["ana-laptop"]
	again := func(action, target string, answer fields) result {
		answer["action"], answer["target"] = action, target
		return p.post("/api/reauthenticate", answer)
	}
	for _, bad := range [][2]string{{"", ""}, {"delete everything", ""}, {"sign in", ""}, {"disable", ""}, {"delete backup", ""}, {"register machine", id}} {
		again(bad[0], bad[1], fields{"code": phone.Peek()}).fails(http.StatusBadRequest, "malformed")
	}
	again("delete backup", id, fields{}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"code": phone.Peek(), "recovery_code": codes[1]}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"issued_code": codes[1]}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"code": phone.Peek()}).fails(http.StatusForbidden, "used_code") // at the sign-in
	a := again("delete backup", id, fields{"recovery_code": codes[1]}).is(http.StatusOK)
	require.Equal(t, s.clock.Now().Add(5*time.Minute).Truncate(time.Second).Format(time.RFC3339), a.get("expires"))
	p.delete(id, a.get("proof")).is(http.StatusNoContent)

	for range 5 {
		again("delete backup", id, fields{"code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	}
	require.Equal(t, true, again("delete backup", id, fields{"code": phone.Peek()}).fails(http.StatusTooManyRequests, "wait").fields["pair"])
	first, second := phone.Pair()
	again("delete backup", id, fields{"codes": []string{first, second}}).is(http.StatusOK)
}

// Who has no second factor is not asked for one, and deletes nothing.
func TestAPIDeletingNeedsASecondFactor(t *testing.T) {
	p := newSite(t).program()
	p.keeps(p.password(ana))
	id := p.backups()["ana-laptop"]
	p.delete(id, "").fails(http.StatusForbidden, "not_enrolled")
	p.post("/api/reauthenticate", fields{"action": "delete backup", "target": id, "code": "123456"}).fails(http.StatusForbidden, "not_enrolled")
	require.Len(t, p.backups(), 2)
}

// Ids of other people are ids of nobody, and their proofs serve nobody else.
func TestAPIBackupsOfOthers(t *testing.T) {
	s := newSite(t)
	boss, bossPhone := s.user(admin)
	p, phone := s.user(ana)
	theirs := boss.backups()
	require.Len(t, theirs, 5, "an administrator sees what the organisation has")
	for _, id := range []string{theirs["files-01"], "nobodys"} {
		p.delete(id, "").fails(http.StatusNotFound, "not_found")
		p.delete(id, p.proof(phone, "delete backup", id)).fails(http.StatusNotFound, "not_found")
		p.post("/api/backups/"+id+"/key", nil).fails(http.StatusNotFound, "not_found")
	}
	// The administrator's own proof, stolen: it is not hers.
	p.delete(theirs["ana-laptop"], boss.proof(bossPhone, "delete backup", theirs["ana-laptop"])).fails(http.StatusForbidden, "proof_required")
	require.Len(t, boss.backups(), 5)
	ben, _ := s.user(ben)
	require.Equal(t, 1, len(ben.backups()), "an administrator of above sees their own organisation's")
}

// A machine signs in with its key and no code, and does its job and nothing else.
func TestAPIMachine(t *testing.T) {
	s := newSite(t)
	boss, phone := s.user(admin)
	refused := boss.post("/api/machine/keys", fields{}).fails(http.StatusForbidden, "proof_required")
	require.Equal(t, "register machine", refused.get("action"))
	require.NotContains(t, refused.fields, "target")
	boss.post("/api/machine/keys", fields{}, "Proof", boss.proof(phone, "replace authenticator", "")).fails(http.StatusForbidden, "proof_required")
	boss.post("/api/machine/keys", fields{"machine": ana.Email}).fails(http.StatusNotFound, "not_found")
	user, userPhone := s.user(ana)
	user.post("/api/machine/keys", fields{}, "Proof", user.proof(userPhone, "register machine", "")).fails(http.StatusForbidden, "not_allowed")

	m, key := s.registered(boss, phone)
	made := m.post("/api/backups", fields{"machine": "files-01", "gigabytes": 1841}).is(http.StatusCreated)
	require.Equal(t, made.get("id"), boss.backups()["files-01"], "the newest")
	require.Equal(t, s.clock.Now().Format(time.RFC3339), made.get("taken"))
	for _, bad := range []fields{{}, {"machine": " ", "gigabytes": 1}, {"machine": "x", "gigabytes": -1}, {"machine": "x", "gigabytes": 1 << 30}, {"machine": strings.Repeat("x", 101)}} {
		m.post("/api/backups", bad).fails(http.StatusBadRequest, "malformed")
	}

	id := made.get("id")
	for _, call := range [][2]string{
		{http.MethodGet, "/api/backups"}, {http.MethodGet, "/api/account"}, {http.MethodDelete, "/api/backups/" + id}, {http.MethodPost, "/api/backups/" + id + "/key"},
		{http.MethodPost, "/api/reauthenticate"}, {http.MethodPost, "/api/machine/keys"}, {http.MethodPost, "/api/applock"},
	} {
		m.call(call[0], call[1], fields{}, "Proof", boss.proof(phone, "delete backup", id)).fails(http.StatusForbidden, "machine_account")
	}
	m.post("/api/setup", fields{"password": agent.Password}).fails(http.StatusForbidden, "machine_account")
	m.post("/api/signin", fields{"email": agent.Email, "password": agent.Password}).fails(http.StatusForbidden, "machine_account")
	boss.post("/api/backups", fields{"machine": "x"}).fails(http.StatusForbidden, "not_a_machine")
	s.program().post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	boss.session = key // the key is no session
	boss.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	s.clock.Advance(15 * time.Minute)
	m.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	m.session = m.post("/api/machine/token", fields{"key": key}).is(http.StatusOK).get("token")
	m.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated)
}

// The key of a machine ends with the next one, and with the exemption.
func TestAPIMachineKeysEnd(t *testing.T) {
	s := newSite(t)
	boss, phone := s.user(admin)
	old, oldKey := s.registered(boss, phone)
	m, key := s.registered(boss, phone)
	for _, bad := range []string{oldKey, "", key[1:], strings.ToUpper(key), m.session} {
		m.post("/api/machine/token", fields{"key": bad}).fails(http.StatusUnauthorized, "wrong_key")
	}
	old.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated) // for the rest of its quarter of an hour

	b := s.browser()
	b.signIn(admin, phone)
	b.post("/admin/accounts/"+s.id(agent)+"/end-exemption", "code", phone.Code()).redirects("/admin/accounts/" + s.id(agent))
	m.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	m.post("/api/machine/token", fields{"key": key}).fails(http.StatusForbidden, "not_a_machine")
}

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
	unlock(first).is(http.StatusOK)

	b := s.browser()
	b.signIn(ana, phone)
	b.post("/security/disable", "code", phone.Code()).redirects("/security")
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

// When the database does not answer nobody is let in, and programs are told to
// come again.
func TestAPIWithoutADatabase(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	challenge := p.challenge(ana)
	require.NoError(t, s.db.Close())
	p.password(ana).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusServiceUnavailable, "unavailable")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/machine/token", fields{"key": "x"}).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/unlock", fields{"device": "x"}).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/signout", nil).fails(http.StatusServiceUnavailable, "unavailable")
}
