package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/totptest"
)

// replaceAtSignIn signs in with the wish to replace, and proves it by a code of the
// phone.
func (h *harness) replaceAtSignIn(u totpflow.User, phone *totptest.Authenticator) totpflow.Decision {
	h.T.Helper()
	asked, err := h.ReplaceAtSignIn(h.Ctx, h.Challenge(u))
	require.NoError(h.T, err)
	require.Equal(h.T, totpflow.ActionReplaceAuthenticator, asked.Action)
	d, err := h.VerifyCode(h.Ctx, asked.Challenge, phone.Code())
	require.NoError(h.T, err)
	require.Equal(h.T, totpflow.Passed, d.Step)
	return d
}

// One code of the old app leads to the new one, and the old one works until then.
func TestReplaceAtSignIn(t *testing.T) {
	h := newHarness(t)
	old, _ := h.Enroll(ana)
	require.NoError(t, h.Account(ana).RenameAuthenticator(h.Ctx, h.Status(ana).Authenticators[0].ID, "Work phone"))
	d := h.replaceAtSignIn(ana, old)
	require.Equal(t, totpflow.ActionReplaceAuthenticator, d.Action)
	_, err := h.TrustBrowser(h.Ctx, d.Proof, "this one")
	require.ErrorIs(t, err, totpflow.ErrProof, "the code was for something else")
	require.Zero(t, d.TrustFor)

	page, err := h.BeginEnrollment(h.Ctx, d.Proof)
	require.NoError(t, err)
	require.Equal(t, []string{"Work phone"}, page.Clears)
	require.False(t, page.Adds)
	_, err = h.BeginEnrollment(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrUsed, "once")
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	h.PassByCode(ana, old)
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(t, err)
	require.Equal(t, "Work phone", done.Authenticator.Name, "the name stays")
	require.Equal(t, "Work phone", h.Status(ana).Authenticators[0].Name)
	h.PassByCode(ana, phone)
}

// The proof of an ordinary sign-in replaces nothing, and the wish cannot be added to it
// afterwards: it is sealed in the challenge.
func TestOrdinarySignInReplacesNothing(t *testing.T) {
	h := newHarness(t)
	old, _ := h.Enroll(ana)
	c := h.Challenge(ana)
	asked, err := h.ReplaceAtSignIn(h.Ctx, c)
	require.NoError(t, err)
	d, err := h.VerifyCode(h.Ctx, c, old.Code())
	require.NoError(t, err)
	require.Equal(t, totpflow.ActionSignIn, d.Action)
	_, err = h.BeginEnrollment(h.Ctx, d.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof)

	// One password, one success: answering one of the two challenges uses both.
	_, err = h.VerifyCode(h.Ctx, asked.Challenge, old.Code())
	require.ErrorIs(t, err, totpflow.ErrUsed)
	_, err = h.ReplaceAtSignIn(h.Ctx, c)
	require.ErrorIs(t, err, totpflow.ErrUsed)

	// Asking does not prolong the sign-in.
	c = h.Challenge(ana)
	h.Clock.Advance(totpflow.ChallengeLifetime - time.Second)
	asked, err = h.ReplaceAtSignIn(h.Ctx, c)
	require.NoError(t, err)
	h.Clock.Advance(time.Second)
	_, err = h.VerifyCode(h.Ctx, asked.Challenge, old.Code())
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// Only a code of the old app earns it: a trusted browser does not, nor does a challenge
// that asks for an enrollment, nor an account that has no app.
func TestReplaceAtSignInNeedsTheApp(t *testing.T) {
	provider := &servicetest.Provider{}
	h := newHarness(t, withPhones(provider)...)
	old, _ := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, old)
	asked, err := h.ReplaceAtSignIn(h.Ctx, h.Challenge(ana))
	require.NoError(t, err)
	again, err := h.ContinueSignIn(h.Ctx, asked.Challenge, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step)
	require.Equal(t, totpflow.ActionReplaceAuthenticator, again.Action)
	_, err = h.SendPhoneCode(h.Ctx, asked.Challenge, "x", "sms")
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.VerifyIssuedCode(h.Ctx, asked.Challenge, "ABCD-EFGH-JKMN-PQRS")
	require.ErrorIs(t, err, totpflow.ErrChallenge)

	_, err = h.ReplaceAtSignIn(h.Ctx, "")
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	h.EnrollPhone(agent, provider)
	_, err = h.ReplaceAtSignIn(h.Ctx, h.Challenge(agent))
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
	h.Reset(ana.ID)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	_, err = h.ReplaceAtSignIn(h.Ctx, next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
}

// A person with several authenticators says which one is replaced; the others stay.
func TestReplaceOneOfSeveral(t *testing.T) {
	h := newHarness(t)
	first, _ := h.Enroll(ana)
	second, _ := h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, first))
	for range enroll.MaxAuthenticators - 2 {
		h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, first))
	}
	list := h.Status(ana).Authenticators
	require.NoError(t, h.Account(ana).RenameAuthenticator(h.Ctx, list[0].ID, "Lost phone"))

	d := h.replaceAtSignIn(ana, second)
	for _, goes := range [][]string{{"nobody"}, {list[0].ID, list[0].ID}, {""}} {
		_, err := h.BeginEnrollment(h.Ctx, d.Proof, goes...)
		require.ErrorIs(t, err, enroll.ErrUnknown, goes)
	}
	page, err := h.BeginEnrollment(h.Ctx, d.Proof, list[0].ID) // the mistakes have not consumed the proof
	require.NoError(t, err)
	require.Equal(t, []string{"Lost phone"}, page.Clears)
	require.True(t, page.Adds)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	before := h.Mark(ana)
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(t, err)
	require.Equal(t, []string{"Lost phone"}, done.Cleared)
	require.Equal(t, "Lost phone", done.Authenticator.Name)
	require.Len(t, done.Sheet.Codes, 10, "the old codes may be with the lost phone")
	require.False(t, h.SessionStands(ana, before))
	require.Len(t, h.Status(ana).Authenticators, enroll.MaxAuthenticators)
	refusedCode, err := h.VerifyCode(h.Ctx, h.Challenge(ana), first.Code())
	refused(t, refusedCode, err, totpflow.ErrRejected)
	h.PassByCode(ana, second)
	h.PassByCode(ana, phone)

	_, err = h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, phone), list[1].ID)
	require.ErrorIs(t, err, enroll.ErrUnknown, "what adds takes nobody's place")
}

// Some apps overwrite an entry with the same label: an abandoned replacement would then
// overwrite the authenticator that is in use.
func TestLabelsDiffer(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	require.Equal(t, "ana@acme.example", phone.Label().Account)
	labels := map[string]bool{phone.Label().Account: true}
	ends := map[time.Duration]string{0: `^ana@acme\.example \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d UTC$`, 25 * time.Hour: `^ana@acme\.example \d{4}-\d\d-\d\d$`}
	for _, wait := range []time.Duration{0, 0, 25 * time.Hour} {
		h.Clock.Advance(wait)
		page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
		require.NoError(t, err)
		require.Equal(t, "ana@acme.example", page.Name)
		next, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
		require.NoError(t, err)
		label := next.Label().Account
		require.False(t, labels[label], label)
		labels[label] = true
		require.Regexp(t, ends[wait], label)
		again, err := h.ContinueEnrollment(h.Ctx, page.Token, h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
		require.NoError(t, err)
		require.Equal(t, page.Offer.URI(), again.Offer.URI(), "the same offer when the page is opened again")
		done, err := h.ConfirmEnrollment(h.Ctx, page.Token, next.Code())
		require.NoError(t, err)
		require.Equal(t, "ana@acme.example", done.Sheet.Account)
		phone = next
	}
	require.Contains(t, phone.Label().Account, "ana@acme.example 2026-01-")
}
