package web_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/web"
)

// The accounts of one person are offered together, and each is enrolled by its own
// password: the session of one account cannot bind an authenticator to another.
func TestOtherAccountsOfOnePerson(t *testing.T) {
	s := newSite(t, func(c *web.Config) {
		c.Accounts = func(_ context.Context, id totpflow.AccountID) ([]totpflow.User, error) {
			if id == ana.ID || id == ben.ID {
				return []totpflow.User{ana, ben}, nil
			}
			return nil, nil
		}
	})
	eve := totpflow.User{ID: totpflow.AccountID{User: "3"}, Name: "eve@acme.example"}
	s.host.Add(eve, password)
	p := s.signedIn()
	p.Get("/2fa/security")
	require.Equal(t, []string{"ben@acme.example Off Set up"}, p.Page.Texts("other"))
	key := p.Page.Fields("/2fa/security/other").Get("account")
	p.Page.Submit("/2fa/security/other")
	p.is(http.StatusOK, "/2fa/security/other", "Set up another account")
	require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
	p.Page.Submit("/2fa/security/other", "password", "wrong")
	p.is(http.StatusUnauthorized, "/2fa/security/other", "Set up another account")

	q := s.browser() // not hers
	q.password(eve)
	q.Get("/2fa/security")
	require.Empty(t, q.Page.Texts("other"))
	require.Equal(t, http.StatusNotFound, q.Post("/2fa/security/other", "account", key, "password", password).Status)

	thief := p.Copy()
	s.policy.set(policy.Policy{Mode: policy.Required, Grace: 24 * time.Hour})
	p.Page.Submit("/2fa/security/other", "password", password)
	p.is(http.StatusOK, "/2fa/setup", "Set up two-factor authentication")
	require.Equal(t, "Account: ben@acme.example", p.Page.Texts("account")[0])
	require.Equal(t, "/signin", thief.Get("/").Path, "the session of the first account has ended")
	require.NotContains(t, p.Page.Links(), "/2fa/setup", "the way out does not lead back here")
	require.Contains(t, p.Page.Links(), "/2fa/security")
	p.scan()
	p.Page.Submit("/2fa/setup", "code", p.phone.Code())
	require.Equal(t, "/2fa/security", p.Page.Fields("/2fa/security/saved").Get("next"))
	p.Page.Submit("/2fa/security/saved")
	p.Get("/2fa/security")
	require.Equal(t, []string{"ana@acme.example On"}, p.Page.Texts("other"))
}

// A record that cannot be read, or was lost, closes only the page of its own account. On the
// others the account is not shown, since nothing is known about it.
func TestOtherAccountThatCannotBeRead(t *testing.T) {
	lost := totpflow.User{ID: totpflow.AccountID{User: "3"}, Name: "ana@partner.example", Generation: 7}
	s := newSite(t, func(c *web.Config) {
		c.Accounts = func(context.Context, totpflow.AccountID) ([]totpflow.User, error) {
			return []totpflow.User{ana, ben, lost}, nil
		}
	})
	p := s.signedIn()
	p.Get("/2fa/security")
	require.Equal(t, []string{"ben@acme.example Off Set up"}, p.Page.Texts("other"))
	require.Contains(t, s.logged.String(), totpflow.ErrRecordLost.Error(), "for the operator")
	s.line.hide(ben.ID, errors.New("the shard is down"))
	p.Get("/2fa/security")
	p.is(http.StatusOK, "/2fa/security", "Security")
	require.Empty(t, p.Page.Texts("other"))
	require.Contains(t, s.logged.String(), "the shard is down", "for the operator")
	s.line.hide(ana.ID, errors.New("the shard is down"))
	require.Equal(t, http.StatusServiceUnavailable, p.Get("/2fa/security").Status, "the person's own")
}
