package adminweb_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/policy"
)

// A reset of many leaves machine accounts out, whose jobs would stop, and says which. It also
// says beforehand that a second administrator has to approve it.
func TestResetLeavesMachinesOut(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.Exempt(context.Background(), ops, mika.ID, "nightly backup")
	require.NoError(t, err)
	b := s.as(boss)
	b.Post("/2fa-admin/people/change", "person", key(mika), "scope", "all", "do", "reset")
	require.Contains(t, b.Page.Text("error"), "Machine accounts are not reset.")
	b.Post("/2fa-admin/people/change", "all", "yes", "tenant", "*", "q", "puty", "scope", "all", "do", "reset")
	require.NotContains(t, b.Page.Text("doing"), "Machine accounts")
	require.NotContains(t, b.Page.Text("doing"), "second administrator")

	s.setPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "scope", "all", "do", "reset")
	require.Equal(t, "Reset everything for 1 person", b.Page.Text("h1"))
	require.Contains(t, b.Page.Text("doing"), "Not reset: “Mika Berg”.")
	require.Contains(t, b.Page.Text("doing"), "A second administrator has to approve this.")

	provider := s.as(root)
	provider.Post("/2fa-admin/people/change", "person", key(deputy), "person", key(gil), "scope", "all", "do", "reset")
	require.Contains(t, provider.Page.Text("error"), "One of these organisations requires a second administrator.")

	s.setPolicy("acme", policy.Policy{Mode: policy.Optional})
	b.Post("/2fa-admin/people/change", "person", key(mika), "person", key(deputy), "scope", "all", "do", "reset")
	b.confirm()
	require.Equal(t, admin.StateRequired, s.member(deputy).State)
	require.Equal(t, "nightly backup", s.member(mika).Machine)
}
