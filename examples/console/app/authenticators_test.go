package app_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totptest"
)

// authenticators are the ids by the names that the security page shows.
func (b *browser) authenticators() map[string]string {
	b.t.Helper()
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`id="name-([^"]+)" name="name" value="([^"]*)"`).FindAllStringSubmatch(b.get("/security").body, -1) {
		ids[html.UnescapeString(m[2])] = m[1]
	}
	return ids
}

// add sets up one more authenticator, proved by the one at hand.
func (b *browser) add(by *totptest.Authenticator, name string) *totptest.Authenticator {
	b.t.Helper()
	b.post("/security/authenticators", "code", by.Code()).redirects("/setup")
	phone := b.phone(b.get("/setup").says("will stand beside").lacks("stops working"))
	b.post("/setup", "code", phone.Code(), "name", name).is(http.StatusOK).
		says("beside those that you had", "Save your set-up key").lacks("recovery-code\"")
	return phone
}

func TestAddAnAuthenticator(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first, codes := b.enroll(ana)
	trusting := s.browser()
	trusting.signIn(ana, first, "trust", "yes")
	b.post("/security/authenticators", "code", first.WrongCode()).is(http.StatusForbidden).says("This code is not right", `id="add-error"`)

	b.post("/security/authenticators", "code", first.Code()).redirects("/setup")
	second := b.phone(b.get("/setup"))
	b.post("/setup", "code", second.WrongCode(), "name", "My <tablet>").is(http.StatusForbidden).says(`value="My <tablet>"`)
	b.post("/setup", "code", second.Code(), "name", "My <tablet>").is(http.StatusOK)
	ids := b.authenticators()
	require.Len(t, ids, 2)
	require.Contains(t, ids, "My <tablet>")

	// Nothing was taken away: both work, and so does all that there was.
	trusting.get("/").is(http.StatusOK)
	trusting.post("/signout")
	trusting.password(ana).redirects("/")
	s.browser().signIn(ana, first)
	s.browser().signIn(ana, second)
	recovering := s.browser()
	recovering.password(ana)
	recovering.post("/recovery", "recovery_code", codes[0]).redirects("/")
}

func TestAddWithoutAName(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	b.add(phone, "")
	b.add(phone, " ")
	require.Len(t, b.authenticators(), 3)
}

func TestAddByARecoveryCode(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	_, codes := b.enroll(ana)
	b.post("/security/authenticators", "code", codes[0]).redirects("/setup")
	phone := b.phone(b.get("/setup"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK)
	require.Len(t, b.authenticators(), 2)
}

func TestNoMoreThanTheLimit(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	for range enroll.MaxAuthenticators - 1 {
		b.add(phone, "Tablet")
	}
	require.Len(t, b.authenticators(), enroll.MaxAuthenticators)
	b.get("/security").says("as many as there can be").lacks(`action="/security/authenticators"`)
	code := phone.Code()
	b.post("/security/authenticators", "code", code).is(http.StatusConflict).says("Remove one before you add another.")
	b.post("/security/replace", "code", code).redirects("/setup") // the refusal has not spent it
}

func TestRenameAnAuthenticator(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	id := b.authenticators()["Authenticator"]
	b.post("/security/authenticators/"+id+"/rename", "name", " Work\u202e phone ").redirects("/security")
	b.get("/security").says("has its new name", "Work phone")
	b.add(phone, "work PHONE")
	require.Contains(t, b.authenticators(), "work PHONE 2")
	b.post("/security/authenticators/nobody/rename", "name", "x").is(http.StatusNotFound).says("not there any more")
}

func TestRemoveAnAuthenticator(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first, _ := b.enroll(ana)
	id := b.authenticators()["Authenticator"]
	code := first.Code()
	b.get("/security").says("Add another one before you remove it").lacks("/remove\"")
	b.post("/security/authenticators/"+id+"/remove", "code", code).is(http.StatusConflict).says("your only authenticator")
	b.post("/security/authenticators", "code", code).redirects("/setup") // the refusal has not spent it
	second := b.phone(b.get("/setup"))
	b.post("/setup", "code", second.Code(), "name", "Tablet").is(http.StatusOK)
	other := s.browser()
	other.signIn(ana, second, "trust", "yes")
	s.clock.Advance(time.Second)

	b.post("/security/authenticators/"+id+"/remove", "code", second.WrongCode()).is(http.StatusForbidden).says(`id="remove-` + id + `-error"`)
	b.post("/security/authenticators/nobody/remove", "code", second.Peek()).is(http.StatusNotFound).says("not there any more")
	b.post("/security/authenticators/"+id+"/remove", "code", second.Code()).redirects("/security")
	b.get("/security").is(http.StatusOK).says("The authenticator is removed", "Authenticator app removed")
	require.Len(t, b.authenticators(), 1)

	other.get("/").redirects("/signin") // sessions and trust from before are over
	other.password(ana).redirects("/code")
	other.post("/code", "code", first.Code()).is(http.StatusForbidden)
	other.post("/code", "code", second.Code()).redirects("/")
}

// Replacing says beforehand that every other authenticator is cleared.
func TestReplaceAllAuthenticators(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first, _ := b.enroll(ana)
	second := b.add(first, "Tablet")
	b.get("/security").says("in place of all 2", "“Authenticator” and “Tablet” stop working, on every device")
	b.post("/security/replace", "code", second.Code()).redirects("/setup")
	phone := b.phone(b.get("/setup").says("“Authenticator” and “Tablet” stop working"))
	b.post("/setup", "code", phone.Code()).is(http.StatusOK).says("“Authenticator” and “Tablet” have stopped working").codes()
	require.Len(t, b.authenticators(), 1)
}

func TestTheLastOneStaysWhereItIsRequired(t *testing.T) {
	s := newSite(t, require2FA)
	b := s.browser()
	first, _ := b.enroll(ana)
	second := b.add(first, "Tablet")
	b.post("/security/authenticators/"+b.authenticators()["Authenticator"]+"/remove", "code", second.Code()).redirects("/security")
	b.post("/security/authenticators/"+b.authenticators()["Tablet"]+"/remove", "code", second.Peek()).is(http.StatusConflict).says("your only authenticator")
	b.post("/security/disable", "code", second.Code()).is(http.StatusForbidden).says("cannot be turned off")
	require.Equal(t, "Active", b.get("/security").text("state"))
}

// A person who finds a session open neither adds nor removes one.
func TestAuthenticatorsTakeACode(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first, _ := b.enroll(ana)
	b.add(first, "Tablet")
	ids := b.authenticators()
	s.clock.Advance(6 * time.Minute)
	for _, path := range []string{"/security/authenticators", "/security/authenticators/" + ids["Tablet"] + "/remove"} {
		b.post(path).is(http.StatusForbidden).says("A code has 6 digits")
	}
	b.get("/setup").redirects("/security")
	require.Equal(t, ids, b.authenticators())
}

// Another person's authenticators are not there for me to remove.
func TestRemoveAnothersAuthenticator(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first, _ := b.enroll(ana)
	b.add(first, "Tablet")
	ids := b.authenticators()
	other := s.browser()
	phone, _ := other.enroll(admin)
	other.add(phone, "Tablet")
	other.post("/security/authenticators/"+ids["Tablet"]+"/remove", "code", phone.Code()).is(http.StatusNotFound)
	other.post("/security/authenticators/"+ids["Tablet"]+"/rename", "name", "mine").is(http.StatusNotFound)
	require.Equal(t, ids, b.authenticators())
}
