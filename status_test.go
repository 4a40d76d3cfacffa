package totpflow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
)

// The browser of the request is marked; a token of somebody else marks none.
func TestStatusMarksTheBrowser(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	first, second := h.TrustBrowserOf(ana, phone), h.TrustBrowserOf(ana, phone)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	bens, _ := h.Enroll(ben)
	other := h.TrustBrowserOf(ben, bens)
	h.Unchanged(func() {
		st, err := h.Account(ana).Status(h.Ctx, other, second)
		require.NoError(t, err)
		require.Len(t, st.Browsers, 2)
		require.Equal(t, []bool{false, true}, []bool{st.Browsers[0].Here, st.Browsers[1].Here})
		st, err = h.Account(ana).Status(h.Ctx, other)
		require.NoError(t, err)
		require.False(t, st.Browsers[0].Here || st.Browsers[1].Here)
	})
	require.NoError(t, h.Account(ana).RevokeBrowsers(h.Ctx))
	st, err := h.Account(ana).Status(h.Ctx, first)
	require.NoError(t, err)
	require.Empty(t, st.Browsers)
}

// The page before the button says whose account it is and what was changed.
func TestDisowned(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	e := h.EventsOf(event.EnrollmentConfirmed)[0]
	got, err := h.Disowned(h.NewDisownToken(e))
	require.NoError(t, err)
	require.Equal(t, event.Event{Tenant: "acme", User: ana.ID.User, At: e.At, Number: e.Number, Kind: event.EnrollmentConfirmed}, got)
	for _, bad := range []totpflow.DisownToken{"", "x", totpflow.DisownToken(h.Challenge(ana))} {
		got, err = h.Disowned(bad)
		require.ErrorIs(t, err, totpflow.ErrDisownToken)
		require.Zero(t, got)
	}
}
