package app_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReplace(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	old, _ := b.enroll(ana)
	b.get("/setup").redirects("/security")
	b.post("/security/replace", "code", old.WrongCode()).is(http.StatusForbidden).says("This code is not right", `id="replace-error"`, `aria-describedby="replace-error"`)
	b.post("/security/replace", "code", old.Code()).redirects("/setup")
	phone := b.phone(b.get("/setup").says("“Authenticator” stops working"))
	require.Equal(t, "Replacing", b.get("/security").text("state"))

	// Until the new one has shown a code, the old one works.
	meanwhile := s.browser()
	meanwhile.signIn(ana, old)

	s.clock.Advance(time.Second)
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).says("has stopped working").codes()
	b.get("/").is(http.StatusOK)
	meanwhile.get("/").redirects("/signin")
	meanwhile.password(ana).redirects("/code")
	meanwhile.post("/code", "code", old.Code()).is(http.StatusForbidden)
	meanwhile.post("/code", "code", phone.Code()).redirects("/")
}

func TestDisable(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	other := s.browser()
	other.signIn(ana, phone, "trust", "yes")
	s.clock.Advance(time.Second)

	b.post("/security/disable", "code", "000").is(http.StatusForbidden).says("A code has 6 digits")
	b.post("/security/disable", "code", phone.Code()).redirects("/security")
	page := b.get("/security").is(http.StatusOK).says("Two-factor authentication is off")
	require.Equal(t, "Disabled", page.text("state"))
	other.get("/").redirects("/signin")
	other.password(ana).redirects("/")

	// The session that turned it off does not set it up again by itself.
	b.get("/setup").says(`name="password"`)
	for _, path := range []string{"/security/replace", "/security/disable", "/security/recovery-codes"} {
		b.post(path, "code", phone.Code()).is(http.StatusForbidden).says("not set up")
	}
}

func TestDisableWithARecoveryCode(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	_, codes := b.enroll(ana)
	b.post("/security/disable", "code", codes[0]).redirects("/security")
	require.Equal(t, "Disabled", b.get("/security").text("state"))
}

func TestNewRecoveryCodes(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, codes := b.enroll(ana)
	b.post("/security/recovery-codes", "code", phone.WrongCode()).is(http.StatusForbidden).says(`id="codes-error"`)
	fresh := b.post("/security/recovery-codes", "code", codes[0]).is(http.StatusOK).says("The old ones no longer work").codes()
	require.NotContains(t, fresh, codes[1])
	require.Equal(t, "10", b.get("/security").text("recovery-codes-left"))

	other := s.browser()
	other.password(ana)
	other.post("/recovery", "recovery_code", codes[1]).is(http.StatusForbidden)
	other.post("/recovery", "recovery_code", fresh[1]).redirects("/")
	require.Equal(t, "9", b.get("/security").text("recovery-codes-left"))
}

func TestFewRecoveryCodesLeft(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	_, codes := b.enroll(ana)
	b.post("/security/recovery-codes/saved").redirects("/")
	for _, code := range codes[:7] {
		b.get("/").lacks("recovery codes left")
		out := s.browser()
		out.password(ana)
		out.post("/recovery", "recovery_code", code).redirects("/")
		s.clock.Advance(10 * time.Minute)
	}
	b.get("/").says("You have only 3 recovery codes left.")
	b.get("/security").says("Few codes are left")
}

func TestRevokeBrowsers(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	one, two, three := s.browser(), s.browser(), s.browser()
	for _, b := range []*browser{one, two, three} {
		b.signIn(ana, phone, "trust", "yes")
	}
	ids := regexp.MustCompile(`/security/browsers/([0-9a-f]+)/revoke`).FindAllStringSubmatch(one.get("/security").body, -1)
	require.Len(t, ids, 3)
	one.post("/security/browsers/" + ids[1][1] + "/revoke").redirects("/security")
	one.get("/security").says("asked for a code at the next sign-in")
	one.post("/security/browsers/" + ids[1][1] + "/revoke").redirects("/security") // gone already
	require.Equal(t, 2, trusted(ana.Email, one, two, three))

	one.post("/security/browsers/revoke-all").redirects("/security")
	one.get("/security").says("None. At the next sign-in")
	require.Equal(t, 0, trusted(ana.Email, one, two, three))
}

// trusted counts the browsers that are let in without a code. It signs none of
// them out.
func trusted(email string, browsers ...*browser) (n int) {
	for _, b := range browsers {
		if b.post("/signin", "email", email, "password", ana.Password).to == "/" {
			n++
		}
	}
	return n
}

// Somebody else's browser is not there for me to revoke.
func TestRevokeAnothersBrowser(t *testing.T) {
	s := newSite(t)
	phone, _ := s.browser().enroll(ana)
	b := s.browser()
	b.signIn(ana, phone, "trust", "yes")
	id := regexp.MustCompile(`/security/browsers/([0-9a-f]+)/revoke`).FindStringSubmatch(b.get("/security").body)
	require.NotNil(t, id)
	other := s.browser()
	other.password(admin).redirects("/")
	other.post("/security/browsers/" + id[1] + "/revoke").redirects("/security")
	require.Equal(t, 1, trusted(ana.Email, b))
}

// A person who has to wait proves herself with two codes in a row here, too.
func TestWaitingOnTheSecurityPage(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	for range 5 {
		b.post("/security/replace", "code", phone.WrongCode()).is(http.StatusForbidden)
	}
	b.post("/security/replace", "code", phone.Code()).is(http.StatusTooManyRequests).
		says("Too many wrong codes", "seconds", `name="code2"`)
	first, second := phone.Pair()
	b.post("/security/replace", "code", first, "code2", second).redirects("/setup")
}

func TestActivityInWords(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.enroll(ana)
	b.post("/security/recovery-codes/saved")
	b.get("/security").says("Last activity", "Authenticator app set up", "New recovery codes made", "Recovery codes marked as saved", "from 127.0.0.1")
}

// A person who deletes the record of the second factor, or puts back one from before
// the enrollment, has not switched it off: the console remembers.
func TestLostRecordClosesTheAccount(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.enroll(ana)
	_, err := s.db.Exec(`DELETE FROM totpflow_accounts`)
	require.NoError(t, err)
	s.browser().password(ana).is(http.StatusForbidden).says("ask your administrator")
	b.get("/").is(http.StatusForbidden)
	s.browser().password(admin).redirects("/")
}

// The same for a record from before the last change of factors, put back.
func TestOldRecordClosesTheAccount(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	s.mails.settle()
	const columns = `version, state, sealed, updated`
	var version, sealed []byte
	var user, state string
	var updated int64
	require.NoError(t, s.db.QueryRow(`SELECT user_id, `+columns+` FROM totpflow_accounts WHERE state = 'active'`).Scan(&user, &version, &state, &sealed, &updated))
	b.post("/security/disable", "code", phone.Code()).redirects("/security")
	b.get("/security").is(http.StatusOK)

	s.mails.settle()
	_, err := s.db.Exec(`UPDATE totpflow_accounts SET (`+columns+`, due) = (?, ?, ?, ?, NULL) WHERE user_id = ?`, version, state, sealed, updated, user)
	require.NoError(t, err)
	s.browser().password(ana).is(http.StatusForbidden).says("ask your administrator")
}

// A person who reads the database finds no session to use.
func TestDumpOpensNoSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	var token string
	require.NoError(t, s.db.QueryRow(`SELECT token FROM sessions`).Scan(&token))
	require.NotEqual(t, b.cookie("session").Value, token)
}
