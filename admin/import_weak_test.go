package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// weakBesideStrong imports two keys of one person, of which the second is weak.
func weakBesideStrong(h *harness) (strong, weak *totptest.Authenticator) {
	const secret = "KRSXG5CTMVRXEZLU" // 80 bits
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(h.T, err)
	for _, o := range h.Import(
		admin.Imported{ID: anaID, Key: rfcKey(h.T), Name: "phone"},
		admin.Imported{ID: anaID, Key: key, Name: "old phone", WeakUntil: h.Clock.Now().Add(days(90))},
	) {
		require.NoError(h.T, o.Err)
	}
	strong, err = totptest.TypeSecret(servicetest.RFCSecret, h.Clock)
	require.NoError(h.T, err)
	weak, err = totptest.TypeSecret(secret, h.Clock)
	require.NoError(h.T, err)
	return strong, weak
}

// A weak secret beside a strong one is as weak as alone: its code leads to a new
// authenticator, and the code of the strong one signs in.
func TestWeakBesideStrong(t *testing.T) {
	h := newHarness(t)
	strong, old := weakBesideStrong(h)
	h.PassByCode(ana, strong)

	h.Clock.Advance(time.Minute)
	asked := h.Challenge(ana)
	_, err := h.BeginEnrollment(h.Ctx, asked)
	require.ErrorIs(t, err, totpflow.ErrChallenge, "the password alone")
	for _, verify := range []func() (totpflow.Decision, error){
		func() (totpflow.Decision, error) { return h.VerifyCode(h.Ctx, asked, old.Code()) },
		func() (totpflow.Decision, error) {
			first, second := old.Pair()
			return h.VerifyPair(h.Ctx, h.Challenge(ana), first, second)
		},
	} {
		h.Clock.Advance(time.Minute)
		d, err := verify()
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, d.Step)
		require.Empty(t, d.ID.User)
		require.Empty(t, d.Proof)
		asked = d.Challenge
	}
	strongID := h.Status(ana).Authenticators[0].ID
	_, err = h.BeginEnrollment(h.Ctx, asked, strongID)
	require.ErrorIs(t, err, enroll.ErrUnknown, "the strong one is not its to replace")
	fresh, _ := h.EnrollBy(asked)
	h.Clock.Advance(time.Minute)
	h.PassByCode(ana, fresh)
	h.PassByCode(ana, strong)
	require.Equal(t, 2, h.Member(anaID).Authenticators, "the weak one is gone")
}

// In a session, the code of a weak key proves nothing but that a new authenticator may take
// its place.
func TestWeakProvesNothingElse(t *testing.T) {
	h := newHarness(t)
	_, old := weakBesideStrong(h)
	a := h.Account(ana)
	for _, p := range []totpflow.Purpose{
		totpflow.ActionDisable.On(""), totpflow.ActionRecoveryCodes.On(""), totpflow.ActionAddAuthenticator.On(""),
		totpflow.Action("delete backup").On("7"), admin.Purpose(admin.ActionResetAccount, anaID),
	} {
		h.Clock.Advance(time.Minute)
		proof, err := a.VerifyCode(h.Ctx, p, old.Code())
		require.ErrorIs(t, err, totpflow.ErrWeakAuthenticator, p.Action)
		require.Empty(t, proof)
		h.Clock.Advance(time.Minute)
		first, second := old.Pair()
		proof, err = a.VerifyPair(h.Ctx, p, first, second)
		require.ErrorIs(t, err, totpflow.ErrWeakAuthenticator, p.Action)
		require.Empty(t, proof)
	}
	h.Clock.Advance(time.Minute)
	proof, err := a.VerifyCode(h.Ctx, totpflow.ActionReplaceAuthenticator.On(""), old.Code())
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, proof)
	require.NoError(t, err)
	require.Equal(t, []string{"old phone"}, page.Clears)
	require.True(t, page.Adds)
}
