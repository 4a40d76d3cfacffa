package app_test

import (
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The person who lost the phone calls; an administrator resets.
func TestReset(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	person := s.browser()
	old, codes := person.enroll(ana)
	s.clock.Advance(time.Second)
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).is(http.StatusOK).says("Ana Soler", ana.Email, "Send a recovery code", "Reset")
	b.post(to+"/reset", "code", phone.Code()).redirects(to)
	b.get(to).says("The reset is done.", "Must set up")
	require.Equal(t, "required", b.get("/admin").states()[ana.Email])

	person.get("/").out()
	again := s.browser()
	again.password(ana).redirects("/2fa/setup") // the password leads there for a day
	again.get("/").redirects("/signin")
	new := again.phone(again.get("/2fa/setup"))
	again.post("/2fa/setup", "code", old.Code()).is(http.StatusForbidden)
	again.post("/2fa/setup", "code", new.Code()).is(http.StatusOK)
	other := s.browser()
	other.password(ana).redirects("/2fa/code")
	other.post("/2fa/recovery", "recovery_code", codes[0]).is(http.StatusForbidden)
	require.Contains(t, s.last(ana, "reset").Text, "by an administrator")
}

func TestResetOfAPart(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, codes := s.browser().enroll(ana)
	trusting := s.browser()
	trusting.signIn(ana, anas, "trust", "yes")
	to := "/admin/accounts/" + s.id(ana)

	b.post(to+"/reset", "scope", "browsers", "code", phone.Code()).redirects(to)
	trusting.post("/2fa/signout")
	trusting.password(ana).redirects("/2fa/code")

	b.post(to+"/reset", "scope", "codes", "code", phone.Code()).redirects(to)
	trusting.get("/2fa/code").lacks(`href="/2fa/recovery"`)
	trusting.password(ana)
	trusting.post("/2fa/recovery", "recovery_code", codes[0]).is(http.StatusForbidden)
	trusting.post("/2fa/code", "code", anas.Code()).redirects("/")

	b.post(to+"/reset", "scope", "authenticators", "code", phone.Code()).redirects(to)
	trusting.get("/").out()
	trusting.password(ana).redirects("/2fa/setup")
	b.post(to+"/reset", "scope", "nonsense", "code", phone.Code()).is(http.StatusBadRequest).says("Choose what to reset.")
}

// A day after a reset the password alone leads nowhere.
func TestLateAfterReset(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	s.browser().enroll(ana)
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/reset", "code", phone.Code()).redirects(to)
	s.clock.Advance(25 * time.Hour)

	person := s.browser()
	person.password(ana).redirects("/2fa/code")
	person.get("/2fa/code").redirects("/2fa/issued")
	person.get("/2fa/issued").is(http.StatusOK).says("was reset", `name="issued_code"`).lacks(`href="/2fa/code"`)
	b = s.browser()
	b.signIn(admin, phone)
	b.post(to+"/issue-code", "code", phone.Code()).redirects(to)
	code := issued(t, s)
	person.post("/2fa/issued", "issued_code", code).redirects("/2fa/setup")
	new := person.phone(person.get("/2fa/setup"))
	person.post("/2fa/setup", "code", new.Code()).is(http.StatusOK)
}

// Where the password alone does not lead to the enrollment after a reset, the page
// says what does.
func TestResetThatNeedsACode(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	s.browser().enroll(ana)
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/reset", "code", phone.Code()).redirects(to)
	b.get(to).lacks(`id="needs-code"`)
	s.clock.Advance(25 * time.Hour)
	b = s.browser()
	b.signIn(admin, phone)
	for language, words := range map[string]string{"en": "send the person a recovery code", "de": "Senden Sie der Person einen", "es": "envíe a la persona un código"} {
		b.accept = language
		b.get(to).says(`id="needs-code"`, words, to+"/issue-code")
	}
}

// issued is the recovery code in Ana's newest mail.
func issued(t *testing.T, s *site) string {
	t.Helper()
	code := regexp.MustCompile(`(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}`).FindString(s.last(ana, "your recovery code").Text)
	require.NotEmpty(t, code)
	return code
}

// A recovery code goes to the person's mailbox; the administrator never sees it.
func TestIssuedCode(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	old, _ := s.browser().enroll(ana)
	to := "/admin/accounts/" + s.id(ana)
	person := s.browser()
	person.password(ana)
	person.get("/2fa/code").lacks(`href="/2fa/issued"`)
	b.post(to+"/issue-code", "code", phone.Code()).redirects(to)
	code := issued(t, s)
	b.get(to).says("on its way").lacks(code)

	person.get("/2fa/code").says("Use the code from the mail")
	person.get("/2fa/issued").says(`href="/2fa/code"`)
	person.post("/2fa/issued", "issued_code", "nonsense").is(http.StatusForbidden).says("16 letters and digits")
	person.post("/2fa/issued", "issued_code", "0000-0000-0000-0000").is(http.StatusForbidden).says("newest mail")
	person.post("/2fa/issued", "issued_code", code).redirects("/2fa/setup")
	person.get("/").redirects("/signin") // it opens nothing but the enrollment
	new := person.phone(person.get("/2fa/setup"))
	person.post("/2fa/setup", "code", new.Code()).is(http.StatusOK)

	other := s.browser()
	other.password(ana).redirects("/2fa/code")
	other.post("/2fa/issued", "issued_code", code).is(http.StatusForbidden)
	other.post("/2fa/code", "code", old.Code()).is(http.StatusForbidden)
	other.post("/2fa/code", "code", new.Code()).redirects("/")
	s.browser().post("/2fa/issued", "issued_code", code).out()
}

func TestIssuedCodeRefusals(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).lacks("/issue-code")
	s.browser().password(ana)
	b.post(to+"/issue-code", "code", phone.Code()).is(http.StatusConflict).says("nobody is locked out")
	s.browser().enroll(ana)
	s.mails.fail(errors.New("no mail server"))
	b.post(to+"/issue-code", "code", phone.Code()).is(http.StatusServiceUnavailable).says("The mail could not be sent")
	s.mails.fail(nil)
	b.post(to+"/issue-code", "code", phone.Code()).redirects(to)
	code := issued(t, s)
	s.clock.Advance(25 * time.Hour)
	person := s.browser()
	person.password(ana).redirects("/2fa/code")
	person.post("/2fa/issued", "issued_code", code).is(http.StatusForbidden)
}

func TestUnlock(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, _ := s.browser().enroll(ana)
	to := "/admin/accounts/" + s.id(ana)
	b.get(to).lacks("/unlock")
	person := s.browser()
	person.password(ana)
	for range 6 {
		person.post("/2fa/code", "code", anas.WrongCode())
	}
	person.post("/2fa/code", "code", anas.Code()).is(http.StatusTooManyRequests)
	b.get("/admin").says("waits after wrong codes")
	b.get(to).says("Unlock")
	b.post(to+"/unlock", "code", phone.Code()).redirects(to)
	person.password(ana)
	person.post("/2fa/code", "code", anas.Code()).redirects("/")
}

func TestRevokeAPersonsBrowser(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	anas, _ := s.browser().enroll(ana)
	one, two := s.browser(), s.browser()
	one.signIn(ana, anas, "trust", "yes")
	two.signIn(ana, anas, "trust", "yes")
	to := "/admin/accounts/" + s.id(ana)
	ids := regexp.MustCompile(`<option value="([0-9a-f]+)">Firefox on Linux`).FindAllStringSubmatch(b.get(to).body, -1)
	require.Len(t, ids, 2)
	b.post(to+"/revoke-browser", "browser", ids[0][1], "code", phone.Code()).redirects(to)
	require.Equal(t, 1, trusted(ana.Email, one, two))
	b.post(to+"/revoke-browser", "browser", ids[0][1], "code", phone.Code()).is(http.StatusNotFound).says("not trusted any more")
}

// A machine account is not asked for a code, and no form for people lets it in.
func TestMachineAccounts(t *testing.T) {
	s := newSite(t, require2FA)
	s.browser().password(agent).is(http.StatusForbidden).says("This is a machine account.")
	b, phone := s.administrator(admin)
	to := "/admin/accounts/" + s.id(agent)
	b.get(to).says("Backup agent of files-01", "Make it a personal account again").lacks("/issue-code").lacks("/reset\"")
	b.post(to+"/end-exemption", "code", phone.Code()).redirects(to)
	s.browser().password(agent).redirects("/2fa/setup")
	b.post(to+"/end-exemption", "code", phone.Code()).is(http.StatusForbidden).says("This is not a machine account.")

	b.post(to+"/exempt", "name", " ", "code", phone.Code()).is(http.StatusBadRequest).says("Say which machine it is.")
	b.post(to+"/exempt", "name", "files-02", "code", phone.Code()).redirects(to)
	b.get(to).says("files-02")
	require.Equal(t, "exempt", b.get("/admin").states()[agent.Email])
	s.browser().password(agent).is(http.StatusForbidden)

	// A restart does not make machines of what administrators have unmade.
	b.post(to+"/end-exemption", "code", phone.Code()).redirects(to)
	s.url = s.serve(require2FA)
	s.browser().password(agent).redirects("/2fa/setup")
}

func TestDeleteAnAccount(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	person := s.browser()
	person.enroll(ana)
	s.clock.Advance(time.Second)
	b.post("/admin/accounts/"+s.id(ana)+"/forget", "code", phone.Code()).redirects("/admin")
	require.NotContains(t, b.get("/admin").says("The account is deleted.").states(), ana.Email)
	person.get("/").redirects("/signin")
	s.browser().password(ana).is(http.StatusUnauthorized)
	b.post("/admin/accounts/"+s.id(ben)+"/forget", "code", phone.Code()).redirects("/admin") // a person who has never come
	s.browser().password(ben).is(http.StatusUnauthorized)

	// Of a person with two accounts the other one stays.
	b.post("/admin/accounts/"+s.id(mika, "acme")+"/forget", "code", phone.Code()).redirects("/admin")
	other := s.browser()
	other.password(mika).redirects("/")
	other.get("/").says("Northern IT")
}

func TestResetMany(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(nora)
	s.browser().enroll(ana)
	s.browser().enroll(ben)
	s.clock.Advance(time.Second)

	b.post("/admin/accounts/reset", "code", phone.Code()).is(http.StatusBadRequest).says("Tick at least one account")
	many := func(ids ...string) answer {
		return b.postForm("/admin/accounts/reset", map[string][]string{"account": ids, "code": {phone.Code()}})
	}
	many(s.id(ana), s.id(ben)).is(http.StatusBadRequest).says("one organisation at a time")
	many(s.id(ana), s.id(nora)).is(http.StatusForbidden).says("This is your own account")
	many("nobody").is(http.StatusNotFound)
	require.Equal(t, "enabled", b.get("/admin").states()[ana.Email])
	many(s.id(ana), s.id(admin), s.id(mika, "acme")).redirects("/admin") // two of them have never come
	b.get("/admin").says("The accounts are reset.")
	states := b.get("/admin").states()
	require.Equal(t, "required", states[ana.Email])
	require.Equal(t, "enabled", states[ben.Email])
	s.browser().password(ana).redirects("/2fa/setup")
}

// A reset would end the exemption of a machine: nobody ticks one by mistake.
func TestMachinesAreNotTicked(t *testing.T) {
	s := newSite(t)
	b, _ := s.administrator(admin)
	page := b.get("/admin").says(agent.Email)
	ticks := regexp.MustCompile(`name="account" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	var ids []string
	for _, m := range ticks {
		ids = append(ids, m[1])
	}
	require.ElementsMatch(t, []string{s.id(ana), s.id(ben), s.id(mika, "acme")}, ids)
}
