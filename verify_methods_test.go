package totpflow_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totp"
)

// A lost phone: the recovery code lets the person in once and leads straight to
// a new authenticator; the old one works until that has shown a code.
func TestRecoveryLeadsToANewAuthenticator(t *testing.T) {
	h := newHarness(t)
	lost, codes := h.Enroll(ana)
	browser := h.TrustBrowserOf(ana, lost)

	next, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[3])
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	require.Equal(t, totpflow.ReasonRecoveryCode, next.Reason)
	require.Equal(t, 9, next.RecoveryCodesLeft)
	require.Zero(t, next.TrustFor, "no trust on the strength of a recovery code")
	_, err = h.TrustBrowser(h.Ctx, next.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)

	again, err := h.SignIn(h.Ctx, ana, browser)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step, "a trusted browser outlived the use of a recovery code")

	page, err := h.BeginEnrollment(h.Ctx, next.Proof)
	require.NoError(t, err)
	require.Equal(t, []string{"Authenticator"}, page.Clears)
	h.Clock.Advance(time.Minute)
	h.PassByCode(ana, lost)
	_, err = h.BeginEnrollment(h.Ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof serves once")
}

// Each code works once, however many requests try it at once.
func TestRecoveryCodeWorksOnceUnderConcurrency(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	_, codes := h.Enroll(ana)
	other := h.Open(func(c *totpflow.Config) { c.Observer = quiet })
	var challenges []totpflow.Challenge
	for range 30 {
		challenges = append(challenges, h.Challenge(ana))
	}
	var passed atomic.Int32
	together(30, func(i int) {
		s := h.Service
		if i%2 == 1 {
			s = other
		}
		_, err := s.VerifyRecoveryCode(h.Ctx, challenges[i], codes[0])
		switch {
		case err == nil:
			passed.Add(1)
		case errors.Is(err, totpflow.ErrChallenge): // a code that was used ends the other sign-ins under way
		default:
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, passed.Load())
	require.Equal(t, 9, h.Status(ana).RecoveryCodes.Left)
}

// Recovery has a counter of its own: ten tries an hour, and an empty budget of codes does
// not close it.
func TestRecoveryHasItsOwnCounter(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	require.NotNil(t, h.Status(ana).Throttled)
	next, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)

	h.Clock.Advance(time.Hour)
	for range 10 {
		_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), "ZZZZ-ZZZZ-ZZZZ-ZZZZ")
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[1])
	refused(t, d, err, throttle.ErrThrottled)
	h.PassByCode(ana, phone) // and the other way round
	h.Clock.Advance(time.Hour)
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[1])
	require.NoError(t, err)
}

// Case, spaces and hyphens do not matter; text that cannot be a code is not counted.
func TestRecoverySpelling(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	for range 20 {
		d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), "not a code")
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, recovery.ErrMalformed)
	}
	spelled := ""
	for _, r := range codes[0] {
		if r != '-' {
			spelled += " " + string(r)
		}
	}
	_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), spelled)
	require.NoError(t, err)
}

// New codes end the old ones with the same write.
func TestNewRecoveryCodes(t *testing.T) {
	h := newHarness(t)
	phone, old := h.Enroll(ana)
	a := h.Account(ana)
	_, _, err := a.NewRecoveryCodes(h.Ctx, "")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, _, err = a.NewRecoveryCodes(h.Ctx, h.Prove(ana, totpflow.ActionDisable, phone))
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof of another action")

	h.Events.Kinds()
	sheet, _, err := a.NewRecoveryCodes(h.Ctx, h.Prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.NoError(t, err)
	require.Len(t, sheet.Codes, recovery.Codes)
	require.Empty(t, sheet.Secret)
	require.Equal(t, []event.Kind{event.Reauthenticated, event.RecoveryCodesMade}, h.Events.Kinds())
	for _, code := range old[:3] {
		_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), code)
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), sheet.Codes[9])
	require.NoError(t, err)

	st := h.Status(ana)
	require.Zero(t, st.RecoveryCodes.Saved)
	require.NoError(t, a.RecoveryCodesSaved(h.Ctx))
	require.Equal(t, h.Clock.Now().Truncate(time.Second), h.Status(ana).RecoveryCodes.Saved.Truncate(time.Second))
}

// If a code is used and the set is replaced at the same time, one wins and ends the
// other: there is no moment at which an old code and a new set are both valid.
func TestUseAgainstRegeneration(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	phone, codes := h.Enroll(ana)
	for range 20 {
		h.Clock.Advance(time.Hour)
		proof, challenge := h.Prove(ana, totpflow.ActionRecoveryCodes, phone), h.Challenge(ana)
		old := codes
		var used, made error
		together(2, func(i int) {
			if i == 0 {
				_, used = h.VerifyRecoveryCode(h.Ctx, challenge, old[0])
				return
			}
			sheet, _, err := h.Account(ana).NewRecoveryCodes(h.Ctx, proof)
			codes, made = sheet.Codes, err
		})
		if made != nil {
			require.ErrorIs(t, made, totpflow.ErrProof)
			require.NoError(t, used)
			require.Equal(t, recovery.Codes-1, h.Status(ana).RecoveryCodes.Left)
			codes = h.NewRecoveryCodes(ana, phone)
			continue
		}
		require.ErrorIs(t, used, totpflow.ErrChallenge)
		require.Equal(t, recovery.Codes, h.Status(ana).RecoveryCodes.Left, "the new set is whole")
		_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), old[0])
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
}

// The account's one budget of guesses also applies to a host's own factor.
func TestExternal(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	c := h.Challenge(ana)
	down := fmt.Errorf("reader unplugged: %w", totpflow.ErrUndecided)
	check := h.external(c)
	d, err := h.CompleteExternal(h.Ctx, c, check, ana.ID, down)
	refused(t, d, err, down)
	for range 5 { // the first is the check of a reader that was unplugged
		d, err = h.CompleteExternal(h.Ctx, c, check, ana.ID, totpflow.ErrRejected)
		refused(t, d, err, totpflow.ErrRejected)
		if next, _, err := h.BeginExternal(h.Ctx, c, "key"); err == nil {
			check = next
		} else {
			require.ErrorIs(t, err, throttle.ErrThrottled, "nothing is checked while the account is locked")
		}
	}
	d, err = h.CompleteExternal(h.Ctx, c, check, ana.ID, nil)
	refused(t, d, err, throttle.ErrThrottled)
	h.Clock.Advance(time.Minute)
	d, err = h.CompleteExternal(h.Ctx, c, h.external(c), ana.ID, nil)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonExternal, d.Reason)
	require.Equal(t, ana.ID, d.ID)
	require.NotZero(t, d.TrustFor)
	_, err = h.TrustBrowser(h.Ctx, d.Proof, "Firefox on Linux")
	require.NoError(t, err, "as after an app's code")
}

// A host that forgets ErrRejected, or does not look at whose factor was shown, lets nobody
// guess for free, and lets no attacker in with a factor of their own.
func TestExternalFailsClosed(t *testing.T) {
	ben := totpflow.AccountID{Tenant: "acme", User: "ben"}
	elsewhere := totpflow.AccountID{Tenant: "globex", User: ana.ID.User}
	wrong := errors.New("wrong code")
	for name, x := range map[string]struct {
		shown  totpflow.AccountID
		result error
		is     error
		counts bool
	}{
		"an error of the host's own":     {ana.ID, wrong, totpflow.ErrRejected, true},
		"a malformed code":               {ana.ID, totp.ErrMalformedCode, totpflow.ErrRejected, true},
		"a factor of another account":    {ben, nil, totpflow.ErrRejected, true},
		"of the same name elsewhere":     {elsewhere, nil, totpflow.ErrRejected, true},
		"of no account":                  {totpflow.AccountID{}, nil, totpflow.ErrRejected, true},
		"a check that could not decide":  {ana.ID, fmt.Errorf("reader: %w", totpflow.ErrUndecided), totpflow.ErrUndecided, false},
		"a request that ended meanwhile": {ana.ID, context.Canceled, context.Canceled, false},
		"a provider that took too long":  {ana.ID, fmt.Errorf("key: %w", context.DeadlineExceeded), context.DeadlineExceeded, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.Enroll(ana)
			c := h.Challenge(ana)
			check, of, err := h.BeginExternal(h.Ctx, c, "key")
			require.NoError(t, err)
			require.Equal(t, ana.ID, of)
			for range 5 {
				d, err := h.CompleteExternal(h.Ctx, c, h.external(c), x.shown, x.result)
				refused(t, d, err, x.is)
			}
			d, err := h.CompleteExternal(h.Ctx, c, check, ana.ID, nil)
			if x.counts {
				refused(t, d, err, throttle.ErrThrottled)
				return
			}
			require.NoError(t, err)
			require.Equal(t, ana.ID, d.ID)
		})
	}
}

// A check is valid for one sign-in, one result and five minutes.
func TestExternalCheckIsUsedUp(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}}
	h.Enroll(ben)
	complete := func(c totpflow.Challenge, x totpflow.Challenge, result, is error) {
		t.Helper()
		d, err := h.CompleteExternal(h.Ctx, c, x, ana.ID, result)
		refused(t, d, err, is)
	}
	c := h.Challenge(ana)
	failed := h.external(c)
	complete(c, failed, totpflow.ErrRejected, totpflow.ErrRejected)
	complete(c, failed, nil, totpflow.ErrChallenge) // a check that failed does not pass later

	other := h.Challenge(ana)
	complete(other, h.external(c), nil, totpflow.ErrChallenge) // another sign-in of the same person
	complete(h.Challenge(ben), h.external(c), nil, totpflow.ErrChallenge)
	complete(c, "", nil, totpflow.ErrChallenge)
	complete(c, c, nil, totpflow.ErrChallenge)
	complete("", h.external(c), nil, totpflow.ErrChallenge)

	late := h.external(c)
	h.Clock.Advance(totpflow.ProofLifetime)
	complete(c, late, nil, totpflow.ErrChallenge)

	passed := h.external(c)
	d, err := h.CompleteExternal(h.Ctx, c, passed, ana.ID, nil)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	complete(c, passed, nil, totpflow.ErrChallenge)
	complete(other, passed, nil, totpflow.ErrChallenge)
}

// The factor is an additional method for people who have an authenticator. After a reset
// it does not replace the issued code.
func TestExternalNeedsAnAuthenticator(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	h.Enroll(ana)
	h.Freeze(ana)
	h.Reset(ana.ID)
	c := h.Challenge(ana)
	_, _, err := h.BeginExternal(h.Ctx, c, "key")
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
}
