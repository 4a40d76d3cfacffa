package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/totptest"
)

// A method that the policy has taken away lets nobody in, and the host's own factor is
// not even asked.
func TestMethodsThatPolicyTakesAway(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	c := h.Challenge(ana)
	app := h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	d, err := app.VerifyRecoveryCode(h.Ctx, c, codes[0])
	refused(t, d, err, totpflow.ErrMethodNotAllowed)
	_, _, err = app.BeginExternal(h.Ctx, c, "card")
	require.ErrorIs(t, err, totpflow.ErrMethodNotAllowed)
	d, err = h.VerifyRecoveryCode(h.Ctx, c, codes[0])
	require.NoError(t, err, "nothing was spent")
	require.Equal(t, totpflow.Passed, d.Step)
}

// If the policy cannot be asked, nobody gets in and nothing is sent.
func TestPolicyThatCannotBeAsked(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	h.EnrollPhone(ana, &p)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	sent := p.Count()
	down := errors.New("the policy's database is down")
	broken := h.Open(withPhones(&p, func(c *totpflow.Config) { c.Policy = servicetest.FailingPolicy{Err: down} })...)
	for name, try := range map[string]func() (totpflow.Decision, error){
		"a code":        func() (totpflow.Decision, error) { return broken.VerifyCode(h.Ctx, next.Challenge, "123456") },
		"an issued one": func() (totpflow.Decision, error) { return broken.VerifyIssuedCode(h.Ctx, next.Challenge, "123456") },
		"a message": func() (totpflow.Decision, error) {
			_, err := broken.SendPhoneCode(h.Ctx, next.Challenge, next.Phones[0].ID, "sms")
			return totpflow.Decision{}, err
		},
	} {
		d, err := try()
		require.ErrorIs(t, err, down, name)
		require.Zero(t, d.Step, name)
	}
	require.Equal(t, sent, p.Count())
}

// A printed ticket shows whether it is set, and nothing else about it.
func TestTicketsPrintAsPlaceholders(t *testing.T) {
	for want, v := range map[string]any{
		"[challenge]": totpflow.Challenge("secret"), "[no challenge]": totpflow.Challenge(""),
		"[proof]": totpflow.Proof("secret"), "[no proof]": totpflow.Proof(""),
		"[enrollment token]": totpflow.EnrollmentToken("secret"), "[no enrollment token]": totpflow.EnrollmentToken(""),
		"[disown token]": totpflow.DisownToken("secret"), "[no disown token]": totpflow.DisownToken(""),
	} {
		for _, verb := range []string{"%v", "%s", "%q", "%#v", "%x"} {
			require.Equal(t, want, fmt.Sprintf(verb, v))
		}
	}
}

// A ticket from half a minute ahead comes from another process, whose clock is ahead; one
// from further ahead is not valid.
func TestTicketsOfTheFuture(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	c := h.Challenge(ana)
	h.Clock.Advance(-30 * time.Second)
	_, err := h.ContinueSignIn(h.Ctx, c)
	require.NoError(t, err)
	h.Clock.Advance(-time.Millisecond)
	_, err = h.ContinueSignIn(h.Ctx, c)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// The events of a frozen account say so; those of a host's factor that fails say nothing
// about clocks; and those of a wrong issued code name it.
func TestRefusalsAreToldApart(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	link := h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])

	c := h.Challenge(ana)
	_, err := h.CompleteExternal(h.Ctx, c, h.external(c), anaID, fmt.Errorf("no reader: %w", totpflow.ErrUndecided))
	require.ErrorContains(t, err, "no reader")
	require.Empty(t, h.Events.Kinds())

	code := h.IssueCode(anaID)
	h.Events.Kinds()
	wrong := code[:18] + map[bool]string{true: "1", false: "0"}[code[18] == '0']
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), wrong)
	refused(t, d, err, totpflow.ErrRejected)
	told := h.EventsOf(event.RecoveryRejected)
	require.Len(t, told, 1)
	require.Equal(t, string(totpflow.MethodIssuedCode), told[0].Method)

	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, link)))
	h.Events.Kinds()
	_, err = h.SignIn(h.Ctx, ana)
	require.ErrorIs(t, err, totpflow.ErrFrozen)
	told = h.EventsOf(event.SignInRefused)
	require.Len(t, told, 1)
	require.Equal(t, "frozen", told[0].Reason)
}

// The longest lock is not a suspension: an event reports a suspension after a long window
// has closed.
func TestTheLongestWaitIsNoSuspension(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Events.Kinds()
	wrongs := 0
	for len(h.EventsOf(event.Suspended)) == 0 {
		h.Clock.Advance(time.Hour)
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
		wrongs++
		require.Less(t, wrongs, 30)
	}
	require.Equal(t, 20, wrongs, "twenty a day")
}

// A ticket that was used is reported as used, whatever else is passed with it and without
// a look at that: nothing is written, charged or reported as an event. The error also
// tells a host to ask for another ticket.
func TestUsedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		is  error
		use func(h *harness, app *totptest.Authenticator, codes []string) func() error // uses it, and returns a function that uses it again
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
			return func() error { _, _, err := h.BeginExternal(h.Ctx, c, "key"); return err }
		}},
		"CompleteExternal": {totpflow.ErrChallenge, func(h *harness, _ *totptest.Authenticator, _ []string) func() error {
			c := h.Challenge(ana)
			check := h.external(c)
			require.ErrorIs(h.T, servicetest.ErrorOf(h.CompleteExternal(h.Ctx, c, check, anaID, totpflow.ErrRejected)), totpflow.ErrRejected)
			return func() error { return servicetest.ErrorOf(h.CompleteExternal(h.Ctx, c, check, anaID, nil)) }
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
				for range 20 { // it charges no try either
					err := again()
					require.ErrorIs(t, err, totpflow.ErrUsed)
					require.ErrorIs(t, err, c.is)
				}
			})
			require.NoError(t, servicetest.ErrorOf(h.Account(ana).EndSessions(h.Ctx)))
			if c.is != totpflow.ErrEnrollmentExpired { // only the authenticator itself can show it
				err := again()
				require.ErrorIs(t, err, c.is)
				require.NotErrorIs(t, err, totpflow.ErrUsed, "what was ended is not told from what was used")
			}
			h.Freeze(ana)
			require.NotErrorIs(t, again(), totpflow.ErrUsed, "a closed account tells nothing")
		})
	}
}

// spentChallenge returns the challenge of a sign-in that is complete.
func (h *harness) spentChallenge(app *totptest.Authenticator) totpflow.Challenge {
	h.T.Helper()
	c := h.Challenge(ana)
	require.NoError(h.T, servicetest.ErrorOf(h.VerifyCode(h.Ctx, c, app.Code())))
	return c
}

// A ticket that has expired is not reported as used.
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

// Recovery codes whose page was lost are replaced at a sign-in within an hour, unless the
// person has said that they are saved: by an app's code, and once.
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
	other, err := h.CompleteExternal(h.Ctx, c, h.external(c), anaID, nil)
	require.NoError(t, err)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, other.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "not by another factor")
	byCode, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), sheet.Codes[0])
	require.NoError(t, err)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, byCode.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "nor by a recovery code")

	h.Clock.Advance(time.Hour)
	d = h.PassByCode(ana, app)
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "an hour later a code of a sign-in must lead to nothing")

	h.NewRecoveryCodes(ana, app)
	h.Clock.Advance(time.Minute)
	d = h.PassByCode(ana, app)
	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	_, _, err = h.Account(ana).NewRecoveryCodes(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "they are saved")
	h.NewRecoveryCodes(ana, app)
}
