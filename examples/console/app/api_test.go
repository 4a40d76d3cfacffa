package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/keyring"
)

// A request that cannot be read is refused as a whole, before any account is looked up.
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

// A page of another site cannot use the API through somebody's browser: a cookie does not
// authorize a request, and browsers report whose page sends it.
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
	require.JSONEq(t, `{"error": "not_allowed"}`, b.do(r).is(http.StatusForbidden).body)
}

// Only its key opens a session, until the session ends.
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
	// A person who reads the database does not find the key.
	hash := sha256.Sum256([]byte(p.session))
	var n int
	require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM sessions WHERE key = ?`, hash[:]).Scan(&n))
	require.Equal(t, 1, n)
	list("Bearer "+hex.EncodeToString(hash[:])).fails(http.StatusUnauthorized, "signed_out")

	s.clock.Advance(12*time.Hour - time.Minute)
	list("Bearer " + p.session).is(http.StatusOK)
	s.clock.Advance(time.Minute)
	list("Bearer "+p.session).fails(http.StatusUnauthorized, "signed_out")

	p.keeps(p.post("/2fa/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
	require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n))
	require.Equal(t, 1, n, "expired sessions are deleted")
	p.post("/2fa/api/signout", nil).is(http.StatusNoContent)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	p.post("/2fa/api/signout", nil).is(http.StatusNoContent)
}

// A program may send a sign-out with no body, an empty one of unknown length, or an empty object.
func TestAPISignOutBodies(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	for _, body := range []io.Reader{nil, http.NoBody, strings.NewReader(""), strings.NewReader("{}"), io.MultiReader()} { // the last is chunked
		if p.session == "" {
			p.keeps(p.post("/2fa/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
		}
		p.send(http.MethodPost, "/2fa/api/signout", body).is(http.StatusNoContent)
		p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
		p.session = ""
	}
}

// A change of factors ends the sessions that began before it, in programs as in browsers.
// A person who was deleted has no session.
func TestAPISessionsEndWithAChange(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	b := s.browser()
	b.signIn(ana, phone)
	b.post("/2fa/security/disable", "totpflow_code", phone.Code()).redirects("/2fa/security")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")

	p.keeps(p.password(ana))
	_, err := s.db.Exec(`DELETE FROM users WHERE id = ?`, s.id(ana))
	require.NoError(t, err)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
	p.password(ana).fails(http.StatusUnauthorized, "wrong_password")
}

func TestAPIMethodsOfThePolicy(t *testing.T) {
	s := newSite(t)
	_, codes := s.browser().enroll(ana)
	boss, phone := s.administrator(admin)
	boss.setPolicy(phone, "acme", "mode", "optional", "codes", "no")
	p := s.program()
	asked := p.password(ana).fails(http.StatusForbidden, "code_required")
	require.Equal(t, []string{"code"}, asked.texts("methods"))
	p.post("/2fa/api/code", fields{"challenge": asked.get("challenge"), "recovery_code": codes[0]}).fails(http.StatusForbidden, "method_not_allowed")
}

// A faulty installation lets nobody in, and says nothing about itself.
func TestAPIWithOtherKeys(t *testing.T) {
	s := newSite(t)
	p, _ := s.user(ana)
	other, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	s.url = s.serve(func(o *app.Options) { o.Keys = other })
	require.Equal(t, fields{"error": "failed"}, p.password(ana).fails(http.StatusInternalServerError, "failed").fields)
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusInternalServerError, "failed")
}

// While the database does not answer, nobody is let in, and programs are told to try
// again.
func TestAPIWithoutADatabase(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	challenge := p.challenge(ana)
	require.NoError(t, s.db.Close())
	p.password(ana).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/2fa/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusServiceUnavailable, "unavailable")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/machine/token", fields{"key": "x"}).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/unlock", fields{"device": "x"}).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/api/signin", fields{"device": "x"}).fails(http.StatusServiceUnavailable, "unavailable")
	p.post("/2fa/api/signout", nil).fails(http.StatusServiceUnavailable, "unavailable")
}
