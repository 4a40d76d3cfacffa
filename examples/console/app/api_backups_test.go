package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An action that cannot be undone requires another code, which counts for this action
// only.
func TestAPIDeletingABackupTakesAProof(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	mine := p.backups()
	laptop, mobile := mine["ana-laptop"], mine["ana-phone"]
	refused := p.delete(laptop, "").fails(http.StatusForbidden, "proof_required")
	require.Equal(t, "delete backup", refused.get("action"))
	require.Equal(t, laptop, refused.get("target"))

	p.post("/2fa/api/reauthenticate", fields{"action": "delete backup", "target": laptop, "code": phone.WrongCode()}).fails(http.StatusForbidden, "wrong_code")
	proof := p.proof(phone, "delete backup", laptop)
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")
	p.delete(laptop, proof+"x").fails(http.StatusForbidden, "proof_required")
	require.Len(t, p.backups(), 2)
	p.delete(laptop, proof).is(http.StatusNoContent)
	p.delete(laptop, proof).fails(http.StatusNotFound, "not_found")
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")

	s.clock.Advance(time.Minute)
	proof = p.proof(phone, "delete backup", mobile)
	s.clock.Advance(5 * time.Minute)
	p.delete(mobile, proof).fails(http.StatusForbidden, "proof_required")

	require.Len(t, p.backups(), 1)
}

func TestAPIReauthenticate(t *testing.T) {
	s := newSite(t)
	phone, codes := s.browser().enroll(ana)
	p := s.program()
	p.keeps(p.post("/2fa/api/code", fields{"challenge": p.challenge(ana), "code": phone.Code()}))
	id := p.backups()["ana-laptop"]
	again := func(action, target string, answer fields) result {
		answer["action"], answer["target"] = action, target
		return p.post("/2fa/api/reauthenticate", answer)
	}
	for _, bad := range [][2]string{{"", ""}, {"delete everything", ""}, {"sign in", ""}, {"disable", ""}, {"delete backup", ""}, {"register machine", ""}} {
		again(bad[0], bad[1], fields{"code": phone.Peek()}).fails(http.StatusBadRequest, "malformed")
	}
	again("delete backup", id, fields{}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"code": phone.Peek(), "recovery_code": codes[1]}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"issued_code": codes[1]}).fails(http.StatusBadRequest, "malformed")
	again("delete backup", id, fields{"code": phone.Peek()}).fails(http.StatusForbidden, "used_code") // used at the sign-in
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

// A person without a second factor is not asked for one, and cannot delete anything.
func TestAPIDeletingNeedsASecondFactor(t *testing.T) {
	p := newSite(t).program()
	p.keeps(p.password(ana))
	id := p.backups()["ana-laptop"]
	p.delete(id, "").fails(http.StatusForbidden, "not_enrolled")
	p.post("/2fa/api/reauthenticate", fields{"action": "delete backup", "target": id, "code": "123456"}).fails(http.StatusForbidden, "not_enrolled")
	require.Len(t, p.backups(), 2)
}

// The ids of other people's backups are unknown to a person, and other people's proofs do
// not work for them.
func TestAPIBackupsOfOthers(t *testing.T) {
	s := newSite(t)
	boss, bossPhone := s.user(admin)
	p, phone := s.user(ana)
	theirs := boss.backups()
	require.Len(t, theirs, 5, "an administrator sees the organisation's backups")
	for _, id := range []string{theirs["files-01"], "nobodys"} {
		p.delete(id, "").fails(http.StatusNotFound, "not_found")
		p.delete(id, p.proof(phone, "delete backup", id)).fails(http.StatusNotFound, "not_found")
	}
	// A proof that was stolen from the administrator does not work for Ana.
	p.delete(theirs["ana-laptop"], boss.proof(bossPhone, "delete backup", theirs["ana-laptop"])).fails(http.StatusForbidden, "proof_required")
	require.Len(t, boss.backups(), 5)
	ben, _ := s.user(ben)
	require.Equal(t, 1, len(ben.backups()), "an administrator above sees the backups of their own organisation only")
}

// However many backups there are, a page is short, and each backup is on one page.
func TestAPIBackupsComeInPages(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.keeps(p.password(ana))
	_, err := s.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
		INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes)
		SELECT printf('%010d', i), 'acme', ?, printf('m%d', i), ? - i / 450, 1 FROM n`, s.id(ana), s.clock.Now().Unix())
	require.NoError(t, err)
	seen := make(map[string]bool)
	last := ""
	for path := "/api/backups"; ; {
		a := p.call(http.MethodGet, path, nil).is(http.StatusOK)
		require.Less(t, len(a.text), 64<<10)
		all := a.fields["backups"].([]any)
		for _, one := range all {
			b := one.(map[string]any)
			require.False(t, seen[b["id"].(string)], "twice")
			seen[b["id"].(string)] = true
			require.True(t, last == "" || b["taken"].(string) <= last, "the newest first")
			last = b["taken"].(string)
		}
		if a.fields["next"] == nil {
			break
		}
		require.Len(t, all, 200)
		path = "/api/backups?after=" + a.get("next")
	}
	require.Len(t, seen, 8002)
	for _, bad := range []string{"x", "1", "x-y", "-", "99999999999999999999-a"} {
		p.call(http.MethodGet, "/api/backups?after="+bad, nil).fails(http.StatusBadRequest, "malformed")
	}
	require.Equal(t, "m4711", p.call(http.MethodGet, "/api/backups/0000004711", nil).is(http.StatusOK).get("machine"))
	p.call(http.MethodGet, "/api/backups/nobodys", nil).fails(http.StatusNotFound, "not_found")
	boss := s.program()
	boss.keeps(boss.password(ben)) // of another organisation
	boss.call(http.MethodGet, "/api/backups/0000004711", nil).fails(http.StatusNotFound, "not_found")
}

// The key of a machine cannot fill the archive without limit.
func TestAPIBackupsHaveAQuota(t *testing.T) {
	s := newSite(t)
	boss, phone := s.user(admin)
	m, _ := s.registered(boss, phone)
	_, err := s.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 995)
		INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes) SELECT 'q' || i, 'acme', ?, 'm', ?, 1 FROM n`, s.id(agent), s.clock.Now().Unix())
	require.NoError(t, err)
	m.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated) // in addition to the four of the demo
	m.post("/api/backups", fields{"machine": "x"}).fails(http.StatusConflict, "too_many_backups")
	boss.delete("q1", boss.proof(phone, "delete backup", "q1")).is(http.StatusNoContent)
	m.post("/api/backups", fields{"machine": "x"}).is(http.StatusCreated)
}

// The target of a proof is an id: a long one is refused before the code is used.
func TestAPILongTarget(t *testing.T) {
	s := newSite(t)
	p, phone := s.user(ana)
	code := phone.Code()
	again := func(target string) result {
		return p.post("/2fa/api/reauthenticate", fields{"action": "delete backup", "target": target, "code": code})
	}
	for _, n := range []int{2000, 15 << 10} {
		again(strings.Repeat("x", n)).fails(http.StatusBadRequest, "malformed")
	}
	again("x").is(http.StatusOK)
}
