package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
)

// A set-up that a thief has begun with the password is ended, also from a phone, and so is the
// way back of an authenticator that was taken away.
func TestResetEndsWhatIsNotSetUpYet(t *testing.T) {
	h := newInstallation(t)
	s, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: h.store, Keys: h.ring(), Now: h.clock.Now, Phones: &phone.Delivery{Sender: new(texts)},
		Policy: policy.Fixed{Mode: policy.Required, Methods: policy.App | policy.Phone},
	})
	require.NoError(t, err)
	begins := func(user string) totpflow.Challenge {
		next, err := s.SignIn(h.ctx, totpflow.User{ID: acme(user)})
		require.NoError(t, err)
		require.Equal(t, totpflow.Enroll, next.Step)
		return next.Challenge
	}
	app := begins("app")
	offer, err := s.BeginEnrollment(h.ctx, app)
	require.NoError(t, err)
	require.NoError(t, second(s.ContinueEnrollment(h.ctx, offer.Token, app)))
	number, err := phone.ParseNumber("+43 660 1234567")
	require.NoError(t, err)
	page, err := s.BeginPhone(h.ctx, begins("phone"), number)
	require.NoError(t, err)
	ana := h.enroll("acme", "ana")
	own := h.service().Account(ana.User)
	proof, err := own.VerifyCode(h.ctx, totpflow.ActionDisable.On(""), ana.phone.Code())
	require.NoError(t, err)
	require.NoError(t, second(own.Disable(h.ctx, proof)))

	for _, user := range []string{"app", "phone", "ana"} {
		require.Equal(t, []string{"reset"}, h.ok("reset", user, "--tenant", "acme", reason, "--yes").events(), user)
	}
	require.Error(t, second(s.ContinueEnrollment(h.ctx, offer.Token, app)))
	require.Error(t, second(s.SendEnrollmentCode(h.ctx, page.Token, phone.SMS)))
}

// A database that fails ends a reset of many at the first account, which the error names: the
// others were not refused.
func TestResetOfManyStopsAtADatabaseThatFails(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.enroll("acme", "ben")
	ben := acme("ben")
	_, err := h.db.Exec(`PRAGMA ignore_check_constraints = 1; UPDATE totpflow_accounts SET version = x'00' WHERE tenant = 'acme' AND user_id = 'ben'`)
	require.NoError(t, err)
	_, err = h.store.Get(h.ctx, ben)
	require.Error(t, err)
	r := h.fails(1, "acme/ben: the database failed: ", "reset", "ana", "ben", "eva", "--tenant", "acme", reason, "--yes")
	require.Empty(t, r.out)
	require.Empty(t, r.events())
}
