package totpflow_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// Required: only the enrollment leads in, and its confirmation does.
func TestSetUpBeforeTheSession(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	require.Empty(t, next.ID.User)

	page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	require.Equal(t, start.Add(enroll.CandidateLifetime), page.Expires)
	require.Empty(t, page.Clears)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	require.Equal(t, totp.Label{Issuer: "Acme Backup", Account: "ana@acme.example"}, phone.Label())

	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.WrongCode())
	require.ErrorIs(t, err, totpflow.ErrRejected)
	code := phone.Code()
	h.Events.Kinds()
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, done.Step)
	require.Equal(t, ana.ID.User, done.ID.User)
	require.Len(t, done.Sheet.Codes, recovery.Codes)
	require.Equal(t, []event.Kind{event.RecoveryCodesMade, event.EnrollmentConfirmed}, h.Events.Kinds())
	again, err := totptest.TypeSecret(done.Sheet.Secret, h.Clock)
	require.NoError(t, err)
	require.Equal(t, code, again.Peek(), "the sheet sets up a later device")

	// The code that confirmed is used; the challenge and the token are over.
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
	_, err = h.BeginEnrollment(h.Ctx, next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrChallenge)
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	_, err = h.ContinueEnrollment(h.Ctx, page.Token, next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)

	_, err = h.TrustBrowser(h.Ctx, done.Proof, "this one")
	require.NoError(t, err)
}

// The person who began an enrollment may reload its page for fifteen minutes, and sees
// the same offer; starting the enrollment again ends the earlier page.
func TestReloadingTheSetUpPage(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)

	h.Clock.Advance(15*time.Minute - time.Second)
	h.Store.Reset()
	again, err := h.ContinueEnrollment(h.Ctx, page.Token, next.Challenge)
	require.NoError(t, err)
	require.Equal(t, page.Offer.URI(), again.Offer.URI())
	require.Equal(t, page.Expires, again.Expires)
	require.Zero(t, h.Store.Counts().Put)

	h.Clock.Advance(time.Second)
	_, err = h.ContinueEnrollment(h.Ctx, page.Token, next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)

	next, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	first, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	second, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	require.NotEqual(t, first.Offer.URI(), second.Offer.URI())
	_, err = h.ContinueEnrollment(h.Ctx, first.Token, next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)

	_, err = h.ContinueEnrollment(h.Ctx, second.Token, next.Challenge)
	require.NoError(t, err)
	for _, by := range []totpflow.EnrollmentGrant{nil, totpflow.Challenge(""), totpflow.Proof("")} {
		_, err = h.ContinueEnrollment(h.Ctx, second.Token, by)
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	}
	_, err = h.ContinueEnrollment(h.Ctx, "", next.Challenge)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
}

// An enrollment page that is opened late is open no longer than another: its time counts
// from the password, since anybody can scan what a person has left open.
func TestSetUpTimeCountsFromThePassword(t *testing.T) {
	for name, c := range map[string]struct {
		mode policy.Mode
		late time.Duration // just before the grant ends
	}{
		"by the proof of a session":       {policy.Optional, totpflow.ProofLifetime - time.Second},
		"by the challenge of the sign-in": {policy.Required, totpflow.ChallengeLifetime - time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withMode(c.mode))
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			var by totpflow.EnrollmentGrant = next.Challenge
			if next.Step == totpflow.Passed {
				by = next.Proof
			}
			h.Clock.Advance(c.late)
			page, err := h.BeginEnrollment(h.Ctx, by)
			require.NoError(t, err)
			require.Equal(t, start.Add(enroll.CandidateLifetime), page.Expires)
			phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
			require.NoError(t, err)
			h.Clock.Set(page.Expires.Add(-time.Second))
			again, err := h.ContinueEnrollment(h.Ctx, page.Token, by)
			require.NoError(t, err)
			require.Equal(t, page.Expires, again.Expires)

			h.Clock.Set(page.Expires)
			_, err = h.ContinueEnrollment(h.Ctx, page.Token, by)
			require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
			_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
			require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		})
	}
}

// Somebody leaves an enrollment page open, and the next person signs in with the
// same browser: they get a page of their own, not the first one's.
func TestSetUpLeftBehindInASharedBrowser(t *testing.T) {
	h := newHarness(t)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	phone, _ := h.Enroll(ben)
	proof := h.Prove(ben, totpflow.ActionReplaceAuthenticator, phone)
	left, err := h.BeginEnrollment(h.Ctx, proof)
	require.NoError(t, err)

	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.ContinueEnrollment(h.Ctx, left.Token, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	require.Contains(t, page.Offer.URI(), "ana%40acme.example")

	h.Clock.Advance(totpflow.ProofLifetime)
	_, err = h.ContinueEnrollment(h.Ctx, left.Token, proof)
	require.NoError(t, err, "its holder still can, by the proof that has served")
}

// A candidate signs nobody in, and beginning an enrollment weakens nothing.
func TestCandidateNeverSignsIn(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
	require.NoError(t, err)
	require.Equal(t, []string{"Authenticator"}, page.Clears)
	next, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), next.Code())
	refused(t, d, err, totpflow.ErrRejected)
	h.PassByCode(ana, phone)
	h.Clock.Advance(enroll.CandidateLifetime) // abandoned
	h.PassByCode(ana, phone)
	require.Equal(t, enroll.Active, h.Status(ana).State)
}

// Changing the phone: the old one works until the new one has shown a code.
func TestReplacing(t *testing.T) {
	h := newHarness(t)
	old, oldCodes := h.Enroll(ana)
	page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, old))
	require.NoError(t, err)
	h.PassByCode(ana, old)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	before := h.Mark(ana)
	h.Events.Kinds()
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(t, err)
	require.Equal(t, []event.Kind{event.RecoveryCodesMade, event.AuthenticatorsReplaced}, h.Events.Kinds())
	require.Equal(t, []string{"Authenticator"}, done.Cleared)
	require.Len(t, done.Sheet.Codes, recovery.Codes)
	require.False(t, h.SessionStands(ana, before))
	require.True(t, h.SessionStands(ana, done.Mark))

	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), old.Code())
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), oldCodes[0])
	refused(t, d, err, totpflow.ErrRejected)
	h.PassByCode(ana, phone)
}

// A person who confirms learns which of the authenticators is new.
func TestEnrolledNamesTheNewOne(t *testing.T) {
	h := newHarness(t)
	first, _ := h.Enroll(ana)
	seen := []string{h.Status(ana).Authenticators[0].ID}
	for _, action := range []totpflow.Action{totpflow.ActionAddAuthenticator, totpflow.ActionAddAuthenticator, totpflow.ActionReplaceAuthenticator} {
		page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, action, first))
		require.NoError(t, err)
		phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
		require.NoError(t, err)
		done, err := h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
		require.NoError(t, err)
		require.Contains(t, h.Status(ana).Authenticators, done.Authenticator)
		require.NotContains(t, seen, done.Authenticator.ID)
		seen = append(seen, done.Authenticator.ID)
	}
}

// Adding keeps the existing ones; five is the limit; the last one cannot be removed.
func TestSeveralAuthenticators(t *testing.T) {
	h := newHarness(t)
	first, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, first)
	var phones []*totptest.Authenticator
	for range enroll.MaxAuthenticators - 1 {
		phone, made := h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, first))
		require.Empty(t, made, "the old recovery codes stay")
		phones = append(phones, phone)
	}
	_, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, first))
	require.ErrorIs(t, err, enroll.ErrTooManyAuthenticators)
	for _, phone := range append(phones, first) {
		h.PassByCode(ana, phone)
	}
	next, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step, "nothing was taken away, trust stays")
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)

	a := h.Account(ana)
	list := h.Status(ana).Authenticators
	require.Len(t, list, enroll.MaxAuthenticators)
	require.NoError(t, a.RenameAuthenticator(h.Ctx, list[1].ID, "Tablet"))
	require.Equal(t, "Tablet", h.Status(ana).Authenticators[1].Name)
	require.ErrorIs(t, a.RenameAuthenticator(h.Ctx, "nobody", "x"), enroll.ErrUnknown)

	require.ErrorIs(t, servicetest.ErrorOf(a.RemoveAuthenticator(h.Ctx, "", list[1].ID)), totpflow.ErrProof)
	for _, x := range list[1:] {
		require.NoError(t, servicetest.ErrorOf(a.RemoveAuthenticator(h.Ctx, h.ProveFor(ana, totpflow.ActionRemoveAuthenticator.On(x.ID), first), x.ID)))
	}
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phones[0].Code())
	refused(t, d, err, totpflow.ErrRejected)
	other := h.ProveFor(ana, totpflow.ActionRemoveAuthenticator.On("another"), first)
	require.ErrorIs(t, servicetest.ErrorOf(a.RemoveAuthenticator(h.Ctx, other, list[0].ID)), totpflow.ErrProof, "for another authenticator")
	proof := h.ProveFor(ana, totpflow.ActionRemoveAuthenticator.On(list[0].ID), first)
	require.ErrorIs(t, servicetest.ErrorOf(a.RemoveAuthenticator(h.Ctx, proof, list[0].ID)), enroll.ErrLast)
}

// One guess at an account with five authenticators is as good as five, and is charged as
// five: the limit per year is kept.
func TestGuessesAreChargedByAuthenticators(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	first, _ := h.Enroll(ana)
	for range 4 {
		h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, first))
	}
	h.Clock.Advance(time.Hour)
	answered := 0
	for range 30 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), first.WrongCode())
		var wait *throttle.Error
		if errors.As(err, &wait) {
			if wait.Until.Sub(h.Clock.Now()) > time.Hour {
				break
			}
			h.Clock.Set(wait.Until)
			continue
		}
		answered++
	}
	require.Equal(t, 4, answered, "60 chances a day, 15 a guess")
}

// A wrong clock on the device is detected at the confirmation, and only there.
func TestClockDrift(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
	require.NoError(t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	phone.SetDrift(-4 * time.Minute)
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	var drift *enroll.DriftError
	require.ErrorAs(t, err, &drift)
	require.ErrorIs(t, err, totpflow.ErrRejected)
	require.InDelta(t, -4*time.Minute, drift.Off, float64(30*time.Second))

	phone.SetDrift(0)
	h.Clock.Advance(time.Minute)
	_, err = h.ConfirmEnrollment(h.Ctx, page.Token, phone.Code())
	require.NoError(t, err)
	h.Clock.Advance(time.Hour)
	phone.SetDrift(4 * time.Minute)
	_, err = h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Peek())
	require.Equal(t, totpflow.ErrRejected, err, "no hint at sign-in")
}

// Of two confirmations, or of a confirmation and a new beginning, one wins.
func TestConcurrentConfirmations(t *testing.T) {
	h := newHarness(t, withMode(policy.Required), func(c *totpflow.Config) { c.Observer = quiet })
	for round := range 50 {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("user", round)}}
		next, err := h.SignIn(h.Ctx, u)
		require.NoError(t, err)
		page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
		require.NoError(t, err)
		phone, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
		require.NoError(t, err)
		code := phone.Code()
		var won atomic.Int32
		together(3, func(i int) {
			var err error
			if i == 2 {
				_, err = h.BeginEnrollment(h.Ctx, next.Challenge)
			} else {
				_, err = h.ConfirmEnrollment(h.Ctx, page.Token, code)
				if err == nil {
					won.Add(1)
				}
			}
			if err != nil && !errors.Is(err, totpflow.ErrEnrollmentExpired) && !errors.Is(err, totpflow.ErrChallenge) {
				t.Error(err)
			}
		})
		require.LessOrEqual(t, won.Load(), int32(1))
	}
}
