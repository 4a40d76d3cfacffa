package app_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

// Every administrator who could approve a request gets a mail about it. The mail has each
// field that the request changes, before and after, and a link to the page. The
// administrator who made the request gets no mail.
func TestMailsToApprovers(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, _ := s.administrator(nora)
	b.setPolicy(phone, "acme", "mode", "required", "two", "yes")
	b.policy(phone, "acme", "mode", "optional", "two", "no", "phones", "yes").redirects("/2fa-admin/requests")
	mail := s.last(nora, "is waiting for a second administrator")
	link := "/2fa-admin/requests?tenant=acme"
	for _, words := range []string{"Alex Winter has asked for this in Acme Backup GmbH", "Another policy for Acme Backup GmbH", "Two-factor authentication: Required → Optional", "A second administrator approves: Yes → No", mailURL + link} {
		require.Contains(t, mail.Text, words)
	}
	provider.get(link).says("Acme Backup GmbH", admin.Name, "/approve")
	s.last(mika, "is waiting for a second administrator") // an administrator of acme, who also has an account at the provider
	for _, m := range s.mails.to(admin) {
		require.NotContains(t, m.Subject, "second administrator")
	}
	b.change(phone, ana, "forget").redirects("/2fa-admin/requests")
	require.Contains(t, s.last(nora, "is waiting for a second administrator").Text, "      "+ana.Name+", "+ana.Email)

	// Nobody approves a change of their own account.
	before := len(s.mails.to(mika))
	b.change(phone, mika, "forget").redirects("/2fa-admin/requests")
	require.Contains(t, s.last(nora, "is waiting for a second administrator").Text, mika.Email)
	require.Len(t, s.mails.to(mika), before)
}

// The administrator who made a request gets a mail about the answer, and nobody else does.
func TestMailAboutTheAnswer(t *testing.T) {
	s := newSite(t)
	b, phone := s.administrator(admin)
	provider, noras := s.administrator(nora)
	b.setPolicy(phone, "acme", "mode", "required", "two", "yes")
	answer := func(how string) {
		b.policy(phone, "acme", "mode", "optional", "two", "yes").redirects("/2fa-admin/requests")
		path := regexp.MustCompile(`/2fa-admin/requests/[A-Z0-9]+/` + how).FindString(provider.get("/2fa-admin/requests").body)
		require.NotEmpty(t, path)
		provider.post(path, "tenant", "acme", "totpflow_code", noras.Code()).redirects("/2fa-admin/requests")
	}
	answer("withdraw")
	m := s.last(admin, "Your request was refused")
	require.Contains(t, m.Text, "Nora Lind has refused what you requested in Acme Backup GmbH. Nothing has\nchanged:\n\n    Another policy\n")
	require.Contains(t, m.Text, mailURL+"/2fa-admin/policy?tenant=acme\n")
	answer("approve")
	require.Contains(t, s.last(admin, "Your request was approved").Text, "Nora Lind has approved what you requested")
	for _, u := range []app.DemoAccount{nora, mika} {
		for _, m := range s.mails.to(u) {
			require.NotContains(t, m.Subject, "Your request")
		}
	}
}
