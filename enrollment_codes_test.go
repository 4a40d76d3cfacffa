package totpflow_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// confirm sets up another authenticator with a service, and returns what the page shows.
func (h *harness) confirm(s *totpflow.Service, by totpflow.EnrollmentGrant) totpflow.ConfirmedEnrollment {
	h.T.Helper()
	page, err := s.BeginEnrollment(h.Ctx, by)
	require.NoError(h.T, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(h.T, err)
	done, err := s.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(h.T, err)
	return done
}

// Recovery codes come with an enrollment if the policy has them: with the first
// authenticator, with one that replaces others, and with one that is added where there
// are none. If it has none, a replacement leaves none of the old ones.
func TestRecoveryCodesOfASetUp(t *testing.T) {
	app := func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Optional, Methods: policy.App} }
	t.Run("policy has them", func(t *testing.T) {
		h := newHarness(t)
		next, err := h.SignIn(h.Ctx, ana)
		require.NoError(t, err)
		h.Clock.Advance(time.Minute)
		sheet := h.confirm(h.Service, next.Proof).Sheet
		require.Len(t, sheet.Codes, recovery.Codes)
		require.Equal(t, h.Clock.Now(), sheet.Made)
		require.Equal(t, "Acme Backup", sheet.Issuer)
		require.Equal(t, ana.Name, sheet.Account)
	})
	t.Run("policy has none", func(t *testing.T) {
		h := newHarness(t, app)
		next, err := h.SignIn(h.Ctx, ana)
		require.NoError(t, err)
		require.Empty(t, h.confirm(h.Service, next.Proof).Sheet.Codes)
		require.Zero(t, h.Status(ana).RecoveryCodes)
	})
	t.Run("policy has them since", func(t *testing.T) {
		h := newHarness(t, app)
		phone, _ := h.Enroll(ana)
		now := h.Open()
		require.Len(t, h.confirm(now, h.Prove(ana, totpflow.ActionAddAuthenticator, phone)).Sheet.Codes, recovery.Codes)
		require.Empty(t, h.confirm(now, h.Prove(ana, totpflow.ActionAddAuthenticator, phone)).Sheet.Codes, "the ones of before stay")
		require.Equal(t, recovery.Codes, h.Status(ana).RecoveryCodes.Left)
	})
	t.Run("policy has them no longer", func(t *testing.T) {
		h := newHarness(t)
		phone, codes := h.Enroll(ana)
		require.Empty(t, h.confirm(h.Open(app), h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)).Sheet.Codes)
		require.Zero(t, h.Status(ana).RecoveryCodes)
		d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
		refused(t, d, err, totpflow.ErrRejected)
	})
}

// A person who has confirmed is no longer locked out: the code that was sent by mail is
// void, and the next reset is like any other.
func TestASetUpEndsTheLockout(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	h.Freeze(ana)
	h.Reset(anaID)
	require.Equal(t, totpflow.AskCode, h.Step(ana), "of a frozen account")
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
	require.NoError(t, err)
	h.EnrollBy(d.Challenge)
	h.Reset(anaID)
	require.Equal(t, totpflow.Enroll, h.Step(ana))
}

// At a confirmation, text that is not a code gets another error than a wrong code: nobody
// has guessed.
func TestConfirmingWithNoCode(t *testing.T) {
	h := newHarness(t)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	h.Events.Kinds()
	for _, typed := range []string{"", "12345", "12345x"} {
		done, err := h.ConfirmEnrollment(h.Ctx, page.Token, typed)
		require.ErrorIs(t, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, totp.ErrMalformedCode)
		require.Zero(t, done)
	}
	require.Empty(t, h.Events.Kinds())
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.WrongCode())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	require.NotErrorIs(t, err, totp.ErrMalformedCode)
	require.Equal(t, []event.Kind{event.CodeRejected}, h.Events.Kinds())
}

// A wrong code at a confirmation costs nothing, since its page shows the secret: without
// end it does not fill the log, and on a morning on which many people enroll it is not the
// alarm of leaked passwords.
func TestWrongConfirmationsAreNotGuesses(t *testing.T) {
	var out bytes.Buffer
	alarms := 0
	h := newHarness(t, func(c *totpflow.Config) {
		detector := &event.SprayDetector{Refusals: 1, Accounts: 1, Alarm: func(context.Context, []event.Event) { alarms++ }}
		c.Observer = event.Tee(event.Slog(slog.New(slog.NewTextHandler(&out, nil))), detector)
	})
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	app, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	for range 20 {
		_, err = h.ConfirmEnrollment(h.Ctx, page.Token, app.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	require.Equal(t, 1, strings.Count(out.String(), "kind=code_rejected"))
	require.Zero(t, alarms)
}

// The page with the secret is for the person who began the enrollment: a pending sign-in
// has only passed the password, and an enrollment token in a shared browser does not open
// the page for it.
func TestASignInShowsNoSetUpPage(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	proof := h.Prove(ana, totpflow.ActionAddAuthenticator, phone)
	page, err := h.BeginEnrollment(h.Ctx, proof)
	require.NoError(t, err)
	signedIn := h.PassByCode(ana, phone).Proof
	for name, by := range map[string]totpflow.EnrollmentGrant{
		"the challenge of a sign-in": h.Challenge(ana), "the proof of a sign-in": signedIn,
	} {
		again, err := h.ContinueEnrollment(h.Ctx, page.Token, by)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, name)
		require.Zero(t, again, name)
	}
	again, err := h.ContinueEnrollment(h.Ctx, page.Token, proof)
	require.NoError(t, err)
	require.Equal(t, page.Offer.URI(), again.Offer.URI())
}

// A name that no authenticator app could show locks nobody out: the nearest valid one is
// shown.
func TestNamesThatNoAppShows(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	for _, c := range []struct{ id, name, want string }{
		{"42", "CORP:ana", "CORP ana"}, {"42", " ana ", "ana"}, {"42", "ana\n", "ana"}, {"42", "an\u202ea", "ana"},
		{"42", "an\xffa", "ana"}, {"42", strings.Repeat("ä", 1000), strings.Repeat("ä", 128)},
		{"42", "", "42"}, {"42", "\t", "42"}, {"oidc:12", "", "oidc 12"}, {":", "", "account"},
	} {
		next, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: c.id}, Name: c.name})
		require.NoError(t, err)
		page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
		require.NoError(t, err, c.name)
		_, label, err := totp.ParseURI(page.Offer.URI())
		require.NoError(t, err)
		require.Equal(t, c.want, label.Account)
	}
}

// A sheet names the account of its codes and their time, even if it is made later.
func TestTheSheetOfNewCodes(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	sheet, _, err := h.Account(ana).NewRecoveryCodes(h.Ctx, h.Prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.NoError(t, err)
	require.Len(t, sheet.Codes, recovery.Codes)
	require.Equal(t, recovery.Sheet{Issuer: "Acme Backup", Account: ana.Name, Codes: sheet.Codes, Made: h.Clock.Now()}, sheet)
}
