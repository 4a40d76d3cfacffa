package totpflow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
)

// A host's own factor is judged under the account's one budget of guesses.
func TestExternal(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	c := h.Challenge(ana)
	down := errors.New("reader unplugged")
	check := h.external(c)
	d, err := h.CompleteExternal(h.Ctx, c, check, down)
	refused(t, d, err, down)
	for range 5 { // the first is the check whose reader was unplugged
		d, err = h.CompleteExternal(h.Ctx, c, check, totpflow.ErrRejected)
		refused(t, d, err, totpflow.ErrRejected)
		if next, err := h.BeginExternal(h.Ctx, c, "key"); err == nil {
			check = next
		} else {
			require.ErrorIs(t, err, throttle.ErrThrottled, "nothing is checked while the account is locked")
		}
	}
	d, err = h.CompleteExternal(h.Ctx, c, check, nil)
	refused(t, d, err, throttle.ErrThrottled)
	h.Clock.Advance(time.Minute)
	d, err = h.CompleteExternal(h.Ctx, c, h.external(c), nil)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonExternal, d.Reason)
	require.Equal(t, ana.ID, d.ID)
}

// A check stands for one sign-in, one result and five minutes.
func TestExternalCheckIsUsedUp(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}}
	h.Enroll(ben)
	complete := func(c totpflow.Challenge, x totpflow.Challenge, result, is error) {
		t.Helper()
		d, err := h.CompleteExternal(h.Ctx, c, x, result)
		refused(t, d, err, is)
	}
	c := h.Challenge(ana)
	failed := h.external(c)
	complete(c, failed, totpflow.ErrRejected, totpflow.ErrRejected)
	complete(c, failed, nil, totpflow.ErrChallenge) // what failed does not pass later

	other := h.Challenge(ana)
	complete(other, h.external(c), nil, totpflow.ErrChallenge) // another sign-in of the same person
	complete(h.Challenge(ben), h.external(c), nil, totpflow.ErrChallenge)
	complete(c, "", nil, totpflow.ErrChallenge)
	complete(c, totpflow.Challenge(c), nil, totpflow.ErrChallenge)
	complete("", h.external(c), nil, totpflow.ErrChallenge)

	late := h.external(c)
	h.Clock.Advance(totpflow.ProofLifetime)
	complete(c, late, nil, totpflow.ErrChallenge)

	passed := h.external(c)
	d, err := h.CompleteExternal(h.Ctx, c, passed, nil)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, d.Step)
	complete(c, passed, nil, totpflow.ErrChallenge)
	complete(other, passed, nil, totpflow.ErrChallenge)
}

// The factor is a further way for people who have an authenticator. After a reset it
// does not take the place of the issued code.
func TestExternalNeedsAnAuthenticator(t *testing.T) {
	h := newHarness(t, withMode(policy.Required))
	h.Enroll(ana)
	h.Freeze(ana)
	h.Reset(ana.ID)
	c := h.Challenge(ana)
	_, err := h.BeginExternal(h.Ctx, c, "key")
	require.ErrorIs(t, err, totpflow.ErrNotEnrolled)
}
