package app_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// backups are the ids of the backups that the person sees, by machine; of
// several, the newest.
func (b *browser) backups() map[string]string {
	b.t.Helper()
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`id="backup-([^"]+)"><div><strong>([^<]+)<`).FindAllStringSubmatch(b.get("/backups").is(http.StatusOK).body, -1) {
		if ids[m[2]] == "" {
			ids[m[2]] = m[1]
		}
	}
	return ids
}

// question is what the page for the code asks about.
func (a answer) question() string {
	a.t.Helper()
	m := regexp.MustCompile(`name="pending" value="([^"]+)"`).FindStringSubmatch(a.body)
	require.NotNil(a.t, m, a.body)
	return m[1]
}

// asks goes for a backup, up to the question for a code.
func (b *browser) asks(change, id string) answer {
	b.t.Helper()
	b.post("/backups/" + id + "/" + change).redirects("/stepup")
	return b.get("/stepup").is(http.StatusOK)
}

// owner is a person who is signed in with a phone.
func (s *site) owner(who app.DemoAccount) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	phone, _ := s.browser().enroll(who)
	b := s.browser()
	b.signIn(who, phone)
	return b, phone
}

func TestDeletingABackupTakesACode(t *testing.T) {
	b, phone := newSite(t).owner(ana)
	mine := b.backups()
	require.Len(t, mine, 2)

	asked := b.asks("delete", mine["ana-laptop"]).
		says("Delete this backup?", "ana-laptop", "2 March 2026, 07:54 UTC", "212 GB", "It cannot be brought back.", `autocomplete="one-time-code"`)
	require.Len(t, b.backups(), 2, "nothing is deleted by asking")
	b.post("/stepup", "pending", asked.question()).is(http.StatusForbidden).says("A code has 6 digits")
	// The pending action is kept while the code is wrong.
	b.post("/stepup", "pending", asked.question(), "code", phone.WrongCode()).is(http.StatusForbidden).
		says("This code is not right", "Delete this backup?", "ana-laptop")
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
	b.get("/backups").says("The backup is deleted.").lacks("ana-laptop")
	require.Len(t, b.backups(), 1)

	// The answer serves once.
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
	b.get("/backups").says("There is nothing to confirm")
	require.Len(t, b.backups(), 1)
}

func TestAKeyIsShownForACode(t *testing.T) {
	b, phone := newSite(t).owner(ana)
	id := b.backups()["ana-phone"]
	asked := b.asks("key", id).says("Show the encryption key?").lacks("It cannot be brought back")
	shown := b.post("/stepup", "pending", asked.question(), "code", phone.Code()).is(http.StatusOK)
	require.Regexp(t, `^([0-9a-f]{4} ){15}[0-9a-f]{4}$`, shown.text("backup-key"))
	require.Equal(t, "no-store", shown.header.Get("Cache-Control"))
	require.Len(t, b.backups(), 2)
	// To see it again takes another code.
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
}

// A trusted browser spares the code at the sign-in, and nowhere else.
func TestATrustedBrowserDoesNotServe(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.signIn(ana, phone, "trust", "yes")
	b.post("/signout")
	b.password(ana).redirects("/")
	asked := b.asks("delete", b.backups()["ana-laptop"])
	b.post("/stepup", "pending", asked.question()).is(http.StatusForbidden)
	require.Len(t, b.backups(), 2)
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
	require.Len(t, b.backups(), 1)
}

// The code is for what the page has shown. A page of another tab, or a form
// that says something else, changes nothing.
func TestTheQuestionCannotBeExchanged(t *testing.T) {
	b, phone := newSite(t).owner(ana)
	mine := b.backups()
	first := b.asks("key", mine["ana-phone"])
	second := b.asks("delete", mine["ana-laptop"]).lacks(mine["ana-laptop"])

	code := phone.Code()
	b.post("/stepup", "pending", first.question(), "code", code, "action", "delete backup", "backup", mine["ana-phone"]).
		is(http.StatusOK).says("Delete this backup?", "ana-laptop")
	require.Len(t, b.backups(), 2)
	b.post("/stepup", "pending", second.question(), "code", code, "backup", mine["ana-phone"]).redirects("/backups")
	require.Equal(t, map[string]string{"ana-phone": mine["ana-phone"]}, b.backups())
}

func TestAQuestionExpiresAndIsCancelled(t *testing.T) {
	s := newSite(t)
	b, phone := s.owner(ana)
	id := b.backups()["ana-laptop"]
	asked := b.asks("delete", id)
	s.clock.Advance(10 * time.Minute)
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
	b.get("/stepup").redirects("/backups")

	asked = b.asks("delete", id)
	b.post("/stepup/cancel").redirects("/backups")
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")

	// It does not outlive the session.
	asked = b.asks("delete", id)
	b.post("/signout")
	b.signIn(ana, phone)
	b.post("/stepup", "pending", asked.question(), "code", phone.Code()).redirects("/backups")
	require.Len(t, b.backups(), 2)
}

// Nobody gets to see or to delete what is not theirs, code or no code.
func TestBackupsOfOthers(t *testing.T) {
	s := newSite(t)
	boss, bossPhone := s.owner(admin)
	b, phone := s.owner(ana)
	theirs := boss.backups()
	require.Len(t, theirs, 5, "an administrator sees what the organisation has")
	for _, id := range []string{theirs["files-01"], "nobodys"} {
		for _, change := range []string{"delete", "key"} {
			b.post("/backups/" + id + "/" + change).is(http.StatusNotFound)
		}
	}
	b.get("/stepup").redirects("/backups")

	// A backup that somebody else deleted meanwhile costs no code.
	asked := b.asks("delete", theirs["ana-laptop"])
	other := boss.asks("delete", theirs["ana-laptop"])
	boss.post("/stepup", "pending", other.question(), "code", bossPhone.Code()).redirects("/backups")
	code := phone.Code()
	b.post("/stepup", "pending", asked.question(), "code", code).is(http.StatusNotFound)
	b.post("/stepup", "pending", b.asks("delete", theirs["ana-phone"]).question(), "code", code).redirects("/backups")

	ben, _ := s.owner(ben)
	require.NotContains(t, ben.backups(), "files-01")
	nora, _ := s.owner(nora)
	require.Equal(t, 1, len(nora.backups()))
}

// A person who has no second factor cannot be asked for it.
func TestDeletingNeedsASecondFactor(t *testing.T) {
	b := newSite(t).browser()
	b.password(ana).redirects("/")
	b.post("/backups/" + b.backups()["ana-laptop"] + "/delete").redirects("/stepup")
	page := b.get("/stepup").is(http.StatusOK).says("Set up two-factor authentication").lacks(`name="pending"`)
	require.NotContains(t, page.body, `name="code"`)
	b.post("/stepup", "code", "123456").is(http.StatusOK)
	require.Len(t, b.backups(), 2)
}

// While single codes wait, two in a row go on with what the person was doing.
func TestStepUpWithTwoCodesInARow(t *testing.T) {
	b, phone := newSite(t).owner(ana)
	asked := b.asks("delete", b.backups()["ana-laptop"])
	for range 5 {
		b.post("/stepup", "pending", asked.question(), "code", phone.WrongCode()).is(http.StatusForbidden)
	}
	b.post("/stepup", "pending", asked.question(), "code", phone.Peek()).is(http.StatusTooManyRequests).says(`name="code2"`, "ana-laptop")
	first, second := phone.Pair()
	b.post("/stepup", "pending", asked.question(), "code", first, "code2", second).redirects("/backups")
	require.Len(t, b.backups(), 1)
}

// A console that starts again has the same backups: what was deleted stays so.
func TestBackupsStay(t *testing.T) {
	s := newSite(t)
	b, phone := s.owner(ana)
	b.post("/stepup", "pending", b.asks("delete", b.backups()["ana-laptop"]).question(), "code", phone.Code()).redirects("/backups")
	left := b.backups()
	s.url = s.serve()
	again := s.browser()
	again.signIn(ana, phone)
	require.Equal(t, left, again.backups())
	require.NotContains(t, left, "ana-laptop")
}
