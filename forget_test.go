package totpflow_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// Erasure: nothing is left but the event. A host that goes on under the same id
// begins with somebody who never enrolled; one that kept the generation is refused
// until it forgets it too.
func TestForget(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	token, challenge := h.trusted(ana, phone), h.ask(ana)
	kept := ana
	kept.Generation = h.status(ana).Generation
	h.events.kinds()
	require.NoError(t, h.Admin(nil).Forget(h.ctx, ops, anaID))
	require.Empty(t, h.versions())
	told := h.told(event.Forgotten)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.NotZero(t, told[0].Number)

	require.ErrorIs(t, h.Admin(nil).Forget(h.ctx, ops, anaID), admin.ErrNoAccount)
	require.ErrorIs(t, h.Disown(h.ctx, h.NewDisownToken(told[0])), totpflow.ErrDisownToken)
	d, err := h.SignIn(h.ctx, kept)
	refused(t, d, err, totpflow.ErrRecordLost)
	d, err = h.VerifyCode(h.ctx, challenge, phone.Code())
	refused(t, d, err, totpflow.ErrChallenge)
	next, err := h.SignIn(h.ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonNotEnrolled, next.Reason)
}

// What cannot be deleted stays whole, and says so; the next call deletes it.
func TestForgetFails(t *testing.T) {
	for name, f := range map[string]totptest.Faults{"the write": {Put: errors.New("disk full")}, "the read": {Get: errors.New("gone")}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			h.store.SetFaults(f)
			require.Error(t, h.Admin(nil).Forget(h.ctx, ops, anaID))
			h.store.SetFaults(totptest.Faults{})
			h.pass(ana, phone)
			require.NoError(t, h.Admin(nil).Forget(h.ctx, ops, anaID))
		})
	}
	t.Run("another flow writes meanwhile", func(t *testing.T) {
		h := newHouse(t)
		h.enroll(ana)
		s := h.open(func(c *totpflow.Config) {
			c.Store = deletesAfter{h.store, &sync.Once{}, func() { require.NoError(t, h.Account(ana).PasswordChanged(h.ctx)) }}
		})
		require.NoError(t, admin.New(s, nil).Forget(h.ctx, ops, anaID))
		require.Empty(t, h.versions())
	})
	h := newHouse(t)
	h.enroll(ana)
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	require.Error(t, h.Admin(nil).Forget(ctx, ops, anaID))
	require.Len(t, h.versions(), 1)
}

// A deletesAfter store lets something happen before its first deletion.
type deletesAfter struct {
	store.Store
	first *sync.Once
	then  func()
}

func (s deletesAfter) Delete(ctx context.Context, id store.AccountID, was store.Version) error {
	s.first.Do(s.then)
	return s.Store.Delete(ctx, id, was)
}
