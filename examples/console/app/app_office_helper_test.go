package app_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/totptest"
)

// administrator signs an administrator in and sets up a second factor.
func (s *site) administrator(who app.DemoAccount) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	b := s.browser()
	phone, _ := b.enroll(who)
	return b, phone
}

// administratorAt does the same at one of a person's organisations.
func (s *site) administratorAt(who app.DemoAccount, organisation string) (*browser, *totptest.Authenticator) {
	s.t.Helper()
	b := s.browser()
	require.Equal(s.t, http.StatusSeeOther, b.passwordAt(who, organisation).status)
	phone := b.phone(b.get("/2fa/setup"))
	b.post("/2fa/setup", "code", phone.Code()).is(http.StatusOK)
	b.clock.Advance(1e9)
	return b, phone
}

// id returns the account of a person in a tenant.
func (s *site) id(who app.DemoAccount, tenant ...string) string {
	s.t.Helper()
	_, id := s.account(who, tenant...)
	return id
}

// account returns where the second factor keeps a person's account.
func (s *site) account(who app.DemoAccount, tenant ...string) (record, id string) {
	s.t.Helper()
	of := append(tenant, "%")[0]
	require.NoError(s.t, s.db.QueryRow(`SELECT tenants.id, users.id FROM users JOIN people ON people.id = person JOIN tenants ON tenants.id = tenant
		WHERE email = ? AND tenant LIKE ? ORDER BY tenant`, who.Email, of).Scan(&record, &id))
	return record, id
}

// member returns the address of a person's page.
func (s *site) member(who app.DemoAccount, tenant ...string) string {
	s.t.Helper()
	record, id := s.account(who, tenant...)
	return "/2fa-admin/person?" + url.Values{"tenant": {record}, "user": {id}}.Encode()
}

// change sends a form of a person's page with a code, as the page that asks for the code
// does.
func (b *browser) change(phone *totptest.Authenticator, who app.DemoAccount, word string, more ...string) answer {
	b.t.Helper()
	record, id := b.account(who)
	return b.post("/2fa-admin/person/"+word, append([]string{"tenant", record, "user", id, "totpflow_code", phone.Code()}, more...)...)
}

// policy sends the form of the policy with a code. Fields that are not named have the
// values of a tenant that has set nothing.
func (b *browser) policy(phone *totptest.Authenticator, tenant string, more ...string) answer {
	b.t.Helper()
	fields := []string{
		"tenant", tenant, "mode", "optional", "grace", "0", "browsers", "30", "codes", "yes", "phones", "no", "totpflow_code", phone.Code(),
	}
	return b.post("/2fa-admin/policy/set", append(fields, more...)...)
}

// setPolicy sets a tenant's policy, as an administrator.
func (b *browser) setPolicy(phone *totptest.Authenticator, tenant string, more ...string) {
	b.t.Helper()
	b.policy(phone, tenant, more...).redirects("/2fa-admin/policy?tenant=" + tenant)
}

var row = regexp.MustCompile(`<small>([^<]+@[^<]+)</small>.*?<td role="cell" class="state">([^<]+)</td>`)

// states returns the states of the people in the list, by address.
func (a answer) states() map[string]string {
	a.t.Helper()
	states := make(map[string]string)
	for _, m := range row.FindAllStringSubmatch(a.body, -1) {
		states[html.UnescapeString(m[1])] = m[2]
	}
	return states
}

var requestForm = regexp.MustCompile(`action="(/2fa-admin/requests/[^/]+/)(?:approve|withdraw)"`)

// request returns where the forms of the newest request are posted.
func (b *browser) request() string {
	b.t.Helper()
	found := requestForm.FindAllStringSubmatch(b.get("/2fa-admin/requests").body, -1)
	require.NotEmpty(b.t, found)
	return found[len(found)-1][1]
}

// field returns the value of a hidden field.
func (a answer) field(name string) string {
	a.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	require.NotNil(a.t, m, a.body)
	return html.UnescapeString(m[1])
}
