package kit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest/kit"
)

var ana = totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}

// One call for everything, and one for an enrolled person, whatever the policy.
func TestKit(t *testing.T) {
	for _, mode := range []policy.Mode{policy.Optional, policy.Required} {
		k := kit.New(func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: mode} })
		phone, codes := k.Enroll(ana)
		require.Len(t, codes, 10)
		d := k.SignIn(ana, phone)
		require.Equal(t, totpflow.Passed, d.Step)
		told := k.Notifications()
		require.NotEmpty(t, told)
		require.Equal(t, event.EnrollmentConfirmed, told[len(told)-1].Main().Kind)
		require.Panics(t, func() { k.Enroll(ana) }, "she has one already")
	}
	require.Panics(t, func() { kit.New(func(c *totpflow.Config) { c.Issuer = "a:b" }) })
}

// The next calls fail, and those after them do not; nobody gets in by a failed one.
func TestFailNext(t *testing.T) {
	k := kit.New()
	phone, _ := k.Enroll(ana)
	down := errors.New("down")
	for _, n := range []int{1, 2} {
		k.Store.FailNext(n, down)
		for range n {
			d, err := k.Service.SignIn(t.Context(), ana)
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.Zero(t, d)
		}
		require.Equal(t, totpflow.Passed, k.SignIn(ana, phone).Step)
	}
}

// A call that is held waits for the release or the end of its context.
func TestHold(t *testing.T) {
	k := kit.New()
	k.Enroll(ana)
	require.NoError(t, k.Service.Drain(t.Context()))
	release := k.Store.Hold()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := k.Service.SignIn(ctx, ana)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	done := make(chan error, 1)
	go func() {
		_, err := k.Service.SignIn(t.Context(), ana)
		done <- err
	}()
	release()
	require.NoError(t, <-done)
	release() // again: nothing
}
