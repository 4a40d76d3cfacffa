package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
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

// An administrator sees an account as its owner does: the same authenticators, phones and
// browsers with all their times, and the same grace. The last use is that of any authenticator.
func TestMemberIsWhatTheOwnerSees(t *testing.T) {
	var sent provider
	h := newHarness(t, withPhones(&sent)...)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(days(2))
	second, _ := h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, app))
	h.Clock.Advance(days(2))
	h.PassByCode(ana, second)
	h.AddPhone(h.Prove(ana, totpflow.ActionAddPhone, second), mobile, &sent)
	token := h.TrustBrowserOf(ana, second)
	used := h.Clock.Now()
	h.Clock.Advance(days(2))
	require.NoError(t, servicetest.ErrorOf(h.SignIn(h.Ctx, ana, token))) // the browser was seen
	for _, id := range []store.AccountID{anaID, {Tenant: "acme", User: "new"}} {
		m, st := h.Member(id), h.Status(totpflow.User{ID: id})
		require.Equal(t, st.Authenticators, m.Apps)
		require.Equal(t, st.Browsers, m.Browsers)
		require.Equal(t, st.Phones, m.Numbers)
		require.Equal(t, []int{len(st.Authenticators), len(st.Phones), st.RecoveryCodes.Left}, []int{m.Authenticators, m.Phones, m.RecoveryCodesLeft})
		require.Equal(t, []any{st.State, st.GraceUntil, st.GraceBegins, st.Mark, st.Generation}, []any{m.Enrollment, m.GraceUntil, m.GraceBegins, m.Mark, m.Generation})
	}
	m := h.Member(anaID)
	require.Len(t, m.Apps, 2)
	require.Len(t, m.Browsers, 1)
	require.Len(t, m.Numbers, 1)
	require.Equal(t, used.Truncate(24*time.Hour), m.LastUsed.Truncate(24*time.Hour))
}
