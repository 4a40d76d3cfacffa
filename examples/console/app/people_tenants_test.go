package app_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

// organisations returns the accounts that a person may choose from, by the name of the
// organisation.
func (a answer) organisations() map[string]string {
	a.t.Helper()
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`name="account" value="([^"]+)">([^<]+)<`).FindAllStringSubmatch(a.body, -1) {
		ids[m[2]] = m[1]
	}
	return ids
}

// passwordAt signs in up to the second step, at one of several organisations.
func (b *browser) passwordAt(who app.DemoAccount, organisation string) answer {
	b.t.Helper()
	b.password(who).redirects("/organisation")
	return b.post("/organisation", "account", b.get("/organisation").organisations()[organisation])
}

// A file with other tables than these is left alone.
func TestTablesOfAnotherRelease(t *testing.T) {
	s := newSite(t)
	s.url = s.serve() // a second start changes nothing
	s.browser().password(ana).redirects("/")
	_, err := s.db.Exec(`PRAGMA user_version = 99`)
	require.NoError(t, err)
	_, err = app.New(app.Options{DB: s.db, Keys: s.keys})
	require.ErrorContains(t, err, "another release")
}

func TestSeveralOrganisations(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(mika).redirects("/organisation")
	page := b.get("/organisation").is(http.StatusOK).says("Acme Backup GmbH", "Role: administrator", "Northern IT", "Role: user")
	ids := page.organisations()
	require.Len(t, ids, 2)

	// The password alone opens nothing yet.
	for _, path := range []string{"/", "/2fa/security"} {
		b.get(path).redirects("/signin")
	}
	b.get("/2fa/setup").redirects("/signin")

	b.post("/organisation", "account", ids["Acme Backup GmbH"]).redirects("/2fa/setup") // the page that was asked for
	b.get("/").says("Signed in as mika@north.example, Acme Backup GmbH.")
	b.get("/organisation").redirects("/signin") // the choice is made once
	b.post("/organisation", "account", ids["Northern IT"]).redirects("/organisation")
	b.get("/").says("Signed in as mika@north.example, Acme Backup GmbH.")
}

// Each account of a person is set up on its own.
func TestAccountsOfOnePersonAreSetUpOneByOne(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.passwordAt(mika, "Northern IT").redirects("/2fa/setup")
	phone := b.phone(b.get("/2fa/setup"))
	require.Equal(t, "mika@north.example, Northern IT", phone.Label().Account)
	b.post("/2fa/setup", "code", phone.Code()).is(http.StatusOK)
	b.get("/2fa/security").says("Your other accounts", "mika@north.example, Acme Backup GmbH</strong> <span class=\"badge\">Off</span>").lacks("Signed in as mika@north.example, Acme")

	other := s.browser()
	other.passwordAt(mika, "Acme Backup GmbH").redirects("/")
	other.get("/2fa/security").says("Your other accounts", "mika@north.example, Northern IT</strong> <span class=\"badge on\">On</span>")
	second := other.phone(other.get("/2fa/setup"))
	require.Equal(t, "mika@north.example, Acme Backup GmbH", second.Label().Account)
	other.post("/2fa/setup", "code", second.Code()).is(http.StatusOK)

	b.post("/2fa/signout")
	b.passwordAt(mika, "Northern IT").redirects("/2fa/code")
	b.post("/2fa/code", "code", second.Code()).is(http.StatusForbidden)
	b.post("/2fa/code", "code", phone.Code()).redirects("/")
	b.get("/2fa/security").says("mika@north.example, Acme Backup GmbH</strong> <span class=\"badge on\">On</span>")
}

func TestOthersAreNotListed(t *testing.T) {
	b := newSite(t).browser()
	b.password(ana).redirects("/")
	b.get("/2fa/security").lacks("Your other accounts").lacks("Northern IT")
}

// Only a person with the password learns which organisations know an address, and only
// for ten minutes.
func TestOrganisationsAreNotTold(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.post("/signin", "email", mika.Email, "password", "nope").is(http.StatusUnauthorized).lacks("Northern").lacks("Acme Backup GmbH")
	b.get("/organisation").redirects("/signin")
	b.post("/organisation", "account", "x").redirects("/organisation")

	b.password(mika).redirects("/organisation")
	ids := b.get("/organisation").organisations()
	s.clock.Advance(11 * time.Minute)
	b.get("/organisation").redirects("/signin")
	b.post("/organisation", "account", ids["Northern IT"]).redirects("/organisation")
	b.get("/").redirects("/signin")
}

// A person can choose only among their own accounts.
func TestAnothersAccountIsNoChoice(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(mika).redirects("/organisation")
	var id string
	require.NoError(t, s.db.QueryRow(`SELECT users.id FROM users JOIN people ON people.id = person WHERE email = ?`, ana.Email).Scan(&id))
	b.post("/organisation", "account", id).redirects("/organisation")
	b.post("/organisation").redirects("/organisation")
	b.get("/").redirects("/signin")
}

// A person who reaches the choice has ended the session of anyone who used the browser
// before.
func TestChoiceEndsAnothersSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(ana).redirects("/")
	b.password(mika).redirects("/organisation")
	b.get("/").redirects("/signin")
}
