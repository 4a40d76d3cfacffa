package adminweb_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web/adminweb"
	"github.com/totpflow/totpflow/web/letters"
)

// A change that needs a second administrator is announced to the other one by a badge,
// and shows every field before and after, and who asked; the history then names who
// approved.
func TestSecondAdministrator(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "optional", "role-1", "off", "browsers", "90")
	require.Equal(t, "Some of it requires less than before. A second administrator has to approve this.", b.Page.Text("doing"))
	b.confirm()
	require.Equal(t, "/2fa-admin/requests", b.Page.Path)
	require.Contains(t, b.Page.Text("main"), "Nothing has changed yet.")
	require.Contains(t, b.Page.Text("main"), "Somebody else has to approve it.")
	require.Empty(t, b.Page.Text("waiting"), "not for the one who asks")
	require.Equal(t, policy.Required, s.policyOf("acme").Mode)

	d := s.as(deputy)
	d.Get("/2fa-admin/people")
	require.Equal(t, "1", d.Page.Text("waiting"))
	n, err := s.office.Waiting(context.Background(), totpflow.User{ID: deputy.ID})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	d.Get(s.office.RequestsPath("acme")) // as in a mail
	require.Contains(t, d.Page.Text("main"), "Requested by Bo Singh")
	require.ElementsMatch(t, []string{"Two-factor authentication Required Optional", "User Required Not offered", "Days that a browser is trusted 30 days 90 days"}, d.Page.Texts("changed"))
	require.Contains(t, d.Page.Text("table"), "A second administrator approves Yes Yes", "those that stay, too")
	to := action(t, d, "/2fa-admin/requests/*approve")
	d.Page.Submit(to)
	require.Contains(t, d.Page.Text("asked"), "Requested by Bo Singh")
	d.confirm()
	require.Equal(t, policy.Optional, s.policyOf("acme").Mode)
	require.Empty(t, d.Page.Text("waiting"))
	d.Get("/2fa-admin/policy")
	require.Contains(t, d.Page.Texts("log")[0], "requested by Bo Singh, approved by Dee Puty")

	d.Post(to, "tenant", "acme")
	require.Contains(t, d.Page.Text("error"), "no longer pending")
}

// Where a policy becomes milder without effect, because the provider requires more, the
// administrator who asks and the one who approves read the same: what applies stays as it is,
// and what changes as soon as the provider requires less.
func TestRequestWithoutEffect(t *testing.T) {
	s := newSite(t)
	s.setPolicy("provider", policy.Policy{Mode: policy.Required})
	s.setPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
	b := s.as(boss)
	b.Get("/2fa-admin/policy")
	b.Page.Submit("/2fa-admin/policy/set", "mode", "optional")
	const without = "The organisations above or the operator require more than this policy. The table shows what applies. " +
		"Without effect for now: Two-factor authentication: Required → Optional"
	require.Equal(t, without+" A second administrator has to approve this.", b.Page.Text("doing"))
	require.Empty(t, b.Page.Texts("changed"))
	b.confirm()

	d := s.as(deputy)
	d.Get("/2fa-admin/requests")
	require.Empty(t, d.Page.Texts("changed"))
	require.Contains(t, d.Page.Text("table"), "Two-factor authentication Required Required")
	require.Contains(t, d.Page.Text("main"), without)
	d.Page.Submit(action(t, d, "/2fa-admin/requests/*approve"))
	require.Equal(t, without, d.Page.Text("doing"))
	require.Empty(t, d.Page.Texts("changed"))
	st, err := s.admin.Tenant(t.Context(), ops, "acme")
	require.NoError(t, err)
	l, err := s.office.RequestLetter(t.Context(), "https://backup.example", letters.Person{Account: "dee"}, adminweb.PendingRequest{Request: st.Pending[0], Tenant: acme})
	require.NoError(t, err)
	require.Contains(t, l.Text, "\n      Without effect for now: Two-factor authentication: Required → Optional\n")
	d.confirm()
	require.Equal(t, policy.Optional, s.policyOf("acme").Mode)
}

// An administrator who is among the people of a request has no button to approve it, and no
// badge for it: nobody approves a change of their own account.
func TestRequestAboutTheApprover(t *testing.T) {
	s := newSite(t)
	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "scope", "all", "do", "reset")
	b.confirm()
	d := s.as(deputy)
	d.Get("/2fa-admin/requests")
	require.Empty(t, d.Page.Text("waiting"))
	require.Contains(t, d.Page.Text("main"), "Somebody else has to approve this.")
	r := s.as(root)
	r.Get("/2fa-admin/requests")
	require.Equal(t, "1", r.Page.Text("waiting"))
}

// The administrator who asked cannot approve, whatever form is sent, and no code is used
// for it.
func TestOwnRequest(t *testing.T) {
	s := newSite(t)
	s.askTwo()
	d := s.as(deputy)
	d.Get("/2fa-admin/requests")
	to := action(t, d, "/2fa-admin/requests/*withdraw")
	code := d.phone.Code()
	d.Post(to[:len(to)-len("withdraw")]+"approve", "tenant", "acme", "totpflow_code", code)
	require.Contains(t, d.Page.Text("error"), "cannot do this to your own account")
	require.Empty(t, s.member(mika).Machine)
	d.Post(to, "tenant", "acme", "totpflow_code", code)
	require.Contains(t, d.Page.Text("main"), "The request is withdrawn.", "by the code that was not used")
}

// Two accounts of one person are not two administrators: the request of the one is not
// counted for the other, which has no button for it and uses no code.
func TestRequestOfTheSamePerson(t *testing.T) {
	s := newSite(t)
	s.askTwo() // by Dee
	b := s.as(boss)
	b.Get("/2fa-admin/people")
	require.Equal(t, "1", b.Page.Text("waiting"), "as far as the rule knows")
	s.same(boss.ID, deputy.ID)
	b.Get("/2fa-admin/requests")
	require.Empty(t, b.Page.Text("waiting"))
	n, err := s.office.Waiting(context.Background(), totpflow.User{ID: boss.ID})
	require.NoError(t, err)
	require.Zero(t, n)
	require.Contains(t, b.Page.Text("main"), "Somebody else has to approve this.")
	to := action(t, b, "/2fa-admin/requests/*withdraw")
	code := b.phone.Code()
	b.Post(to[:len(to)-len("withdraw")]+"approve", "tenant", "acme", "totpflow_code", code)
	require.Contains(t, b.Page.Text("error"), "You may not do this.")
	b.Post(to, "tenant", "acme", "totpflow_code", code)
	require.Contains(t, b.Page.Text("main"), "The request is refused.", "by the code that was not used")
}

// The pages that confirm a number show it whole, but mask it in their titles, which browsers
// keep in their history.
func TestTitleMasksTheNumber(t *testing.T) {
	s := newSite(t, withPhones)
	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, Methods: policy.App | policy.Phone, AssignedPhones: true})
	d := s.as(deputy)
	d.open(mika)
	d.Page.Submit("/2fa-admin/person/phone", "number", "+436601234567")
	require.Equal(t, "Choose +436601234567 for Mika Berg", d.Page.Text("h1"))
	require.Contains(t, d.Page.Text("title"), "Choose +43")
	require.NotContains(t, d.Page.Text("title"), "1234567")
	q := admin.Request{Action: admin.ActionAssignPhone, Name: "+436601234567"}
	require.Contains(t, s.office.MaskedTitle(q), "Approve: Choose +43 ••• ••67 for Mika Berg")
	require.NotContains(t, s.office.MaskedTitle(q), "1234567")
	q.Name = ""
	require.Empty(t, s.office.MaskedTitle(q), "the phones are removed")
}

// The last page before an approval says of which tenant the people are, since names are not
// unique, and what ends: the same as the page of the administrator who asked.
func TestApprovalNamesTheTenant(t *testing.T) {
	s := newSite(t)
	s.hire(nora)
	s.askTwo()
	b := s.as(boss)
	b.Get("/2fa-admin/requests")
	require.Contains(t, b.Page.Text("main"), "Mika Berg, mika@acme.example Ends for good: “Phone of mika”. No person can sign in", "the list says it too")
	b.Page.Submit(action(t, b, "/2fa-admin/requests/*approve"))
	require.Equal(t, "Mika Berg, mika@acme.example Acme Ends for good: “Phone of mika”. No person can sign in with this account any more.", b.Page.Text("doing"))

	d := s.as(deputy)
	d.open(mika)
	d.Page.Submit("/2fa-admin/person/forget")
	require.Equal(t, "mika@acme.example, Acme Ends for good: “Phone of mika”. The account cannot be brought back. A second administrator has to approve this.", d.Page.Text("doing"))
	d.confirm()
	d.Get("/2fa-admin/people")
	d.Post("/2fa-admin/people/change", "person", key(mika), "person", key(nora), "scope", "all", "do", "reset")
	d.confirm()
	b.Get("/2fa-admin/requests")
	var said []string
	for _, to := range b.Page.Actions() {
		if matches(to, "/2fa-admin/requests/*approve") {
			b.Get("/2fa-admin/requests")
			b.Page.Submit(to)
			said = append(said, b.Page.Text("doing"))
		}
	}
	require.Contains(t, said, "Mika Berg, mika@acme.example Acme Ends for good: “Phone of mika”. The account cannot be brought back.")
	require.Contains(t, said, "“Mika Berg” and “Nora Nord” Acme These people have to set up again. All their sessions and trusted browsers end.")
}
