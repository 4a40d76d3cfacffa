package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

var requestID = regexp.MustCompile(`/admin/requests/([^/]+)/`)

func TestSecondAdministrator(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	anas, _ := s.browser().enroll(ana)
	b.post("/admin/policy", "mode", "required", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")

	// A lower policy waits for a second administrator; nothing has changed yet.
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "phones", "yes", "code", phone.Code()).redirects("/admin")
	shown := []string{"Two-factor authentication: optional, until now required", "Codes by SMS and calls, the weaker way: Yes, until now No", "Ask a second administrator: Yes"}
	page := b.get("/admin").says("a second administrator has 24 hours", "Lower the policy to “optional”", "Asked for by admin@acme.example", "somebody else approves it").says(shown...)
	mail := s.last(nora, "waits for a second administrator")
	for _, words := range append(shown, "admin@acme.example has asked for this in Acme Backup GmbH", "Lower the policy to “optional”") {
		require.Contains(t, mail.Text, words)
	}
	for _, m := range s.mails.to(admin) {
		require.NotContains(t, m.Subject, "second administrator", "whoever asked knows")
	}
	require.Equal(t, "required", page.text("mode"))
	id := requestID.FindStringSubmatch(page.body)[1]
	b.post("/admin/requests/"+id+"/approve", "code", phone.Code()).is(http.StatusForbidden).says("ask another administrator")
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.WrongCode()).is(http.StatusForbidden).says(`id="approve/` + id + `-error"`)
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	require.Equal(t, "optional", b.get("/admin").text("mode"))
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).is(http.StatusNotFound).says("not waiting any more")

	// A reset of several accounts is pending as well, and the person who asked may withdraw it.
	b.post("/admin/accounts/reset", "account", s.id(ana), "code", phone.Code()).redirects("/admin")
	page = b.get("/admin").says("Reset several accounts", ana.Email)
	require.Contains(t, s.last(nora, "waits for a second administrator").Text, ana.Email)
	id = requestID.FindStringSubmatch(page.body)[1]
	b.post("/admin/requests/"+id+"/withdraw", "code", phone.Code()).redirects("/admin")
	b.get("/admin").says("The request is withdrawn.").lacks("Waits for a second")
	s.browser().signIn(ana, anas)

	// And machine accounts.
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/exempt", "name", "files-03", "code", phone.Code()).redirects(to)
	b.get(to).says("a second administrator has 24 hours", "Set up")
	page = provider.get("/admin?tenant=acme").says("Make a machine account, “files-03”", ana.Email)
	id = requestID.FindStringSubmatch(page.body)[1]
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	s.browser().password(ana).is(http.StatusForbidden).says("This is a machine account.")

	b.post("/admin/accounts/reset", "account", s.id(mika, "acme"), "code", phone.Code()).redirects("/admin")
	s.clock.Advance(25 * time.Hour)
	again := s.browser()
	again.signIn(admin, phone)
	again.get("/admin").lacks("Waits for a second")
}

// waits has the administrator ask for something that waits, and returns its id.
func (b *browser) waits(tenant, path string, fields ...string) string {
	b.t.Helper()
	require.Equal(b.t, http.StatusSeeOther, b.post(path, fields...).status)
	ids := requestID.FindAllStringSubmatch(b.get("/admin?tenant="+tenant).body, -1)
	require.NotEmpty(b.t, ids)
	return ids[len(ids)-1][1]
}

// An account whose deletion two administrators agree on is deleted whole: what
// the second factor kept of it, and the account itself.
func TestDeletionByTwoAdministrators(t *testing.T) {
	for name, come := range map[string]func(*site){
		"who has set up":       func(s *site) { s.browser().enroll(ana) },
		"who is in grace":      func(s *site) { s.browser().password(ana).redirects("/2fa/setup") },
		"who has never signed": func(*site) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b, phone := s.administrator(admin)
			provider, noras := s.administrator(nora)
			b.post("/admin/policy", "mode", "required", "grace_days", "14", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
			come(s)
			s.clock.Advance(10 * day)
			b.signIn(admin, phone)
			provider.signIn(nora, noras)

			id := b.waits("acme", "/admin/accounts/"+s.id(ana)+"/forget", "code", phone.Code())
			require.Contains(t, b.get("/admin").states(), ana.Email)
			to := "/admin/requests/" + id + "/approve"
			provider.post(to, "tenant", "acme", "code", noras.WrongCode()).is(http.StatusForbidden)
			require.Contains(t, b.get("/admin").states(), ana.Email, "an approval that was refused deletes nobody")
			provider.post(to, "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
			require.NotContains(t, provider.get("/admin?tenant=acme").says("Done, by the two of you.").states(), ana.Email)
			s.browser().password(ana).is(http.StatusUnauthorized)
			var left int
			require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM people WHERE email = ?`, ana.Email).Scan(&left))
			require.Zero(t, left)
		})
	}
}

// A deletion that is withdrawn is not done, and of a person with two accounts the other stays.
func TestDeletionThatIsWithdrawn(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	path := "/admin/accounts/" + s.id(mika, "acme") + "/forget"
	id := b.waits("acme", path, "code", phone.Code())
	provider.post("/admin/requests/"+id+"/withdraw", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).is(http.StatusNotFound)
	require.Contains(t, b.get("/admin").states(), mika.Email)

	id = b.waits("acme", path, "code", phone.Code())
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	require.NotContains(t, b.get("/admin").states(), mika.Email)
	s.browser().password(mika).redirects("/")
}

// Nobody is deleted by an approval that the library refuses: here the account that
// asked was in other hands.
func TestDeletionThatIsRefused(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	id := b.waits("acme", "/admin/accounts/"+s.id(ana)+"/forget", "code", phone.Code())
	link := linkInMail.FindStringSubmatch(s.last(admin, "set up").Text)[1]
	s.browser().post("/2fa/not-me", "event", s.browser().get(link).event()).is(http.StatusOK)
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).is(http.StatusForbidden)
	require.Contains(t, provider.get("/admin").states(), ana.Email)
}

func TestRequestsInWords(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.post("/admin/policy", "mode", "required", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	b.post("/admin/policy", "mode", "off", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	b.post("/admin/accounts/"+s.id(ana)+"/forget", "code", phone.Code()).redirects("/admin")
	b.post("/admin/accounts/"+s.id(ana)+"/exempt", "name", "files-03", "code", phone.Code())
	b.post("/admin/accounts/reset", "account", s.id(ana), "code", phone.Code()).redirects("/admin")
	for language, words := range map[string][]string{
		"en": {"Lower the policy to", "<strong>Delete the account</strong>", "Make a machine account", "Reset several accounts", "asked to delete account"},
		"de": {"Richtlinie auf", "<strong>Konto löschen</strong>", "Maschinenkonto anlegen", "Mehrere Konten zurücksetzen", "gefragt: Konto löschen"},
		"es": {"Rebajar la política", "<strong>Eliminar la cuenta</strong>", "Crear una cuenta de máquina", "Restablecer varias cuentas", "administrador: eliminar la cuenta"},
	} {
		b.accept = language
		b.get("/admin").says(words...).lacks("forget account")
	}
}

// Of who has never signed in there is nothing to reset: the others are, and
// nothing has failed.
func TestResetOfWhoHasNeverComeByTwoAdministrators(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	s.browser().enroll(ana)
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	b.postForm("/admin/accounts/reset", map[string][]string{"account": {s.id(ana), s.id(mika, "acme")}, "code": {phone.Code()}}).redirects("/admin")
	id := requestID.FindStringSubmatch(b.get("/admin").body)[1]
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme", "code", noras.Code()).redirects("/admin?tenant=acme")
	require.Equal(t, "required", b.get("/admin").states()[ana.Email])
}

// The list shows what waits in any of its organisations, and a form is about the
// one that its request is of.
func TestRequestsOfUnits(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	b.post("/admin/policy", "mode", "optional", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	to := "/admin/accounts/" + s.id(ben)
	b.post(to+"/exempt", "name", "files-04", "code", phone.Code()).redirects(to)
	b.post("/admin/accounts/"+s.id(ana)+"/forget", "code", phone.Code()).redirects("/admin")

	machine, deletion := "Make a machine account, “files-04”", "Delete the account"
	page := b.get("/admin").says(machine, deletion)
	require.Equal(t, map[string]string{"files-04": "acme-berlin", "Delete": "acme"}, page.organisationsOfRequests("files-04", "Delete"))
	b.get("/admin?tenant=acme-berlin").says(machine).lacks(deletion)
	b.get("/admin?tenant=acme").says(deletion).lacks(machine)

	// Both are shown with their organisation, and can be decided on from there.
	page = provider.get("/admin").says(machine, deletion, "Acme Backup Berlin. Asked for by admin@acme.example")
	id := requestID.FindStringSubmatch(page.body[strings.Index(page.body, "files-04"):])[1]
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme-berlin", "code", noras.WrongCode()).
		is(http.StatusForbidden).says(`id="approve/` + id + `-error"`)
	provider.post("/admin/requests/"+id+"/approve", "tenant", "acme-berlin", "code", noras.Code()).redirects("/admin?tenant=acme-berlin")
	require.Equal(t, "exempt", b.get("/admin").lacks(machine).states()[ben.Email])
}

// organisationsOfRequests are the organisations in the forms of requests, by a
// word that each request is known by.
func (a answer) organisationsOfRequests(words ...string) map[string]string {
	a.t.Helper()
	found := make(map[string]string)
	for _, section := range strings.Split(a.body, `<section `) {
		m := regexp.MustCompile(`name="tenant" value="([^"]+)"`).FindStringSubmatch(section)
		for _, word := range words {
			if strings.HasPrefix(section, `class="card request"`) && strings.Contains(section, word) {
				require.NotNil(a.t, m)
				found[word] = m[1]
			}
		}
	}
	return found
}

// Two accounts of one person are not two administrators.
func TestOnePersonIsNotTwoAdministrators(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`UPDATE users SET role = 'admin' WHERE id = ?`, s.id(mika, "north"))
	require.NoError(t, err)
	asker, first := s.administratorAt(mika, "Acme Backup GmbH")
	other, second := s.administratorAt(mika, "Northern IT")
	boss, bosses := s.administrator(admin)
	asker.post("/admin/policy", "mode", "required", "two_administrators", "yes", "code", first.Code()).redirects("/admin")
	id := asker.waits("acme", "/admin/policy", "mode", "off", "two_administrators", "yes", "code", first.Code())

	to := "/admin/requests/" + id
	other.get("/admin").says("Lower the policy to “off”", "somebody else approves it", to+"/withdraw").lacks(to + "/approve")
	code := second.Code()
	other.post(to+"/approve", "tenant", "acme", "code", code).is(http.StatusForbidden).says("ask another administrator")
	require.Equal(t, "required", boss.get("/admin").says(to+"/approve").text("mode"))
	other.post(to+"/withdraw", "tenant", "acme", "code", code).redirects("/admin?tenant=acme") // the refusal has not spent it

	id = asker.waits("acme", "/admin/policy", "mode", "off", "two_administrators", "yes", "code", first.Code())
	boss.post("/admin/requests/"+id+"/approve", "code", bosses.Code()).redirects("/admin")
	require.Equal(t, "off", boss.get("/admin").text("mode"))
}

// The administrator who asked may be gone: nobody else is taken for them.
func TestRequestOfSomebodyWhoIsGone(t *testing.T) {
	s := newSite(t)
	asker, phone := s.administratorAt(mika, "Acme Backup GmbH")
	boss, bosses := s.administrator(admin)
	asker.post("/admin/policy", "mode", "required", "two_administrators", "yes", "code", phone.Code()).redirects("/admin")
	id := asker.waits("acme", "/admin/policy", "mode", "off", "code", phone.Code())
	_, err := s.db.Exec(`DELETE FROM users WHERE id = ?`, s.id(mika, "acme"))
	require.NoError(t, err)
	boss.get("/admin").says("Asked for by somebody who is gone")
	boss.post("/admin/requests/"+id+"/approve", "code", bosses.Code()).is(http.StatusForbidden)
	require.Equal(t, "required", boss.get("/admin").text("mode"))
}

// administratorAt is administrator for one of a person's organisations.
func (s *site) administratorAt(who app.DemoAccount, organisation string) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	b := s.browser()
	require.Equal(s.t, http.StatusSeeOther, b.passwordAt(who, organisation).status)
	phone := b.phone(b.get("/2fa/setup"))
	b.post("/2fa/setup", "code", phone.Code()).is(http.StatusOK)
	s.clock.Advance(time.Second)
	return b, phone
}
