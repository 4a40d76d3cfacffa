package admin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
)

// The page of one account has its authenticators by name, its numbers masked, and its
// history with actor and reason. A list contains no history.
func TestMemberHistory(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	h.Enroll(ana)
	m := h.Member(anaID)
	require.Equal(t, m.Authenticators, len(m.Apps))
	require.Equal(t, h.Status(ana).Authenticators, m.Apps)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
	m = h.Member(anaID)
	require.Empty(t, m.Apps)
	require.Equal(t, event.Reset, m.Activity[0].Kind)
	require.Equal(t, "operator root", m.Activity[0].Actor)
	require.Equal(t, "ticket 7", m.Activity[0].Reason)
	require.True(t, m.Activity[0].Number > m.Activity[1].Number, "newest first")
	for m, err := range h.Admin(nil).Status(h.Ctx, ops, anaID) {
		require.NoError(t, err)
		require.Nil(t, m.Activity)
	}
}
