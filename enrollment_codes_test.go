package totpflow_test

import (
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

// confirm sets up another authenticator with a service, and returns what is shown.
func (h *house) confirm(s *totpflow.Service, by totpflow.EnrollmentGrant) totpflow.ConfirmedEnrollment {
	h.t.Helper()
	page, err := s.BeginEnrollment(h.ctx, by)
	require.NoError(h.t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(h.t, err)
	done, err := s.ConfirmEnrollment(h.ctx, page.Token, phone.Code())
	require.NoError(h.t, err)
	return done
}

// Recovery codes come with an enrollment where policy has them: with the first
// authenticator, with one that replaces others, and with one that is added where
// there are none. Where it has none, a replacement leaves none of the old.
func TestRecoveryCodesOfASetUp(t *testing.T) {
	app := func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Optional, Methods: policy.App} }
	t.Run("policy has them", func(t *testing.T) {
		h := newHouse(t)
		next, err := h.SignIn(h.ctx, ana)
		require.NoError(t, err)
		h.clock.Advance(time.Minute)
		sheet := h.confirm(h.Service, next.Proof).Sheet
		require.Len(t, sheet.Codes, recovery.Codes)
		require.Equal(t, h.clock.Now(), sheet.Made)
		require.Equal(t, "Acme Backup", sheet.Issuer)
		require.Equal(t, ana.Name, sheet.Account)
	})
	t.Run("policy has none", func(t *testing.T) {
		h := newHouse(t, app)
		next, err := h.SignIn(h.ctx, ana)
		require.NoError(t, err)
		require.Empty(t, h.confirm(h.Service, next.Proof).Sheet.Codes)
		require.Zero(t, h.status(ana).RecoveryCodes)
	})
	t.Run("policy has them since", func(t *testing.T) {
		h := newHouse(t, app)
		phone, _ := h.enroll(ana)
		now := h.open()
		require.Len(t, h.confirm(now, h.prove(ana, totpflow.ActionAddAuthenticator, phone)).Sheet.Codes, recovery.Codes)
		require.Empty(t, h.confirm(now, h.prove(ana, totpflow.ActionAddAuthenticator, phone)).Sheet.Codes, "the ones of before stay")
		require.Equal(t, recovery.Codes, h.status(ana).RecoveryCodes.Left)
	})
	t.Run("policy has them no longer", func(t *testing.T) {
		h := newHouse(t)
		phone, codes := h.enroll(ana)
		require.Empty(t, h.confirm(h.open(app), h.prove(ana, totpflow.ActionReplaceAuthenticator, phone)).Sheet.Codes)
		require.Zero(t, h.status(ana).RecoveryCodes)
		d, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
		refused(t, d, err, totpflow.ErrRejected)
	})
}

// Who has confirmed is locked out no longer: the code that was sent by mail is
// dead, and the next reset is one like any other.
func TestASetUpEndsTheLockout(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	h.disown(ana)
	h.resets(anaID)
	require.Equal(t, totpflow.AskCode, h.step(ana), "of a frozen account")
	d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
	require.NoError(t, err)
	h.setUp(d.Challenge)
	h.resets(anaID)
	require.Equal(t, totpflow.Enroll, h.step(ana))
}

// What is typed at a confirmation and is no code is told apart from a wrong one:
// nobody has guessed.
func TestConfirmingWithNoCode(t *testing.T) {
	h := newHouse(t)
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	h.events.kinds()
	for _, typed := range []string{"", "12345", "12345x"} {
		done, err := h.ConfirmEnrollment(h.ctx, page.Token, typed)
		require.ErrorIs(t, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, totp.ErrMalformedCode)
		require.Zero(t, done)
	}
	require.Empty(t, h.events.kinds())
	phone, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)
	_, err = h.ConfirmEnrollment(h.ctx, page.Token, phone.WrongCode())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	require.NotErrorIs(t, err, totp.ErrMalformedCode)
	require.Equal(t, []event.Kind{event.CodeRejected}, h.events.kinds())
}

// The page with the secret is for who began the enrollment: a sign-in under way has
// the password only, and a token in a shared browser opens nothing for it.
func TestASignInShowsNoSetUpPage(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	proof := h.prove(ana, totpflow.ActionAddAuthenticator, phone)
	page, err := h.BeginEnrollment(h.ctx, proof)
	require.NoError(t, err)
	signedIn := h.pass(ana, phone).Proof
	for name, by := range map[string]totpflow.EnrollmentGrant{
		"the challenge of a sign-in": h.ask(ana), "the proof of a sign-in": signedIn,
	} {
		again, err := h.ContinueEnrollment(h.ctx, page.Token, by)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired, name)
		require.Zero(t, again, name)
	}
	again, err := h.ContinueEnrollment(h.ctx, page.Token, proof)
	require.NoError(t, err)
	require.Equal(t, page.Offer.URI(), again.Offer.URI())
}

// A name that no authenticator app could show keeps nobody out: the nearest one
// is shown.
func TestNamesThatNoAppShows(t *testing.T) {
	h := newHouse(t, withMode(policy.Required))
	for _, c := range []struct{ id, name, want string }{
		{"42", "CORP:ana", "CORP ana"}, {"42", " ana ", "ana"}, {"42", "ana\n", "ana"}, {"42", "an\u202ea", "ana"},
		{"42", "an\xffa", "ana"}, {"42", strings.Repeat("ä", 1000), strings.Repeat("ä", 128)},
		{"42", "", "42"}, {"42", "\t", "42"}, {"oidc:12", "", "oidc 12"}, {":", "", "account"},
	} {
		next, err := h.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{User: c.id}, Name: c.name})
		require.NoError(t, err)
		page, err := h.BeginEnrollment(h.ctx, next.Challenge)
		require.NoError(t, err, c.name)
		_, label, err := totp.ParseURI(page.Offer.URI())
		require.NoError(t, err)
		require.Equal(t, c.want, label.Account)
	}
}

// A sheet says whose codes it has and of when, also one that is made later.
func TestTheSheetOfNewCodes(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Hour)
	sheet, _, err := h.Account(ana).NewRecoveryCodes(h.ctx, h.prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.NoError(t, err)
	require.Len(t, sheet.Codes, recovery.Codes)
	require.Equal(t, recovery.Sheet{Issuer: "Acme Backup", Account: ana.Name, Codes: sheet.Codes, Made: h.clock.Now()}, sheet)
}
