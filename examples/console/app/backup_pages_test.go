package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// backups returns the ids of the backups that the person sees, by machine; for a machine
// with several backups, the newest id.
func (b *browser) backups() map[string]string {
	b.t.Helper()
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`id="backup-([^"]+)"><strong>([^<]+)<`).FindAllStringSubmatch(b.get("/").is(http.StatusOK).body, -1) {
		if ids[m[2]] == "" {
			ids[m[2]] = m[1]
		}
	}
	return ids
}

// owner returns a person who is signed in with a phone.
func (s *site) owner(who app.DemoAccount) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	phone, _ := s.browser().enroll(who)
	b := s.browser()
	b.signIn(who, phone)
	return b, phone
}

// doing returns the address to which a change of a backup is posted.
func doing(change, id string) string { return "/backups/" + id + "/" + change }

func TestDeletingABackupTakesACode(t *testing.T) {
	b, phone := newSite(t).owner(ana)
	mine := b.backups()
	require.Len(t, mine, 2)
	to := doing("delete", mine["ana-laptop"])
	b.post(to).is(http.StatusForbidden).says("Delete this backup", "ana-laptop, 212 GB</strong>, <time", "2 March 2026, 07:54 UTC</time>", `action="`+to+`"`, `name="totpflow_code"`)
	b.post(to, "totpflow_code", phone.WrongCode()).is(http.StatusForbidden).says("This code is not right", "ana-laptop")
	require.Len(t, b.backups(), 2, "asking for a code deletes nothing")
	b.post(to, "totpflow_code", phone.Code()).redirects("/?deleted")
	b.get("/?deleted").says("The backup was deleted.").lacks("ana-laptop")
	b.get("/").lacks("The backup was deleted.")
	require.Equal(t, map[string]string{"ana-phone": mine["ana-phone"]}, b.backups())
}

// The list has pages of 50, with each backup once, and with links to the next and the
// previous page.
func TestPagesOfTheArchive(t *testing.T) {
	s := newSite(t)
	b, _ := s.owner(ana)
	_, err := s.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
		INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes) SELECT 'p' || i, 'acme', ?, 'm', ? - i / 7, 1 FROM n`, s.id(ana), s.clock.Now().Unix())
	require.NoError(t, err)
	link := func(page, rel string) string {
		m := regexp.MustCompile(`<a href="([^"]+)" rel="` + rel + `">`).FindStringSubmatch(page)
		if m == nil {
			return ""
		}
		return m[1]
	}
	seen := map[string]bool{}
	at, sizes := "/", []int{}
	for n := 1; at != ""; n++ {
		page := b.get(at).is(http.StatusOK).body
		ids := regexp.MustCompile(`id="backup-([^"]+)"`).FindAllStringSubmatch(page, -1)
		sizes = append(sizes, len(ids))
		for _, m := range ids {
			require.False(t, seen[m[1]], "twice")
			seen[m[1]] = true
		}
		require.Contains(t, page, fmt.Sprintf("Page %d<", n))
		if n > 1 {
			require.Equal(t, fmt.Sprintf("/?page=%d", n-1), link(page, "prev"))
		} else {
			require.Empty(t, link(page, "prev"))
		}
		at = link(page, "next")
	}
	require.Equal(t, []int{50, 50, 2}, sizes)
	for _, first := range []string{"/?page=0", "/?page=-1", "/?page=x", "/?page=1", "/?page=99999999999999999999"} {
		require.Empty(t, link(b.get(first).is(http.StatusOK).body, "prev"), first)
	}
	b.get("/?page=9").is(http.StatusOK).says("No backups.", `rel="prev"`)

	other, _ := s.owner(nora) // a few backups are one page
	other.get("/").lacks(`rel="next"`).lacks(`rel="prev"`).says("north-vault")
}

// Nobody can see or delete the backups of other people, with a code or without.
func TestBackupsOfOthers(t *testing.T) {
	s := newSite(t)
	boss, bossPhone := s.owner(admin)
	b, phone := s.owner(ana)
	theirs := boss.backups()
	require.Len(t, theirs, 5, "an administrator sees the organisation's backups")
	code := phone.Code()
	for _, id := range []string{theirs["files-01"], "nobodys"} {
		b.post(doing("delete", id)).is(http.StatusNotFound)
		b.post(doing("delete", id), "totpflow_code", code).is(http.StatusNotFound)
	}
	// Deleting a backup that somebody else has deleted meanwhile does not use the code.
	boss.post(doing("delete", theirs["ana-laptop"]), "totpflow_code", bossPhone.Code()).redirects("/?deleted")
	b.post(doing("delete", theirs["ana-laptop"]), "totpflow_code", code).is(http.StatusNotFound)
	b.post(doing("delete", theirs["ana-phone"]), "totpflow_code", code).redirects("/?deleted")
	require.Contains(t, boss.backups(), "files-01")

	ben, _ := s.owner(ben)
	require.NotContains(t, ben.backups(), "files-01")
	nora, _ := s.owner(nora)
	require.Len(t, nora.backups(), 1)
}

// A person without a second factor cannot be asked for a code.
func TestDeletingNeedsASecondFactor(t *testing.T) {
	b := newSite(t).browser()
	b.password(ana).redirects("/")
	page := b.post(doing("delete", b.backups()["ana-laptop"])).is(http.StatusForbidden)
	require.NotContains(t, page.body, `name="totpflow_code"`)
	require.Len(t, b.backups(), 2)
}

// A console that starts again has the same backups, and those that were deleted stay
// deleted.
func TestBackupsStay(t *testing.T) {
	s := newSite(t)
	b, phone := s.owner(ana)
	b.post(doing("delete", b.backups()["ana-laptop"]), "totpflow_code", phone.Code()).redirects("/?deleted")
	left := b.backups()
	s.url = s.serve()
	again := s.browser()
	again.signIn(ana, phone)
	require.Equal(t, left, again.backups())
	require.NotContains(t, left, "ana-laptop")
}
