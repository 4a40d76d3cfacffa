package totpflow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
)

// A person who loses the phone and sets up another one is told twice: once for each
// thing that they did, and not for each event.
func TestOneMessageForEachFlow(t *testing.T) {
	var told []event.Kind
	h := newHarness(t, func(c *totpflow.Config) {
		c.Notifier = event.NotifierFunc(func(_ context.Context, n event.Notification) error {
			told = append(told, n.Main().Kind)
			return nil
		})
	})
	settled := func(want ...event.Kind) {
		t.Helper()
		require.NoError(t, h.Service.Drain(h.Ctx))
		require.Equal(t, want, told)
		told = nil
	}
	_, codes := h.Enroll(ana)
	settled(event.EnrollmentConfirmed)
	h.Clock.Advance(time.Minute)
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	settled(event.RecoveryUsed)
	h.Clock.Advance(time.Minute)
	h.EnrollBy(d.Proof)
	settled(event.AuthenticatorsReplaced)
}

// Deliver repeats the events that the notifier did not take, also from another process.
func TestDeliver(t *testing.T) {
	down, told := true, 0
	h := newHarness(t, func(c *totpflow.Config) { c.Notifier = event.Deferred })
	h.Enroll(ana)
	other := h.Open(func(c *totpflow.Config) {
		c.Notifier = event.NotifierFunc(func(context.Context, event.Notification) error {
			if down {
				return context.DeadlineExceeded
			}
			told++
			return nil
		})
	})
	h.Clock.Advance(3 * time.Minute)
	n, err := other.Deliver(h.Ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, n)
	down = false
	h.Clock.Advance(6 * time.Minute)
	n, err = other.Deliver(h.Ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, told)
	n, err = h.Service.Deliver(h.Ctx)
	require.NoError(t, err, "this process leaves it to the others")
	require.Zero(t, n)
}

// A wrong but valid ring is found at the start, and not by new enrollments that are
// sealed with it.
func TestReady(t *testing.T) {
	h := newHarness(t)
	require.NoError(t, h.Service.Ready(h.Ctx))
	h.Enroll(ana)
	require.NoError(t, h.Service.Ready(h.Ctx))
	wrong := h.Open(func(c *totpflow.Config) {
		keys, err := keyring.Parse(keyring.Generate())
		require.NoError(t, err)
		c.Keys, c.Policy = keys, policy.Fixed{Mode: policy.Optional}
	})
	require.ErrorIs(t, wrong.Ready(h.Ctx), keyring.ErrUnknownKey)
}
