package totpflow_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// A code sent by mail, after the password, leads to the enrollment and not past it. The
// write that redeems it ends everything from before: the phone, the recovery codes,
// browsers, sessions, sign-ins under way.
func TestIssuedCode(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	token := h.TrustBrowserOf(ana, phone)
	underWay, proof := h.Challenge(ana), h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	begun, session := h.Clock.Now(), h.Mark(ana)
	h.Events.Kinds()
	code := h.IssueCode(anaID)
	told := h.EventsOf(event.RecoveryIssued)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.Equal(t, begun.Add(24*time.Hour), told[0].Until)
	h.Clock.Advance(time.Minute)
	h.PassByCode(ana, phone) // until it is redeemed, the old factors work

	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode, totpflow.MethodIssuedCode}, next.Methods)
	h.Events.Kinds()
	d, err := h.VerifyIssuedCode(h.Ctx, next.Challenge, " "+code+" ")
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
	require.Empty(t, d.ID.User)
	require.Empty(t, d.Proof)
	require.Equal(t, []event.Kind{event.IssuedCodeUsed}, h.Events.Kinds())

	for _, c := range []totpflow.Challenge{underWay, next.Challenge} {
		again, err := h.VerifyIssuedCode(h.Ctx, c, code)
		refused(t, again, err, totpflow.ErrChallenge)
	}
	_, err = h.BeginEnrollment(h.Ctx, proof)
	require.ErrorIs(t, err, totpflow.ErrProof)
	require.False(t, h.SessionStands(ana, session))

	// Once: a person who does not finish the enrollment needs another code, and nothing
	// from before helps.
	again, err := h.SignIn(h.Ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step)
	require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, again.Methods)
	d, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	for _, used := range []string{code, codes[0]} {
		refusedBoth(t, h, d.Challenge, used)
	}
	d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
	require.NoError(t, err)
	_, fresh := h.EnrollBy(d.Challenge)
	require.Len(t, fresh, 10)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode}, h.methods(ana))
}

// refusedBoth asserts that a code passes neither as an issued nor as a recovery code.
func refusedBoth(t *testing.T, h *harness, c totpflow.Challenge, code string) {
	t.Helper()
	d, err := h.VerifyIssuedCode(h.Ctx, c, code)
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyRecoveryCode(h.Ctx, c, code)
	refused(t, d, err, totpflow.ErrRejected)
}

func (h *harness) methods(u totpflow.User) []totpflow.Method {
	h.T.Helper()
	next, err := h.SignIn(h.Ctx, u)
	require.NoError(h.T, err)
	return next.Methods
}

// When an issued code is valid.
func TestIssuedCodeEnds(t *testing.T) {
	for name, c := range map[string]struct {
		then func(h *harness, phone *totptest.Authenticator)
		is   error // of the code; nil: it is valid
	}{
		"at once":              {func(*harness, *totptest.Authenticator) {}, nil},
		"within 24 hours":      {func(h *harness, _ *totptest.Authenticator) { h.Clock.Advance(24*time.Hour - time.Second) }, nil},
		"after 24 hours":       {func(h *harness, _ *totptest.Authenticator) { h.Clock.Advance(24 * time.Hour) }, totpflow.ErrRejected},
		"before it was issued": {func(h *harness, _ *totptest.Authenticator) { h.Clock.Advance(-time.Minute) }, totpflow.ErrRejected},
		"another was issued":   {func(h *harness, _ *totptest.Authenticator) { h.IssueCode(anaID) }, totpflow.ErrRejected},
		"a new password": {func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Advance(24 * time.Hour)
		}, totpflow.ErrRejected},
		"a new password, within 24 hours": {func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Advance(24*time.Hour - time.Second)
		}, totpflow.ErrPasswordRecent},
		"a new password, by a clock a little behind": {func(h *harness, _ *totptest.Authenticator) {
			h.Clock.Advance(-20 * time.Second)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Advance(24 * time.Hour) // the pause is over, and the code is still valid
		}, totpflow.ErrRejected},
		"the codes were voided": {func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeRecoveryCodes)))
		}, totpflow.ErrRejected},
		"the phone was found, and another one added": {func(h *harness, phone *totptest.Authenticator) {
			h.EnrollBy(h.Prove(ana, totpflow.ActionAddAuthenticator, phone))
		}, totpflow.ErrRejected},
		"it was not me, and an administrator unlocked": {func(h *harness, _ *totptest.Authenticator) {
			h.Freeze(ana)
			require.NoError(h.T, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
		}, totpflow.ErrRejected},
		"the database was put back": {func(h *harness, _ *totptest.Authenticator) {
			require.NoError(h.T, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, h.Clock.Now(), "", nil))
			h.Clock.Advance(time.Minute)
		}, totpflow.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			code := h.IssueCode(anaID)
			c.then(h, phone)
			d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
			if c.is != nil {
				refused(t, d, err, c.is)
				require.NotContains(t, err.Error(), code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, totpflow.Enroll, d.Step)
		})
	}
}

// Guesses of issued codes are counted with those of recovery codes: ten an hour in
// whatever mixture, the right ones too.
func TestIssuedCodesAreThrottledWithRecoveryCodes(t *testing.T) {
	h := newHarness(t)
	_, codes := h.Enroll(ana)
	code := h.IssueCode(anaID)
	c := h.Challenge(ana)
	for range 5 {
		d, err := h.VerifyIssuedCode(h.Ctx, c, "0000-0000-0000-0000")
		refused(t, d, err, totpflow.ErrRejected)
		d, err = h.VerifyRecoveryCode(h.Ctx, c, "0000-0000-0000-0000")
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.Unchanged(func() {
		d, err := h.VerifyIssuedCode(h.Ctx, c, code)
		refused(t, d, err, throttle.ErrThrottled)
		d, err = h.VerifyRecoveryCode(h.Ctx, c, codes[0])
		refused(t, d, err, throttle.ErrThrottled)
	})
	h.Events.Kinds()
	for _, odd := range []string{"", "123456", "0000-0000-0000-000U"} { // not counted
		h.Clock.Advance(time.Hour)
		d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), odd)
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, recovery.ErrMalformed)
		require.Equal(t, []event.Kind{event.CodeMalformed}, h.Events.Kinds())
	}
	_, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
	require.NoError(t, err)
}

// Two services redeem it at the same time: one wins.
func TestIssuedCodeOnceInARace(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	services := []*totpflow.Service{h.Service, h.Open(func(c *totpflow.Config) { c.Observer = quiet })}
	h.Enroll(ana)
	code := h.IssueCode(anaID)
	challenges := []totpflow.Challenge{h.Challenge(ana), h.Challenge(ana)}
	var won atomic.Int32
	together(8, func(i int) {
		d, err := services[i%2].VerifyIssuedCode(h.Ctx, challenges[i/2%2], code)
		switch {
		case err == nil && d.Step == totpflow.Enroll:
			won.Add(1)
		case !errors.Is(err, totpflow.ErrChallenge):
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, won.Load())
}

// Nobody gets on without an acknowledged write, and a lost acknowledgement permits no
// second use.
func TestIssuedCodeAndFaults(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	code, c := h.IssueCode(anaID), h.Challenge(ana)
	h.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	d, err := h.VerifyIssuedCode(h.Ctx, c, code)
	refused(t, d, err, store.ErrUnavailable)
	h.Store.SetFaults(totptest.Faults{Lost: errors.New("reset by peer")})
	d, err = h.VerifyIssuedCode(h.Ctx, c, code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
	d, err = h.VerifyIssuedCode(h.Ctx, c, code)
	refused(t, d, err, totpflow.ErrChallenge)

	h.Store.SetFaults(totptest.Faults{})
	code = h.IssueCode(anaID)
	ctx, cancel := context.WithCancel(h.Ctx)
	s := h.Open(func(c *totpflow.Config) { c.Store = servicetest.ReadThen(h.Store, cancel) })
	d, err = s.VerifyIssuedCode(ctx, h.Challenge(ana), code)
	refused(t, d, err, store.ErrUnavailable)
	require.False(t, errors.Is(err, totpflow.ErrRejected))
}

// It answers a challenge of this account that asks for a code, and nothing else; a policy
// without recovery codes does not matter, since it is not one of them.
func TestIssuedCodeNeedsTheRightChallenge(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	d, err := h.VerifyIssuedCode(h.Ctx, next.Challenge, "0000-0000-0000-0000")
	refused(t, d, err, totpflow.ErrChallenge)
	phone, _ := h.EnrollBy(next.Challenge)
	proof := h.PassByCode(ana, phone).Proof
	code := h.IssueCode(anaID)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.Enroll(ben)
	for name, c := range map[string]totpflow.Challenge{"none": "", "garbage": "garbage", "a proof": totpflow.Challenge(proof)} {
		d, err := h.VerifyIssuedCode(h.Ctx, c, code)
		refused(t, d, err, totpflow.ErrChallenge)
		require.NotEmpty(t, name)
	}
	d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ben), code)
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
}
