package totpflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// A ticket that was used is reported as used, whatever else is passed with it and without
// a look at that: nothing is written, charged or reported as an event. It is also the
// error on which a host asks for another ticket.
func TestUsedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		is  error
		use func(h *harness, app *totptest.Authenticator, codes []string) func() error // uses it, and returns how it is used again
	}{
		"VerifyCode, by a fresh code": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.Code())) }
		}},
		"VerifyCode, by the same code": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.Peek())) }
		}},
		"VerifyCode, by a wrong code": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.WrongCode())) }
		}},
		"VerifyPair": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyPair(h.Ctx, c, "000000", "000001")) }
		}},
		"VerifyRecoveryCode": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, codes []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyRecoveryCode(h.Ctx, c, codes[0])) }
		}},
		"VerifyIssuedCode": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			issued := h.IssueCode(anaID)
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.VerifyIssuedCode(h.Ctx, c, issued)) }
		}},
		"ContinueSignIn": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.ContinueSignIn(h.Ctx, c)) }
		}},
		"BeginExternal": {totpflow.ErrChallenge, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			c := h.spentChallenge(app)
			return func() error { return servicetest.ErrorOf(h.BeginExternal(h.Ctx, c, "key")) }
		}},
		"CompleteExternal": {totpflow.ErrChallenge, func(h *harness, _ *totptest.Authenticator, _ []string) func() error {
			c := h.Challenge(ana)
			check := h.external(c)
			require.ErrorIs(h.T, servicetest.ErrorOf(h.CompleteExternal(h.Ctx, c, check, totpflow.ErrRejected)), totpflow.ErrRejected)
			return func() error { return servicetest.ErrorOf(h.CompleteExternal(h.Ctx, c, check, nil)) }
		}},
		"TrustBrowser": {totpflow.ErrProof, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			d := h.PassByCode(ana, app)
			require.NoError(h.T, servicetest.ErrorOf(h.TrustBrowser(h.Ctx, d.Proof, "x")))
			return func() error { return servicetest.ErrorOf(h.TrustBrowser(h.Ctx, d.Proof, "x")) }
		}},
		"ConsumeProof": {totpflow.ErrProof, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			proof := h.Prove(ana, "x", app)
			again := func() error { return h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("x").On("")) }
			require.NoError(h.T, again())
			return again
		}},
		"BeginEnrollment": {totpflow.ErrProof, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			proof := h.Prove(ana, totpflow.ActionReplaceAuthenticator, app)
			again := func() error { return servicetest.ErrorOf(h.BeginEnrollment(h.Ctx, proof)) }
			require.NoError(h.T, again())
			return again
		}},
		"ConfirmEnrollment": {totpflow.ErrEnrollmentExpired, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
			require.NoError(h.T, err)
			next, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
			require.NoError(h.T, err)
			require.NoError(h.T, servicetest.ErrorOf(h.ConfirmEnrollment(h.Ctx, page.Token, next.Code())))
			return func() error { return servicetest.ErrorOf(h.ConfirmEnrollment(h.Ctx, page.Token, next.Code())) }
		}},
		"a call of an administrator": {totpflow.ErrProof, func(h *harness, app *totptest.Authenticator, _ []string) func() error {
			other := totpflow.AccountID{Tenant: "acme", User: "43"}
			h.Enroll(totpflow.User{ID: other})
			office := h.Admin(func(context.Context, totpflow.User, totpflow.Action, totpflow.AccountID) error { return nil })
			by := admin.Administrator{User: ana, Proof: h.ProveFor(ana, admin.Purpose(admin.ActionUnlockAccount, other), app)}
			require.NoError(h.T, office.Unlock(h.Ctx, by, other))
			return func() error { return office.Unlock(h.Ctx, by, other) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			app, codes := h.Enroll(ana)
			h.Clock.Advance(time.Minute)
			again := c.use(h, app, codes)
			h.Clock.Advance(time.Minute)
			h.Unchanged(func() {
				for range 20 { // it takes no try either
					err := again()
					require.ErrorIs(t, err, totpflow.ErrUsed)
					require.ErrorIs(t, err, c.is)
				}
			})
			require.NoError(t, servicetest.ErrorOf(h.Account(ana).EndSessions(h.Ctx)))
			if c.is != totpflow.ErrEnrollmentExpired { // of which the authenticator tells
				err := again()
				require.ErrorIs(t, err, c.is)
				require.NotErrorIs(t, err, totpflow.ErrUsed, "what was ended is not told from what was used")
			}
			h.Freeze(ana)
			require.NotErrorIs(t, again(), totpflow.ErrUsed, "a closed account tells nothing")
		})
	}
}

// spentChallenge is the challenge of a sign-in that is complete.
func (h *harness) spentChallenge(app *totptest.Authenticator) totpflow.Challenge {
	h.T.Helper()
	c := h.Challenge(ana)
	require.NoError(h.T, servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.Code())))
	return c
}

// A ticket that ran out is not said to be used.
func TestExpiredIsNotUsed(t *testing.T) {
	h := newHarness(t)
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	c, proof := h.Challenge(ana), h.Prove(ana, "x", app)
	h.Clock.Advance(time.Hour)
	err := servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.Code()))
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	require.NotErrorIs(t, err, totpflow.ErrUsed)
	err = h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("x").On(""))
	require.ErrorIs(t, err, totpflow.ErrProof)
	require.NotErrorIs(t, err, totpflow.ErrUsed)
}

// A phone that was confirmed twice.
func TestPhoneConfirmedTwice(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginPhone(h.Ctx, next.Challenge, mobile)
	require.NoError(t, err)
	require.NoError(t, servicetest.ErrorOf(h.SendEnrollmentCode(h.Ctx, page.Token, "sms")))
	require.NoError(t, servicetest.ErrorOf(h.ConfirmPhone(h.Ctx, page.Token, p.Code())))
	h.Unchanged(func() {
		d, err := h.ConfirmPhone(h.Ctx, page.Token, p.Code())
		refused(t, d, err, totpflow.ErrUsed)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	})
}

// Recovery codes whose page was lost are replaced at the next sign-in, as long as the
// person has not said that they are saved: by an app's code, and once.
func TestUnsavedRecoveryCodes(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) {
		c.Policy = policy.Fixed{Mode: policy.Optional, Methods: policy.App | policy.RecoveryCodes | policy.External}
	})
	app, lost := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	d := h.PassByCode(ana, app)
	sheet, change, err := h.Account(ana).NewRecoveryCodes(h.Ctx, d.Proof)
	require.NoError(t, err)
	require.Len(t, sheet.Codes, 10)
	require.Equal(t, h.Status(ana).Generation, change.Generation)
	require.True(t, h.SessionStands(ana, d.Mark))
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "once")
	require.ErrorIs(t, servicetest.ErrorOf(h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), lost[0])), totpflow.ErrRejected)

	c := h.Challenge(ana)
	other, err := h.CompleteExternal(h.Ctx, c, h.external(c), nil)
	require.NoError(t, err)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, other.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "not by another factor")
	byCode, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), sheet.Codes[0])
	require.NoError(t, err)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, byCode.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "nor by a recovery code")

	h.Clock.Advance(time.Minute)
	d = h.PassByCode(ana, app)
	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "they are saved")
	h.NewRecoveryCodes(ana, app)
}
