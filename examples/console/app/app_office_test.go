package app_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountsAreForAdministrators(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	for _, path := range []string{"/2fa-admin/people", "/2fa-admin/policy", "/2fa-admin/requests", s.member(ben)} {
		b.get(path).is(http.StatusNotFound).lacks(ben.Email)
		s.browser().get(path).redirects("/signin")
	}
	b.policy(phone, "acme", "mode", "off").is(http.StatusNotFound)
	b.change(phone, ben, "unlock").is(http.StatusNotFound)
	b.get("/").lacks("/2fa-admin")
}

// The navigation marks where the person is, also on the pages that web makes.
func TestNavigationMarksThePage(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	b, _ := s.administrator(admin)
	const accounts, security = `href="/2fa-admin/people" aria-current`, `href="/2fa/security" aria-current`
	b.get("/2fa-admin/people?q=ana").says(accounts).lacks(security)
	b.get("/2fa-admin/policy").says(accounts).lacks(security)
	b.get("/2fa/security").says(security).lacks(accounts)
	b.get("/").lacks(accounts).lacks(security)
	record, id := b.account(ana)
	b.post("/2fa-admin/person/reset", "tenant", record, "user", id, "scope", "all").says("Reset everything for", accounts).lacks(security)
	b.post("/2fa/security/disable").says("Turn off two-factor authentication", security).lacks(accounts)
}

// A former administrator cannot see any administrators' page.
func TestFormerAdministrator(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.get("/").says(`href="/2fa-admin/people"`)
	b.get("/2fa-admin/people").is(http.StatusOK)
	_, err := s.db.Exec(`UPDATE users SET role = 'user' WHERE id = ?`, s.id(admin))
	require.NoError(t, err)
	b.get("/2fa-admin/people").is(http.StatusNotFound)
	b.change(phone, ana, "reset", "scope", "all").is(http.StatusNotFound)
}

// Administrators see their own organisation and those below it, and no other.
func TestOnlyOwnOrganisations(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	b, phone := s.administrator(admin)
	page := b.get("/2fa-admin/people").is(http.StatusOK).says("Acme Backup Berlin", "Acme Backup GmbH, administrator")
	require.Len(t, page.states(), 5)
	require.Contains(t, page.states(), ben.Email)
	require.NotContains(t, page.states(), nora.Email)
	require.NotEqual(t, page.states()[ana.Email], page.states()[ben.Email])
	b.get("/2fa-admin/people?tenant=north").is(http.StatusBadRequest).lacks(nora.Email)
	b.get(s.member(nora)).is(http.StatusNotFound).lacks(nora.Email)
	b.change(phone, nora, "reset", "scope", "all").is(http.StatusNotFound)
	b.policy(phone, "north", "mode", "required").is(http.StatusNotFound)

	provider, _ := s.administrator(nora)
	require.Len(t, provider.get("/2fa-admin/people").states(), 6) // of seven accounts, two belong to one person
	require.Len(t, provider.get("/2fa-admin/people?tenant=acme").states(), 4)
	provider.get(s.member(ben)).is(http.StatusOK).says(ben.Email)
}

func TestSearchOfAccounts(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`UPDATE people SET name = 'Özlem Soler' WHERE email = ?`, ana.Email)
	require.NoError(t, err)
	b, _ := s.administrator(admin)
	for search, want := range map[string]string{"özlem": ana.Email, "SOLER": ana.Email, "BEN@": ben.Email} {
		found := b.get("/2fa-admin/people?q=" + search).states()
		require.Len(t, found, 1, search)
		require.Contains(t, found, want)
	}
	require.Empty(t, b.get("/2fa-admin/people?q=nora").states())
}

// The list has pages, and everyone is on one of them.
func TestPagesOfTheList(t *testing.T) {
	s := newSite(t)
	for i := range 30 {
		id := "many-" + string(rune('a'+i))
		_, err := s.db.Exec(`INSERT INTO people (id, email, name, password) VALUES (?, ?, 'One Name', '')`, id, id+"@acme.example")
		require.NoError(t, err)
		_, err = s.db.Exec(`INSERT INTO users (id, person, tenant, role) VALUES (?, ?, 'acme', 'user')`, id, id)
		require.NoError(t, err)
	}
	b, _ := s.administrator(admin)
	all := map[string]string{}
	for _, from := range []string{"0", "10", "20", "30"} {
		for email, state := range b.get("/2fa-admin/people?from=" + from).states() {
			all[email] = state
		}
	}
	require.Len(t, all, 35)
	b.get("/2fa-admin/people?from=-7").is(http.StatusOK)
}

// The provider's own people need a second factor, whatever a policy says.
func TestProviderCannotSwitchItOff(t *testing.T) {
	s := newSite(t)
	s.browser().password(nora).redirects("/2fa/setup")
	b, phone := s.administrator(nora)
	require.Equal(t, http.StatusBadRequest, b.policy(phone, "north", "mode", "off").status)
	s.browser().passwordAt(mika, "Northern IT").redirects("/2fa/setup")
	b.setPolicy(phone, "north", "mode", "required")
	b.setPolicy(phone, "acme-berlin", "mode", "off") // customers and units may choose
}

// A policy may apply to one role only.
func TestPolicyOfRoles(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.setPolicy(phone, "acme", "mode", "optional", "role-0", "required")
	s.browser().passwordAt(mika, "Acme Backup GmbH").redirects("/2fa/setup")
	s.browser().password(ana).redirects("/")
}

// Two accounts of one person are not two administrators, and neither manages the other.
func TestOnePersonIsNotTwoAdministrators(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`UPDATE users SET role = 'admin' WHERE id = ?`, s.id(mika, "north"))
	require.NoError(t, err)
	asker, first := s.administratorAt(mika, "Acme Backup GmbH")
	other, second := s.administratorAt(mika, "Northern IT")
	boss, bosses := s.administrator(admin)
	asker.setPolicy(first, "acme", "mode", "required", "two", "yes")
	asker.policy(first, "acme", "mode", "off", "two", "yes").redirects("/2fa-admin/requests")

	const badge = `aria-label="1 request is waiting for you">1</a>`
	boss.get("/").says(badge)
	boss.get("/2fa/security").says(badge)
	asker.get("/").lacks(badge)
	other.get("/").lacks(badge)
	to := asker.request()
	other.post(to+"approve", "tenant", "acme", "totpflow_code", second.Code()).is(http.StatusForbidden)
	other.change(second, mika, "reset", "scope", "all").is(http.StatusForbidden) // of the account in acme
	boss.get("/2fa-admin/policy").says(`<option value="required" selected>`)
	boss.post(to+"approve", "tenant", "acme", "totpflow_code", bosses.Code()).redirects("/2fa-admin/requests")
	boss.get("/2fa-admin/policy").says(`<option value="off" selected>`)
	boss.get("/").lacks(badge)
}

// A deletion, by one administrator or by two, removes the whole account: what the second
// factor has stored about it, and the account itself. Another account of the person
// stays.
func TestDeletion(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	b.change(phone, ben, "forget").redirects("/2fa-admin/people")
	s.browser().password(ben).is(http.StatusUnauthorized)

	b.setPolicy(phone, "acme", "mode", "optional", "two", "yes")
	b.change(phone, ana, "forget").redirects("/2fa-admin/requests")
	require.Contains(t, b.get("/2fa-admin/people").states(), ana.Email)
	to := provider.request()
	provider.post(to+"approve", "tenant", "acme", "totpflow_code", noras.WrongCode()).is(http.StatusForbidden)
	require.Contains(t, b.get("/2fa-admin/people").states(), ana.Email, "a refused approval deletes nobody")
	provider.post(to+"approve", "tenant", "acme", "totpflow_code", noras.Code()).redirects("/2fa-admin/requests")
	require.NotContains(t, b.get("/2fa-admin/people").states(), ana.Email)
	s.browser().password(ana).is(http.StatusUnauthorized)
	var left int
	require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM people WHERE email = ?`, ana.Email).Scan(&left))
	require.Zero(t, left)

	b.change(phone, mika, "forget").redirects("/2fa-admin/requests") // an account that has never signed in
	provider.post(provider.request()+"approve", "tenant", "acme", "totpflow_code", noras.Code()).redirects("/2fa-admin/requests")
	require.NotContains(t, b.get("/2fa-admin/people").states(), mika.Email)
	s.browser().password(mika).redirects("/2fa/setup") // of the provider, without a choice
}
