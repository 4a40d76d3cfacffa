package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/trust"
)

// A thief in the owner's session puts a phone of their own in place of the
// owner's. The owner's mail says so; its link closes the account, and an
// administrator brings the owner's phone back. Nothing of the thief's is left.
func TestRestoreAfterATheft(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	old := h.trusted(ana, phone)
	h.events.kinds()
	thief, stolen := h.setUp(h.prove(ana, totpflow.ActionReplaceAuthenticator, phone)) // talked out of a code
	mail := h.told(event.AuthenticatorsReplaced)[0]
	browser := h.trusted(ana, thief)
	h.clock.Advance(time.Hour)
	again, _ := h.setUp(h.prove(ana, totpflow.ActionReplaceAuthenticator, thief)) // to push the owner's out
	session := h.clock.Now()

	require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(mail)))
	d, err := h.SignIn(h.ctx, ana, browser)
	refused(t, d, err, totpflow.ErrFrozen)
	kept := h.member(anaID).Recoverable
	require.Len(t, kept, 2)
	require.Equal(t, start, kept[0].Added, "the owner's is the oldest")
	h.clock.Advance(time.Minute)
	h.events.kinds()
	require.NoError(t, h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, kept[0].ID))
	told := h.told(event.AuthenticatorRestored)
	require.Equal(t, kept[0].ID, told[0].Authenticator)
	require.Equal(t, "operator root", told[0].Actor)

	h.pass(ana, phone)
	for name, p := range map[string]interface{ Code() string }{"the thief's": thief, "the other": again} {
		d, err = h.VerifyCode(h.ctx, h.ask(ana), p.Code())
		require.Error(t, err, name)
		require.Zero(t, d)
	}
	require.NoError(t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
	for _, code := range []string{codes[0], stolen[0]} {
		d, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), code)
		refused(t, d, err, totpflow.ErrRejected)
	}
	next, err := h.SignIn(h.ctx, ana, []trust.Token{old, browser}...)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	valid, err := h.Account(ana).SessionValid(h.ctx, session)
	require.NoError(t, err)
	require.False(t, valid)
	require.Empty(t, h.member(anaID).Recoverable)
	h.newCodes(ana, phone)
}

// What can be brought back, until when, and with its codes still used.
func TestRestore(t *testing.T) {
	for name, take := range map[string]func(h *house, proof func(totpflow.Action) totpflow.Proof){
		"replaced": func(h *house, proof func(totpflow.Action) totpflow.Proof) {
			h.setUp(proof(totpflow.ActionReplaceAuthenticator))
		},
		"disabled": func(h *house, proof func(totpflow.Action) totpflow.Proof) {
			require.NoError(h.t, h.Account(ana).Disable(h.ctx, proof(totpflow.ActionDisable)))
		},
		"removed": func(h *house, proof func(totpflow.Action) totpflow.Proof) {
			h.setUp(proof(totpflow.ActionAddAuthenticator))
			require.NoError(h.t, h.Account(ana).RemoveAuthenticator(h.ctx, proof(totpflow.ActionRemoveAuthenticator), h.status(ana).Authenticators[0].ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			code := ""
			take(h, func(a totpflow.Action) totpflow.Proof {
				code = phone.Code()
				p, err := h.Account(ana).Reauthenticate(h.ctx, a, code)
				require.NoError(t, err)
				return p
			})
			kept := h.member(anaID).Recoverable
			require.Len(t, kept, 1)
			require.ErrorIs(t, h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, "nobody's"), enroll.ErrUnknown)
			h.unchanged(func() {
				h.clock.Set(kept[0].Until)
				require.ErrorIs(t, h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, kept[0].ID), enroll.ErrUnknown)
				h.clock.Set(start.Add(time.Minute))
			})
			require.NoError(t, h.Admin(nil).RestoreAuthenticator(h.ctx, ops, anaID, kept[0].ID))
			d, err := h.VerifyCode(h.ctx, h.ask(ana), code)
			refused(t, d, err, totpflow.ErrAlreadyUsed)
			h.pass(ana, phone)
			require.Zero(t, h.status(ana).RecoveryCodes)
		})
	}
}
