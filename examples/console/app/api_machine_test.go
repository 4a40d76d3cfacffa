package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A machine signs in with its key and without a code, and can do its job and nothing
// else.
func TestAPIMachine(t *testing.T) {
	s := newSite(t)
	boss, phone := s.user(admin)
	refused := boss.post("/api/machine/keys", fields{}).fails(http.StatusForbidden, "proof_required")
	require.Equal(t, "register machine", refused.get("action"))
	require.Equal(t, s.id(agent), refused.get("target"), "the machine")
	require.Equal(t, "Backup agent of files-01", refused.get("target_name"))
	boss.post("/api/machine/keys", fields{}, "Proof", boss.proof(phone, "replace authenticator", "")).fails(http.StatusForbidden, "proof_required")
	boss.post("/api/machine/keys?machine="+ana.Email, fields{}).fails(http.StatusNotFound, "not_found")
	user, userPhone := s.user(ana)
	user.post("/api/machine/keys?machine="+agent.Email, fields{}, "Proof", user.proof(userPhone, "register machine", s.id(agent))).fails(http.StatusForbidden, "not_allowed")

	m, key := s.registered(boss, phone)
	made := m.post("/api/backups", fields{"machine": "files-01", "gigabytes": 1841}).is(http.StatusCreated)
	require.Equal(t, made.get("id"), boss.backups()["files-01"], "the newest")
	require.Equal(t, s.clock.Now().Format(time.RFC3339), made.get("taken"))
	for _, bad := range []fields{{}, {"machine": " ", "gigabytes": 1}, {"machine": "x", "gigabytes": -1}, {"machine": "x", "gigabytes": 1 << 30}, {"machine": strings.Repeat("x", 101)}, {"machine": "x\x1b[2J", "gigabytes": 1}, {"machine": "x\u202ey"}, {"machine": "x\u2028y"}, {"machine": "x\x7f"}, {"machine": "\xffx"}, {"machine": "a\tb"}} {
		m.post("/api/backups", bad).fails(http.StatusBadRequest, "malformed")
	}

	id := made.get("id")
	for _, call := range [][2]string{
		{http.MethodGet, "/api/backups"}, {http.MethodGet, "/2fa/api/account"}, {http.MethodDelete, "/api/backups/" + id},
		{http.MethodPost, "/2fa/api/reauthenticate"}, {http.MethodPost, "/api/machine/keys"}, {http.MethodPost, "/api/applock"},
	} {
		m.call(call[0], call[1], fields{}, "Proof", boss.proof(phone, "delete backup", id)).fails(http.StatusUnauthorized, "signed_out")
	}
	m.post("/2fa/api/setup", fields{"password": agent.Password}).fails(http.StatusUnauthorized, "signed_out")
	m.post("/api/signin", fields{"email": agent.Email, "password": agent.Password}).fails(http.StatusForbidden, "machine_account")
	boss.post("/api/backups", fields{"machine": "x"}).fails(http.StatusForbidden, "not_a_machine")
	s.program().post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	boss.session = key // the key is not a session
	boss.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	s.clock.Advance(15 * time.Minute)
	m.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	m.session = m.post("/api/machine/token", fields{"key": key}).is(http.StatusOK).get("token")
	m.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated)
}

// The key of a machine ends with the next key, and with the exemption.
func TestAPIMachineKeysEnd(t *testing.T) {
	s := newSite(t)
	boss, phone := s.user(admin)
	old, oldKey := s.registered(boss, phone)
	m, key := s.registered(boss, phone)
	for _, bad := range []string{oldKey, "", key[1:], strings.ToUpper(key), m.session} {
		m.post("/api/machine/token", fields{"key": bad}).fails(http.StatusUnauthorized, "wrong_key")
	}
	old.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated) // until its quarter of an hour ends

	b := s.browser()
	b.signIn(admin, phone)
	b.change(phone, agent, "end-exemption").redirects(s.member(agent))
	m.post("/api/backups", fields{"machine": "x"}).fails(http.StatusUnauthorized, "signed_out")
	m.post("/api/machine/token", fields{"key": key}).fails(http.StatusForbidden, "not_a_machine")

	// A key ends with its exemption.
	s.clock.Advance(time.Minute)
	b.change(phone, agent, "exempt", "machine", "files-01").redirects(s.member(agent))
	m.post("/api/machine/token", fields{"key": key}).fails(http.StatusUnauthorized, "wrong_key")
	next, _ := s.registered(boss, phone)
	next.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated)
}
