package totpflow_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// A lost phone: the recovery code lets the person in once and leads straight to
// a new authenticator; the old one works until that has shown a code.
func TestRecoveryLeadsToANewAuthenticator(t *testing.T) {
	h := newHouse(t)
	lost, codes := h.enroll(ana)
	browser := h.trusted(ana, lost)

	next, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[3])
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	require.Equal(t, totpflow.ReasonRecoveryCode, next.Reason)
	require.Equal(t, 9, next.RecoveryCodesLeft)
	require.Zero(t, next.TrustFor, "no trust on the strength of a recovery code")
	_, err = h.TrustBrowser(h.ctx, next.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)

	again, err := h.SignIn(h.ctx, ana, browser)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step, "a trusted browser outlived the use of a recovery code")

	page, err := h.BeginEnrollment(h.ctx, next.Proof)
	require.NoError(t, err)
	require.Equal(t, []string{"Authenticator"}, page.Clears)
	h.clock.Advance(time.Minute)
	h.pass(ana, lost)
	_, err = h.BeginEnrollment(h.ctx, next.Proof)
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof serves once")
}

// Each code works once, however many requests try it at once.
func TestRecoveryCodeWorksOnceUnderConcurrency(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	_, codes := h.enroll(ana)
	other := h.open(func(c *totpflow.Config) { c.Events = quiet })
	var challenges []totpflow.Challenge
	for range 30 {
		challenges = append(challenges, h.ask(ana))
	}
	var passed atomic.Int32
	together(30, func(i int) {
		s := h.Service
		if i%2 == 1 {
			s = other
		}
		_, err := s.VerifyRecoveryCode(h.ctx, challenges[i], codes[0])
		switch {
		case err == nil:
			passed.Add(1)
		case errors.Is(err, totpflow.ErrChallenge): // a code that was used ends the other sign-ins under way
		default:
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, passed.Load())
	require.Equal(t, 9, h.status(ana).RecoveryCodes.Left)
}

// Recovery has a counter of its own: ten tries an hour, and a spent budget of
// codes does not close it.
func TestRecoveryHasItsOwnCounter(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	h.clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	require.NotNil(t, h.status(ana).Throttled)
	next, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)

	h.clock.Advance(time.Hour)
	for range 10 {
		_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), "ZZZZ-ZZZZ-ZZZZ-ZZZZ")
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[1])
	refused(t, d, err, throttle.ErrThrottled)
	h.pass(ana, phone) // and the other way round
	h.clock.Advance(time.Hour)
	_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[1])
	require.NoError(t, err)
}

// Case, spaces and hyphens do not matter; what cannot be a code is not counted.
func TestRecoverySpelling(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	for range 20 {
		d, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), "not a code")
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, recovery.ErrMalformed)
	}
	spelled := ""
	for _, r := range codes[0] {
		if r != '-' {
			spelled += " " + string(r)
		}
	}
	_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), spelled)
	require.NoError(t, err)
}

// New codes end the old ones with the same write.
func TestNewRecoveryCodes(t *testing.T) {
	h := newHouse(t)
	phone, old := h.enroll(ana)
	a := h.Account(ana)
	_, _, err := a.NewRecoveryCodes(h.ctx, "")
	require.ErrorIs(t, err, totpflow.ErrProof)
	_, _, err = a.NewRecoveryCodes(h.ctx, h.prove(ana, totpflow.ActionDisable, phone))
	require.ErrorIs(t, err, totpflow.ErrProof, "a proof of another action")

	h.events.kinds()
	sheet, _, err := a.NewRecoveryCodes(h.ctx, h.prove(ana, totpflow.ActionRecoveryCodes, phone))
	require.NoError(t, err)
	require.Len(t, sheet.Codes, recovery.Codes)
	require.Empty(t, sheet.Secret)
	require.Equal(t, []event.Kind{event.Reauthenticated, event.RecoveryCodesMade}, h.events.kinds())
	for _, code := range old[:3] {
		_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), code)
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), sheet.Codes[9])
	require.NoError(t, err)

	st := h.status(ana)
	require.Zero(t, st.RecoveryCodes.Saved)
	require.NoError(t, a.RecoveryCodesSaved(h.ctx))
	require.Equal(t, h.clock.Now().Truncate(time.Second), h.status(ana).RecoveryCodes.Saved.Truncate(time.Second))
}

// Of a code used and a regeneration at the same time one wins, and ends the
// other: there is no moment at which an old code and a new set both stand.
func TestUseAgainstRegeneration(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, codes := h.enroll(ana)
	for range 20 {
		h.clock.Advance(time.Hour)
		proof, challenge := h.prove(ana, totpflow.ActionRecoveryCodes, phone), h.ask(ana)
		old := codes
		var used, made error
		together(2, func(i int) {
			if i == 0 {
				_, used = h.VerifyRecoveryCode(h.ctx, challenge, old[0])
				return
			}
			sheet, _, err := h.Account(ana).NewRecoveryCodes(h.ctx, proof)
			codes, made = sheet.Codes, err
		})
		if made != nil {
			require.ErrorIs(t, made, totpflow.ErrProof)
			require.NoError(t, used)
			require.Equal(t, recovery.Codes-1, h.status(ana).RecoveryCodes.Left)
			codes = h.newCodes(ana, phone)
			continue
		}
		require.ErrorIs(t, used, totpflow.ErrChallenge)
		require.Equal(t, recovery.Codes, h.status(ana).RecoveryCodes.Left, "the new set is whole")
		_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), old[0])
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
}

// newCodes makes a new set with the phone's leave.
func (h *house) newCodes(u totpflow.User, phone *totptest.Authenticator) []string {
	h.t.Helper()
	sheet, _, err := h.Account(u).NewRecoveryCodes(h.ctx, h.prove(u, totpflow.ActionRecoveryCodes, phone))
	require.NoError(h.t, err)
	return sheet.Codes
}
