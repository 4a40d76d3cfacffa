package adminweb_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/web/adminweb"
)

// action returns the address of the page's form; a star matches any part of it.
func action(t *testing.T, b *person, pattern string) string {
	t.Helper()
	for _, to := range b.Page.Actions() {
		if matches(to, pattern) {
			return to
		}
	}
	require.Failf(t, "no form", "%s has none to %s but %q", b.Page.Path, pattern, b.Page.Actions())
	return ""
}

func matches(to, pattern string) bool {
	start, end, star := strings.Cut(pattern, "*")
	return to == pattern || star && strings.HasPrefix(to, start) && strings.HasSuffix(to, end)
}

// last returns the last event of an account.
func (s *site) last(p adminweb.Person) event.Kind {
	s.t.Helper()
	if all := s.member(p).Activity; len(all) > 0 {
		return all[0].Kind
	}
	return ""
}

// replace replaces the authenticator of a person by another one.
func (s *site) replace(p adminweb.Person) {
	s.t.Helper()
	ctx, u := context.Background(), totpflow.User{ID: p.ID, Name: p.Address}
	proof, err := s.service.Account(u).VerifyCode(ctx, totpflow.ActionReplaceAuthenticator.On(""), s.phones[p.ID].Code())
	require.NoError(s.t, err)
	page, err := s.service.BeginEnrollment(ctx, proof)
	require.NoError(s.t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), s.clock)
	require.NoError(s.t, err)
	_, err = s.service.ConfirmEnrollment(ctx, page.Token, phone.Code(), "New phone of mika")
	require.NoError(s.t, err)
	s.phones[p.ID] = phone
}

// askTwo has Dee ask to make Mika a machine, if two administrators are required.
func (s *site) askTwo() {
	s.t.Helper()
	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	ctx := context.Background()
	proof, err := s.service.Account(totpflow.User{ID: deputy.ID}).VerifyCode(ctx, admin.Purpose(admin.ActionExemptAccount, mika.ID), s.phones[deputy.ID].Code())
	require.NoError(s.t, err)
	_, err = s.admin.Exempt(ctx, admin.Administrator{User: totpflow.User{ID: deputy.ID}, Proof: proof}, mika.ID, "agent")
	require.ErrorIs(s.t, err, admin.ErrApproval)
}
