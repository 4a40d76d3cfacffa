package admin_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// A thief in the owner's session puts a phone of their own in place of the
// owner's. The owner's mail says so; its link closes the account, and an
// administrator brings the owner's phone back. Nothing of the thief's is left.
func TestRestoreAfterATheft(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	old := h.TrustBrowserOf(ana, phone)
	h.Events.Kinds()
	thief, stolen := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)) // with a code that the owner was talked out of
	mail := h.EventsOf(event.AuthenticatorsReplaced)[0]
	browser := h.TrustBrowserOf(ana, thief)
	h.Clock.Advance(time.Hour)
	again, last := h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, thief)) // to push the owner's out
	session := h.Mark(ana)

	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(mail))))
	d, err := h.SignIn(h.Ctx, ana, browser)
	refused(t, d, err, totpflow.ErrFrozen)
	kept := h.Member(anaID).Recoverable
	require.Len(t, kept, 2)
	require.Equal(t, start, kept[0].Added, "the owner's is the oldest")
	h.Clock.Advance(time.Minute)
	h.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, kept[0].ID)))
	told := h.EventsOf(event.AuthenticatorRestored)
	require.Equal(t, kept[0].ID, told[0].Authenticator)
	require.Equal(t, "operator root", told[0].Actor)

	h.PassByCode(ana, phone)
	for name, p := range map[string]interface{ Code() string }{"the thief's": thief, "the other": again} {
		d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), p.Code())
		require.Error(t, err, name)
		require.Zero(t, d)
	}
	require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
	for _, code := range []string{codes[0], stolen[0], last[0]} {
		d, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), code)
		refused(t, d, err, totpflow.ErrRejected)
	}
	next, err := h.SignIn(h.Ctx, ana, []trust.Token{old, browser}...)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.False(t, h.SessionStands(ana, session))
	require.Empty(t, h.Member(anaID).Recoverable)
	h.NewRecoveryCodes(ana, phone)
}

// Which authenticators can be restored, and until when. Their used codes stay used.
func TestRestore(t *testing.T) {
	for name, take := range map[string]func(h *harness, proof func(totpflow.Purpose) totpflow.Proof){
		"replaced": func(h *harness, proof func(totpflow.Purpose) totpflow.Proof) {
			h.EnrollBy(proof(totpflow.ActionReplaceAuthenticator.On("")))
		},
		"disabled": func(h *harness, proof func(totpflow.Purpose) totpflow.Proof) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, proof(totpflow.ActionDisable.On("")))))
		},
		"removed": func(h *harness, proof func(totpflow.Purpose) totpflow.Proof) {
			h.EnrollBy(proof(totpflow.ActionAddAuthenticator.On("")))
			id := h.Status(ana).Authenticators[0].ID
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).RemoveAuthenticator(h.Ctx, proof(totpflow.ActionRemoveAuthenticator.On(id)), id)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			code := ""
			take(h, func(p totpflow.Purpose) totpflow.Proof {
				code = phone.Code()
				proof, err := h.Account(ana).VerifyCode(h.Ctx, p, code)
				require.NoError(t, err)
				return proof
			})
			kept := h.Member(anaID).Recoverable
			require.Len(t, kept, 1)
			require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, "nobody's")), enroll.ErrUnknown)
			h.Unchanged(func() {
				h.Clock.Set(kept[0].Until)
				require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, kept[0].ID)), enroll.ErrUnknown)
				h.Clock.Set(start.Add(time.Minute))
			})
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, kept[0].ID)))
			d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
			refused(t, d, err, totpflow.ErrAlreadyUsed)
			h.PassByCode(ana, phone)
			require.Zero(t, h.Status(ana).RecoveryCodes)
		})
	}
}

// Erasure leaves nothing but the event. A host that reuses the id gets an account that
// never enrolled; one that kept the generation is refused until it forgets that too.
func TestForget(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	token, challenge := h.TrustBrowserOf(ana, phone), h.Challenge(ana)
	kept, mark := ana, h.Mark(ana)
	kept.Generation = h.Status(ana).Generation
	h.Events.Kinds()
	require.NoError(t, h.Admin(nil).Forget(h.Ctx, ops, anaID))
	require.Empty(t, h.Versions())
	told := h.EventsOf(event.Forgotten)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.NotZero(t, told[0].Number)

	require.ErrorIs(t, h.Admin(nil).Forget(h.Ctx, ops, anaID), admin.ErrNoAccount)
	require.ErrorIs(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(told[0]))), totpflow.ErrDisownToken)
	valid, err := h.Account(kept).SessionValid(h.Ctx, mark)
	require.ErrorIs(t, err, totpflow.ErrRecordLost)
	require.False(t, valid, "the generation keeps everybody out until the host has deleted the user")
	d, err := h.SignIn(h.Ctx, kept)
	refused(t, d, err, totpflow.ErrRecordLost)
	d, err = h.VerifyCode(h.Ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
	next, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}

// An operator can erase a record that does not open, and the account stays closed until the
// host has deleted the generation too. An administrator cannot, nor an operator with the
// ring of another installation, for whom no record opens.
func TestForgetUnreadable(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	kept := ana
	kept.Generation = o.Status(ana).Generation
	o.Garble(anaID)
	require.ErrorIs(t, o.admin.Forget(o.Ctx, o.By(o.boss, admin.ActionForgetAccount), anaID), keyring.ErrOpen)
	stranger := admin.New(o.Open(func(c *totpflow.Config) {
		keys, err := keyring.Parse(keyring.Generate())
		require.NoError(t, err)
		c.Keys = keys
	}), nil)
	require.ErrorIs(t, stranger.Forget(o.Ctx, ops, anaID), keyring.ErrOpen)
	require.ErrorIs(t, stranger.Forget(o.Ctx, ops, o.boss.ID), keyring.ErrOpen)
	require.Empty(t, o.EventsOf(event.Forgotten))

	require.NoError(t, o.admin.Forget(o.Ctx, ops, anaID))
	told := o.EventsOf(event.Forgotten)
	require.Len(t, told, 1)
	require.Equal(t, []string{"operator root", ana.ID.User}, []string{told[0].Actor, told[0].User})
	require.ErrorIs(t, o.admin.Forget(o.Ctx, ops, anaID), admin.ErrNoAccount)
	d, err := o.SignIn(o.Ctx, kept)
	refused(t, d, err, totpflow.ErrRecordLost)
}

// An account that cannot be deleted stays whole, and the call fails; the next call deletes it.
func TestForgetFails(t *testing.T) {
	for name, f := range map[string]totptest.Faults{"the write": {Put: errors.New("disk full")}, "the read": {Get: errors.New("gone")}} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			h.Store.SetFaults(f)
			require.Error(t, h.Admin(nil).Forget(h.Ctx, ops, anaID))
			h.Store.SetFaults(totptest.Faults{})
			h.PassByCode(ana, phone)
			require.NoError(t, h.Admin(nil).Forget(h.Ctx, ops, anaID))
		})
	}
	t.Run("another flow writes meanwhile", func(t *testing.T) {
		h := newHarness(t)
		h.Enroll(ana)
		s := h.Open(func(c *totpflow.Config) {
			c.Store = deletesAfter{h.Store, &sync.Once{}, func() { require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx))) }}
		})
		require.NoError(t, admin.New(s, nil).Forget(h.Ctx, ops, anaID))
		require.Empty(t, h.Versions())
	})
	h := newHarness(t)
	h.Enroll(ana)
	ctx, cancel := context.WithCancel(h.Ctx)
	cancel()
	require.Error(t, h.Admin(nil).Forget(ctx, ops, anaID))
	require.Len(t, h.Versions(), 1)
}

// A deletesAfter store calls a function before its first deletion.
type deletesAfter struct {
	store.Store
	first *sync.Once
	then  func()
}

func (s deletesAfter) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	s.first.Do(s.then)
	return s.Store.Delete(ctx, id, was)
}
