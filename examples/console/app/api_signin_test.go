package app_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A person with accounts in several organisations names one of them. Before the password
// is right, nobody learns that there are several.
func TestAPIOrganisation(t *testing.T) {
	p := newSite(t).program()
	which := p.password(mika).fails(http.StatusForbidden, "organisation_required")
	require.Equal(t, []any{
		map[string]any{"id": "acme", "name": "Acme Backup GmbH"},
		map[string]any{"id": "north", "name": "Northern IT"},
	}, which.fields["organisations"])
	require.NotContains(t, which.fields, "session")
	signIn := func(organisation, password string) result {
		return p.post("/api/signin", fields{"email": mika.Email, "password": password, "organisation": organisation})
	}
	signIn("acme", "nope").fails(http.StatusUnauthorized, "wrong_password")
	signIn("acme-berlin", mika.Password).fails(http.StatusForbidden, "organisation_required")
	signIn("north", mika.Password).fails(http.StatusForbidden, "setup_required") // the provider requires a second factor
	p.keeps(signIn("acme", mika.Password))
	require.Equal(t, "Acme Backup GmbH", p.call(http.MethodGet, "/api/profile", nil).get("organisation"))
	p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password, "organisation": "north"}).fails(http.StatusForbidden, "organisation_required")
	p.keeps(p.post("/api/signin", fields{"email": ana.Email, "password": ana.Password, "organisation": "acme"}))
}

// Nobody can sign in to a machine account, or to an account that is closed.
func TestAPIAccountsThatNobodySignsInTo(t *testing.T) {
	s := newSite(t)
	p := s.program()
	p.password(agent).fails(http.StatusForbidden, "machine_account")

	p, phone := s.user(ana)
	challenge := p.challenge(ana)
	page := s.browser().get(link(t, s.last(ana, "app set up")))
	s.browser().post("/2fa/not-me", "event", page.event()).is(http.StatusOK)
	p.password(ana).fails(http.StatusForbidden, "account_closed")
	p.post("/2fa/api/code", fields{"challenge": challenge, "code": phone.Code()}).fails(http.StatusUnauthorized, "challenge_over")
	p.call(http.MethodGet, "/api/backups", nil).fails(http.StatusUnauthorized, "signed_out")
}
