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
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
)

// A code sent by mail, after the password, leads to the enrollment and not past it.
// With the write that takes it, everything of before ends: the phone, the
// recovery codes, browsers, sessions, sign-ins under way.
func TestIssuedCode(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	token := h.trusted(ana, phone)
	underWay, proof := h.ask(ana), h.prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	begun := h.clock.Now()
	h.events.kinds()
	code := h.issue(anaID)
	told := h.told(event.RecoveryIssued)
	require.Len(t, told, 1)
	require.Equal(t, "operator root", told[0].Actor)
	require.Equal(t, begun.Add(24*time.Hour), told[0].Until)
	h.clock.Advance(time.Minute)
	h.pass(ana, phone) // until it is redeemed, what is there works

	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode, totpflow.MethodIssuedCode}, next.Methods)
	h.events.kinds()
	d, err := h.VerifyIssuedCode(h.ctx, next.Challenge, " "+code+" ")
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
	require.Empty(t, d.ID.User)
	require.Empty(t, d.Proof)
	require.Equal(t, []event.Kind{event.IssuedCodeUsed}, h.events.kinds())

	for _, c := range []totpflow.Challenge{underWay, next.Challenge} {
		again, err := h.VerifyIssuedCode(h.ctx, c, code)
		refused(t, again, err, totpflow.ErrChallenge)
	}
	_, err = h.BeginEnrollment(h.ctx, proof)
	require.ErrorIs(t, err, totpflow.ErrProof)
	valid, err := h.Account(ana).SessionValid(h.ctx, begun)
	require.NoError(t, err)
	require.False(t, valid)

	// Once: who does not finish the enrollment needs another one, and nothing of
	// before helps.
	again, err := h.SignIn(h.ctx, ana, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, again.Step)
	require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, again.Methods)
	d, err = h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	for _, used := range []string{code, codes[0]} {
		refusedBoth(t, h, d.Challenge, used)
	}
	d, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
	require.NoError(t, err)
	_, fresh := h.setUp(d.Challenge)
	require.Len(t, fresh, 10)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode, totpflow.MethodRecoveryCode}, h.methods(ana))
}

// refusedBoth asserts that a code passes neither as an issued nor as a recovery code.
func refusedBoth(t *testing.T, h *house, c totpflow.Challenge, code string) {
	t.Helper()
	d, err := h.VerifyIssuedCode(h.ctx, c, code)
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyRecoveryCode(h.ctx, c, code)
	refused(t, d, err, totpflow.ErrRejected)
}

func (h *house) methods(u totpflow.User) []totpflow.Method {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	return next.Methods
}

// When an issued code is good.
func TestIssuedCodeEnds(t *testing.T) {
	for name, c := range map[string]struct {
		then func(h *house, phone *totptest.Authenticator)
		is   error // of the code; nil: it is good
	}{
		"at once":              {func(*house, *totptest.Authenticator) {}, nil},
		"within 24 hours":      {func(h *house, _ *totptest.Authenticator) { h.clock.Advance(24*time.Hour - time.Second) }, nil},
		"after 24 hours":       {func(h *house, _ *totptest.Authenticator) { h.clock.Advance(24 * time.Hour) }, totpflow.ErrRejected},
		"before it was issued": {func(h *house, _ *totptest.Authenticator) { h.clock.Advance(-time.Minute) }, totpflow.ErrRejected},
		"another was issued":   {func(h *house, _ *totptest.Authenticator) { h.issue(anaID) }, totpflow.ErrRejected},
		"a new password": {func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
			h.clock.Advance(24 * time.Hour)
		}, totpflow.ErrRejected},
		"a new password, within 24 hours": {func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
			h.clock.Advance(24*time.Hour - time.Second)
		}, totpflow.ErrPasswordRecent},
		"the codes were voided": {func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeRecoveryCodes))
		}, totpflow.ErrRejected},
		"the phone was found, and another one added": {func(h *house, phone *totptest.Authenticator) {
			h.setUp(h.prove(ana, totpflow.ActionAddAuthenticator, phone))
		}, totpflow.ErrRejected},
		"it was not me, and an administrator unlocked": {func(h *house, _ *totptest.Authenticator) {
			h.disown(ana)
			require.NoError(h.t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
		}, totpflow.ErrRejected},
		"the database was put back": {func(h *house, _ *totptest.Authenticator) {
			require.NoError(h.t, h.Admin(nil).AfterDatabaseRestore(h.ctx, ops, h.clock.Now(), "", nil))
			h.clock.Advance(time.Minute)
		}, totpflow.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			code := h.issue(anaID)
			c.then(h, phone)
			d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
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

// For whom a code is issued: somebody who has a factor to be locked out of, and
// whose password is older than a day. Else nothing is sent, and nothing changes.
func TestIssuedForWhom(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *house)
		is   error
	}{
		"never seen": {func(*house) {}, admin.ErrNoAccount},
		"disabled":   {func(h *house) { h.step(ana) }, totpflow.ErrNotEnrolled},
		"exempt":     {func(h *house) { require.NoError(h.t, h.Admin(nil).Exempt(h.ctx, ops, anaID, "agent")) }, totpflow.ErrNotEnrolled},
		"frozen":     {func(h *house) { h.enroll(ana); h.disown(ana) }, totpflow.ErrFrozen},
		"a new password": {func(h *house) {
			h.enroll(ana)
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
			h.clock.Advance(24*time.Hour - time.Second)
		}, totpflow.ErrPasswordRecent},
		"a new password, by a clock ahead": {func(h *house) {
			h.enroll(ana)
			h.clock.Advance(time.Hour)
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
			h.clock.Advance(-time.Hour)
		}, totpflow.ErrPasswordRecent},
		"a password of yesterday": {func(h *house) {
			h.enroll(ana)
			require.NoError(h.t, h.Account(ana).PasswordChanged(h.ctx))
			h.clock.Advance(24 * time.Hour)
		}, nil},
		"enrolled": {func(h *house) { h.enroll(ana) }, nil},
		"reset": {func(h *house) {
			h.enroll(ana)
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			c.make(h)
			var m mailbox
			if c.is != nil {
				h.unchanged(func() {
					require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, m.deliver), c.is)
				})
				require.Empty(t, m.got)
				return
			}
			require.NoError(t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, m.deliver))
			require.Equal(t, h.clock.Now().Add(24*time.Hour), m.got[0].Expires)
			_, err := recovery.Normalize(m.code())
			require.NoError(t, err)
		})
	}
}

// The code goes to the person only: whoever has it sent gets an error or
// nothing, and the host's sink is not told it.
func TestIssuedCodeIsForThePersonOnly(t *testing.T) {
	o := newOffice(t)
	o.enroll(ana)
	var m mailbox
	o.events.kinds()
	require.NoError(t, o.admin.IssueRecoveryCode(o.ctx, o.by(o.boss, admin.ActionIssueCode), anaID, m.deliver))
	for _, e := range o.events.got {
		clean(t, printed(e), []string{m.code()})
	}
	clean(t, printed(o.member(anaID))+printed(o.status(ana)), []string{m.code()})
	o.dump(t, []string{m.code()})
}

// Where it cannot be delivered the call fails, and the code is nobody's: it can
// be issued again. Nobody to deliver by is found before anything is done.
func TestIssuedCodeNotDelivered(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	h.unchanged(func() {
		require.Error(t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, nil))
	})
	errMail := errors.New("mailbox full")
	err := h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, func(context.Context, admin.IssuedCode) error { return errMail })
	require.ErrorIs(t, err, errMail)

	h.store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	var m mailbox
	require.ErrorIs(t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, anaID, m.deliver), store.ErrUnavailable)
	require.Empty(t, m.got, "what is not kept is not sent")
	h.store.SetFaults(totptest.Faults{})
	d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
}

// Guesses of issued codes are counted with those of recovery codes: ten an hour,
// whichever way they come, the right ones too.
func TestIssuedCodesAreThrottledWithRecoveryCodes(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enroll(ana)
	code := h.issue(anaID)
	c := h.ask(ana)
	for range 5 {
		d, err := h.VerifyIssuedCode(h.ctx, c, "0000-0000-0000-0000")
		refused(t, d, err, totpflow.ErrRejected)
		d, err = h.VerifyRecoveryCode(h.ctx, c, "0000-0000-0000-0000")
		refused(t, d, err, totpflow.ErrRejected)
	}
	h.unchanged(func() {
		d, err := h.VerifyIssuedCode(h.ctx, c, code)
		refused(t, d, err, throttle.ErrThrottled)
		d, err = h.VerifyRecoveryCode(h.ctx, c, codes[0])
		refused(t, d, err, throttle.ErrThrottled)
	})
	h.events.kinds()
	for _, odd := range []string{"", "123456", "0000-0000-0000-000U"} { // not counted
		h.clock.Advance(time.Hour)
		d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), odd)
		refused(t, d, err, totpflow.ErrRejected)
		require.ErrorIs(t, err, recovery.ErrMalformed)
		require.Equal(t, []event.Kind{event.CodeMalformed}, h.events.kinds())
	}
	_, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
	require.NoError(t, err)
}

// Two services redeem it at the same time: one wins.
func TestIssuedCodeOnceInARace(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	services := []*totpflow.Service{h.Service, h.open(func(c *totpflow.Config) { c.Events = quiet })}
	h.enroll(ana)
	code := h.issue(anaID)
	challenges := []totpflow.Challenge{h.ask(ana), h.ask(ana)}
	var won atomic.Int32
	together(8, func(i int) {
		d, err := services[i%2].VerifyIssuedCode(h.ctx, challenges[i/2%2], code)
		switch {
		case err == nil && d.Step == totpflow.Enroll:
			won.Add(1)
		case !errors.Is(err, totpflow.ErrChallenge):
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, won.Load())
}

// Nobody gets on without an acknowledged write, and a lost acknowledgement makes
// no second use.
func TestIssuedCodeAndFaults(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	code, c := h.issue(anaID), h.ask(ana)
	h.store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	d, err := h.VerifyIssuedCode(h.ctx, c, code)
	refused(t, d, err, store.ErrUnavailable)
	h.store.SetFaults(totptest.Faults{Lost: errors.New("reset by peer")})
	d, err = h.VerifyIssuedCode(h.ctx, c, code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
	d, err = h.VerifyIssuedCode(h.ctx, c, code)
	refused(t, d, err, totpflow.ErrChallenge)

	h.store.SetFaults(totptest.Faults{})
	code = h.issue(anaID)
	ctx, cancel := context.WithCancel(h.ctx)
	s := h.open(func(c *totpflow.Config) { c.Store = readThen{h.store, cancel} })
	d, err = s.VerifyIssuedCode(ctx, h.ask(ana), code)
	refused(t, d, err, store.ErrUnavailable)
	require.False(t, errors.Is(err, totpflow.ErrRejected))
}

// It answers a challenge that asks for a code, of this account, and nothing else;
// a policy without recovery codes does not matter, since it is none of them.
func TestIssuedCodeNeedsTheRightChallenge(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: policy.Required, Methods: policy.App} })
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	d, err := h.VerifyIssuedCode(h.ctx, next.Challenge, "0000-0000-0000-0000")
	refused(t, d, err, totpflow.ErrChallenge)
	phone, _ := h.setUp(next.Challenge)
	proof := h.pass(ana, phone).Proof
	code := h.issue(anaID)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: "43"}}
	h.enroll(ben)
	for name, c := range map[string]totpflow.Challenge{"none": "", "garbage": "garbage", "a proof": totpflow.Challenge(proof)} {
		d, err := h.VerifyIssuedCode(h.ctx, c, code)
		refused(t, d, err, totpflow.ErrChallenge)
		require.NotEmpty(t, name)
	}
	d, err = h.VerifyIssuedCode(h.ctx, h.ask(ben), code)
	refused(t, d, err, totpflow.ErrRejected)
	d, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), code)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, d.Step)
}
