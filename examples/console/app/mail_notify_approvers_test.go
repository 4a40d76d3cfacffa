package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"
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
