package app_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// administrator signs in and sets up.
func (s *site) administrator(who app.DemoAccount) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	b := s.browser()
	phone, _ := b.enroll(who)
	return b, phone
}

// id is the account of a person in a tenant.
func (s *site) id(who app.DemoAccount, tenant ...string) (id string) {
	s.t.Helper()
	of := append(tenant, "%")[0]
	require.NoError(s.t, s.db.QueryRow(`SELECT users.id FROM users JOIN people ON people.id = person
		WHERE email = ? AND tenant LIKE ?`, who.Email, of).Scan(&id))
	return id
}

// states are the accounts of the list, by their addresses.
func (a answer) states() map[string]string {
	a.t.Helper()
	states := make(map[string]string)
	for _, m := range regexp.MustCompile(`class="account" data-email="([^"]+)" data-state="([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
		states[m[1]] = m[2]
	}
	return states
}

func TestAccountsAreForAdministrators(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	phone, _ := b.enroll(ana)
	id := s.id(ben)
	for _, path := range []string{"/admin", "/admin/accounts.csv", "/admin/accounts/" + id} {
		b.get(path).is(http.StatusNotFound).lacks(ben.Email)
		s.browser().get(path).redirects("/signin")
	}
	for _, path := range []string{"/admin/policy", "/admin/accounts/reset", "/admin/accounts/" + id + "/reset", "/admin/requests/x/approve"} {
		b.post(path, "mode", "off", "code", phone.Code()).is(http.StatusNotFound)
		s.browser().post(path).out()
	}
	b.get("/").lacks(`href="/admin"`)
}

func TestListOfAccounts(t *testing.T) {
	s := newSite(t)
	s.browser().enroll(ana)
	b, _ := s.administrator(admin)
	b.get("/").says(`href="/admin"`)
	page := b.get("/admin").is(http.StatusOK).says("Ana Soler", "Acme Backup Berlin", `id="accounts"`, `aria-current="page">Accounts`)
	require.Equal(t, map[string]string{
		admin.Email: "enabled", ana.Email: "enabled", ben.Email: "disabled", mika.Email: "disabled", agent.Email: "exempt",
	}, page.states())
	require.Equal(t, "2 of 4 have set it up", page.text("counts"))

	enabled := b.get("/admin?state=enabled")
	require.Equal(t, map[string]string{admin.Email: "enabled", ana.Email: "enabled"}, enabled.states())
	require.Equal(t, "2 of 4 have set it up", enabled.text("counts"))
	require.Equal(t, map[string]string{ben.Email: "disabled"}, b.get("/admin?tenant=acme-berlin").states())
	b.get("/admin?state=frozen").is(http.StatusOK).says("There is no account in this state.")
	b.get("/admin?state=nonsense&page=-7").is(http.StatusOK).says("There is no account in this state.")
}

// Administrators see their own organisation and those below it, and no other.
func TestOnlyOwnOrganisations(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	require.NotContains(t, b.get("/admin").states(), nora.Email)
	b.get("/admin?tenant=north").is(http.StatusNotFound)
	b.get("/admin/accounts.csv?tenant=north").is(http.StatusNotFound)
	b.get("/admin/accounts/" + s.id(nora)).is(http.StatusForbidden).lacks(nora.Email)
	b.get("/admin/accounts/nobody").is(http.StatusNotFound)
	b.post("/admin/policy", "tenant", "north", "mode", "off", "code", phone.Code()).is(http.StatusNotFound)

	provider, _ := s.administrator(nora)
	require.Len(t, provider.get("/admin").states(), 6)
	require.Len(t, provider.get("/admin?tenant=acme").states(), 4)
	provider.get("/admin/accounts/" + s.id(ben)).is(http.StatusOK).says(ben.Email)
}

func TestPagesOfTheList(t *testing.T) {
	s := newSite(t)
	for i := range 60 {
		id := fmt.Sprintf("many-%02d", i)
		_, err := s.db.Exec(`INSERT INTO people (id, email, name, password) VALUES (?, ?, ?, '')`, id, id+"@acme.example", fmt.Sprintf("Person %02d", i))
		require.NoError(t, err)
		_, err = s.db.Exec(`INSERT INTO users (id, person, tenant, role) VALUES (?, ?, 'acme', 'user')`, id, id)
		require.NoError(t, err)
	}
	b, _ := s.administrator(admin)
	all := make(map[string]string)
	for page, rows := range map[string]int{"1": 25, "2": 25, "3": 15} {
		got := b.get("/admin?page=" + page).says("Page " + page + " of 3").states()
		require.Len(t, got, rows)
		for email, state := range got {
			all[email] = state
		}
	}
	require.Len(t, all, 65)
	require.Equal(t, "1 of 64 has set it up", b.get("/admin?page=2").text("counts"))
	b.get("/admin?page=2&state=disabled").says(`href="/admin?page=3&state=disabled"`, `href="/admin?state=disabled"`)
	b.get("/admin?page=99").says("Page 3 of 3")
}

func TestAccountsAsCSV(t *testing.T) {
	s := newSite(t)
	_, err := s.db.Exec(`UPDATE people SET email = '=cmd()@acme.example' WHERE email = ?`, ben.Email)
	require.NoError(t, err)
	b, _ := s.administrator(admin)
	a := b.get("/admin/accounts.csv").is(http.StatusOK)
	require.Contains(t, a.header.Get("Content-Type"), "text/csv")
	require.Contains(t, a.header.Get("Content-Disposition"), "accounts.csv")
	lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 6)
	require.Equal(t, []string{"tenant", "user", "name", "state"}, lines[0][:4])
	require.Contains(t, a.body, "admin@acme.example,enabled")
	require.Contains(t, a.body, "'=cmd()@acme.example")
	lines, err = csv.NewReader(strings.NewReader(b.get("/admin/accounts.csv?state=exempt").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 2)
}

// Looking is free; every step takes the administrator's own code.
func TestAdministratorsSetUpFirst(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.password(admin).redirects("/")
	b.get("/admin").is(http.StatusOK).says("set up your own two-factor authentication").lacks(`name="mode"`)
	b.get("/admin/accounts/" + s.id(ana)).is(http.StatusOK).says("set up your own two-factor authentication").lacks(`name="scope"`)
	b.post("/admin/policy", "mode", "required", "code", "123456").is(http.StatusForbidden).says("Set up your own two-factor authentication first")
	b.post("/admin/accounts/"+s.id(ana)+"/reset", "code", "123456").is(http.StatusForbidden).says("Set up your own two-factor authentication first")
	s.browser().password(ana).redirects("/")
}

func TestStepsTakeTheAdministratorsCode(t *testing.T) {
	s := newSite(t)
	anas, _ := s.browser().enroll(ana)
	b, phone := s.administrator(admin)
	to := "/admin/accounts/" + s.id(ana)
	b.post(to+"/reset").is(http.StatusForbidden).says("A code has 6 digits", `id="reset-error"`)
	b.post(to+"/reset", "code", phone.WrongCode()).is(http.StatusForbidden).says("This code is not right")
	b.post(to+"/reset", "code", anas.Code()).is(http.StatusForbidden).says("This code is not right")
	b.post("/admin/policy", "mode", "required", "code", phone.WrongCode()).is(http.StatusForbidden).says(`id="policy-error"`)
	require.Equal(t, "enabled", b.get("/admin").states()[ana.Email])
	code := phone.Code()
	b.post(to+"/reset", "code", code).redirects(to)
	b.post(to+"/unlock", "code", code).is(http.StatusForbidden).says("used already") // one code, one step
	s.clock.Advance(time.Second)
	b.post("/admin/policy", "code", phone.Peek(), "mode", "nonsense").is(http.StatusBadRequest)
}

// Administrators cannot administer themselves, in any organisation, nor others' customers.
func TestSelfAndForeignAreRefused(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	code := phone.Code()
	for _, word := range []string{"reset", "unlock", "grace", "exempt", "issue-code", "forget"} {
		b.post("/admin/accounts/"+s.id(admin)+"/"+word, "code", code, "name", "x", "until", "2026-03-10").
			is(http.StatusForbidden).says("on the security page, or ask another administrator") // and has not spent the code
		b.post("/admin/accounts/"+s.id(nora)+"/"+word, "code", code, "name", "x", "until", "2026-03-10").
			is(http.StatusForbidden).lacks(nora.Email)
	}
	b.post("/admin/accounts/nobody/reset", "code", code).is(http.StatusNotFound)
	b.post("/admin/accounts/"+s.id(ana)+"/nonsense", "code", code).is(http.StatusNotFound)
	b.get("/admin/accounts/" + s.id(admin)).says("This is your own account").lacks(`name="scope"`)

	// Mika's account with the provider is Mika's, too.
	_, err := s.db.Exec(`UPDATE users SET role = 'admin' WHERE id = ?`, s.id(mika, "north"))
	require.NoError(t, err)
	m := s.browser()
	m.passwordAt(mika, "Northern IT").redirects("/")
	mikas := m.phone(m.get("/2fa/setup"))
	m.post("/2fa/setup", "code", mikas.Code()).is(http.StatusOK)
	m.post("/admin/accounts/"+s.id(mika, "acme")+"/reset", "code", mikas.Code()).is(http.StatusForbidden).says("This is your own account")
}

// A person who loses the role of an administrator has lost it at the next request.
func TestRoleIsReadEachTime(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	b.get("/admin").is(http.StatusOK)
	_, err := s.db.Exec(`UPDATE users SET role = 'user' WHERE id = ?`, s.id(admin))
	require.NoError(t, err)
	b.get("/admin").is(http.StatusNotFound)
	b.post("/admin/accounts/"+s.id(ana)+"/unlock", "code", phone.Code()).is(http.StatusNotFound)
}

// imports takes over a secret that a person had with another system, as the operator's
// command does.
func (s *site) imports(who app.DemoAccount, secret string) *totptest.Authenticator {
	s.t.Helper()
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(s.t, err)
	service, err := totpflow.New(totpflow.Config{Issuer: app.Issuer, Store: sqlstore.New(s.db, sqlstore.SQLite), Keys: s.keys, Now: s.clock.Now})
	require.NoError(s.t, err)
	outcomes, err := totpadmin.New(service, nil).Import(s.t.Context(), totpadmin.Operator{Name: "root", Reason: "the move"}, []totpadmin.Imported{{
		ID: store.AccountID{Tenant: "acme", User: s.id(who)}, Key: key, WeakUntil: s.clock.Now().Add(30 * 24 * time.Hour),
	}})
	require.NoError(s.t, err)
	require.NoError(s.t, outcomes[0].Err)
	phone, err := totptest.TypeSecret(secret, s.clock)
	require.NoError(s.t, err)
	return phone
}

// The code of a weak secret leads to a new authenticator, on the pages and in the API,
// and opens nothing else. Administrators see who is left.
func TestWeakSecret(t *testing.T) {
	s := newSite(t)
	old := s.imports(ana, "KRSXG5CTMVRXEZLU")
	boss, _ := s.administrator(admin)
	boss.get("/admin").is(http.StatusOK).says("1 with a weak secret", "weak secret, until")

	p := s.program()
	challenge := p.challenge(ana)
	p.post("/2fa/api/code", fields{"challenge": challenge, "code": old.Code()}).fails(http.StatusForbidden, "setup_required")
	b := s.browser()
	b.password(ana).redirects("/2fa/code")
	b.get("/2fa/setup").redirects("/2fa/code") // the password alone
	b.post("/2fa/code", "code", old.Code(), "trust", "yes").redirects("/2fa/setup")
	require.Nil(t, b.cookie("session"))
	require.Nil(t, b.cookie("trust"))
	b.get("/").redirects("/signin")
	fresh := b.phone(b.get("/2fa/setup"))
	b.post("/2fa/setup", "code", fresh.Code()).is(http.StatusOK)
	boss.get("/admin").is(http.StatusOK).lacks("weak secret")
	s.browser().signIn(ana, fresh)
}
