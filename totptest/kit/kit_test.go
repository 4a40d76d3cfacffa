package kit_test

import (
	"context"
	"crypto/fips140"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest/kit"
)

var ana = totpflow.User{ID: totpflow.AccountID{User: "42"}, Name: "ana@acme.example"}

// One call prepares everything, and one an enrolled person, whatever the policy is.
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

// Enroll returns after its messages were sent: otherwise a fault of the test could hit
// the messenger and spare the call that it was made for.
func TestEnrollWaitsForItsMessages(t *testing.T) {
	if fips140.Enabled() {
		return // the module's random numbers do not work inside of a bubble
	}
	synctest.Test(t, func(t *testing.T) {
		mail := make(chan struct{})
		k := kit.New(func(c *totpflow.Config) {
			c.Notifier = event.NotifierFunc(func(context.Context, event.Notification) error { <-mail; return nil })
		})
		enrolled := false
		go func() { k.Enroll(ana); enrolled = true }()
		synctest.Wait()
		require.False(t, enrolled)
		close(mail)
		synctest.Wait()
		require.True(t, enrolled)
	})
}

// A call that is held waits for the release or the end of its context.
func TestHold(t *testing.T) {
	k := kit.New()
	k.Enroll(ana)
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
