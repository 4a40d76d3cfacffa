package totpflow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

var scopes = []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators, admin.ScopeBrowsers, admin.ScopeRecoveryCodes}

// What a reset clears, by scope, of an account that has everything: the first
// two end the sessions and force an enrollment, every one ends what is under way.
func TestResetScopes(t *testing.T) {
	for scope, left := range map[admin.Scope]struct {
		phone, codes, browser, issued, session bool
		told                                   event.Kind
	}{
		admin.ScopeAll:            {told: event.Reset},
		admin.ScopeAuthenticators: {codes: true, told: event.Reset},
		admin.ScopeBrowsers:       {phone: true, codes: true, issued: true, session: true, told: event.BrowsersRevoked},
		admin.ScopeRecoveryCodes:  {phone: true, browser: true, session: true, told: event.RecoveryCodesVoided},
	} {
		t.Run(string(scope), func(t *testing.T) {
			h := newHouse(t, withMode(policy.Required))
			phone, codes := h.enroll(ana)
			token, issued := h.trusted(ana, phone), h.issue(anaID)
			underWay, proof := h.ask(ana), h.prove(ana, "delete backup", phone)
			begun := h.clock.Now()
			h.clock.Advance(time.Minute)
			h.events.kinds()
			require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, anaID, scope))
			told := h.told(left.told)
			require.Len(t, told, 1)
			require.Equal(t, "operator root", told[0].Actor)
			require.Equal(t, "ticket 7", told[0].Reason)

			d, err := h.VerifyCode(h.ctx, underWay, phone.Code())
			refused(t, d, err, totpflow.ErrChallenge)
			require.ErrorIs(t, h.Account(ana).ConsumeProof(h.ctx, proof, "delete backup"), totpflow.ErrProof)
			valid, err := h.Account(ana).SessionValid(h.ctx, begun)
			require.NoError(t, err)
			require.Equal(t, left.session, valid)

			next, err := h.SignIn(h.ctx, ana, token)
			require.NoError(t, err)
			switch {
			case left.browser:
				require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason)
			case left.phone:
				require.Equal(t, totpflow.AskCode, next.Step)
			default:
				require.Equal(t, totpflow.Enroll, next.Step)
				require.Equal(t, enroll.ResetPending, h.status(ana).State)
				require.Equal(t, h.clock.Now(), h.member(anaID).ResetAt)
				require.Empty(t, h.member(anaID).Recoverable, "nothing can be brought back")
				h.clock.Advance(days(1)) // so that a code is asked for what is left
			}
			d, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), issued)
			if left.issued {
				require.NoError(t, err)
				require.Equal(t, totpflow.Enroll, d.Step)
				return
			}
			refused(t, d, err, totpflow.ErrRejected)
			d, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
			switch {
			case !left.codes:
				refused(t, d, err, totpflow.ErrRejected)
			case left.phone:
				require.Equal(t, totpflow.Passed, d.Step)
			default: // it leads to the enrollment, not past it
				require.NoError(t, err)
				require.Equal(t, totpflow.Enroll, d.Step)
				require.Empty(t, d.ID.User)
				h.setUp(d.Challenge)
			}
		})
	}
}

// Each scope on accounts in each state. Whatever had no factor before, and was
// reset, sets one up.
func TestResetStates(t *testing.T) {
	for state, c := range map[string]struct {
		make func(h *house)
		next totpflow.Step // after a reset of the authenticators
		is   error
	}{
		"never seen": {func(*house) {}, totpflow.Refused, admin.ErrNoAccount},
		"disabled":   {func(h *house) { h.step(ana) }, totpflow.Enroll, nil},
		"pending": {func(h *house) {
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(h.t, err)
			_, err = h.BeginEnrollment(h.ctx, next.Proof)
			require.NoError(h.t, err)
		}, totpflow.Enroll, nil},
		"active": {func(h *house) { h.enroll(ana) }, totpflow.Enroll, nil},
		"replacing": {func(h *house) {
			phone, _ := h.enroll(ana)
			_, err := h.BeginEnrollment(h.ctx, h.prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			require.NoError(h.t, err)
		}, totpflow.Enroll, nil},
		"reset before": {func(h *house) {
			h.enroll(ana)
			require.NoError(h.t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
		}, totpflow.Enroll, nil},
		"exempt": {func(h *house) { require.NoError(h.t, h.Admin(nil).Exempt(h.ctx, ops, anaID, "agent")) }, totpflow.Enroll, nil},
		"frozen": {func(h *house) { h.enroll(ana); h.disown(ana) }, totpflow.AskCode, nil}, // for an issued code
	} {
		for _, scope := range scopes {
			t.Run(state+"/"+string(scope), func(t *testing.T) {
				h := newHouse(t)
				c.make(h)
				before, err := h.Account(ana).Status(h.ctx)
				require.NoError(t, err)
				err = h.Admin(nil).Reset(h.ctx, ops, anaID, scope)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
					require.Empty(t, h.versions())
					return
				}
				require.NoError(t, err)
				after := h.status(ana)
				require.Greater(t, after.Generation, before.Generation)
				if scope == admin.ScopeBrowsers || scope == admin.ScopeRecoveryCodes {
					require.Equal(t, before.State, after.State)
					require.Equal(t, before.Frozen, after.Frozen)
					return
				}
				require.Equal(t, enroll.ResetPending, after.State)
				require.Zero(t, after.Frozen)
				require.Equal(t, c.next, h.step(ana))
			})
		}
	}
	h := newHouse(t)
	h.enroll(ana)
	h.unchanged(func() {
		for _, scope := range []admin.Scope{"", "ALL", "everything"} {
			require.ErrorIs(t, h.Admin(nil).Reset(h.ctx, ops, anaID, scope), admin.ErrScope)
			_, err := h.Admin(nil).ResetMany(h.ctx, ops, "acme", []string{ana.ID.User}, scope)
			require.ErrorIs(t, err, admin.ErrScope)
		}
	})
}

// disown has the person say "it was not me" of what happened last.
func (h *house) disown(u totpflow.User) {
	h.t.Helper()
	e := event.Event{Tenant: u.ID.Tenant, User: u.ID.User, At: h.clock.Now(), Kind: event.AuthenticatorsReplaced}
	require.NoError(h.t, h.Disown(h.ctx, h.NewDisownToken(e)))
	require.NotZero(h.t, h.status(u).Frozen)
}

// After a reset the password leads to the enrollment for 24 hours. Later it takes an
// issued code: whoever comes by the password next year shall not find an open
// door.
func TestPasswordSufficesForADay(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		next  totpflow.Step
	}{
		"at once":                         {0, totpflow.Enroll},
		"within 24 hours":                 {days(1) - time.Millisecond, totpflow.Enroll},
		"after 24 hours":                  {days(1), totpflow.AskCode},
		"a year later":                    {days(365), totpflow.AskCode},
		"by a clock a little behind":      {-30 * time.Second, totpflow.Enroll},
		"by a clock that has been put on": {-time.Minute, totpflow.AskCode},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.enroll(ana)
			require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
			h.clock.Advance(c.after)
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			require.Equal(t, c.next, next.Step)
			require.Empty(t, next.Proof)
			if c.next == totpflow.Enroll {
				h.setUp(next.Challenge)
				return
			}
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
			_, err = h.BeginEnrollment(h.ctx, next.Challenge)
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			d, err := h.VerifyCode(h.ctx, next.Challenge, "123456")
			refused(t, d, err, totpflow.ErrNotEnrolled)
			h.clock.Set(start.Add(days(400)))
			d, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
			require.NoError(t, err)
			h.setUp(d.Challenge)
		})
	}
}

// Where the policy says so, the password alone leads nowhere even then.
func TestPolicyWantsAnIssuedCode(t *testing.T) {
	h := newHouse(t, ofTenants)
	h.set("acme", policy.Policy{Mode: policy.Required, IssuedCode: true})
	next, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step, "who never had a factor has not been reset")
	h.setUp(next.Challenge)
	require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, anaID, admin.ScopeAll))
	d, err := h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
	require.NoError(t, err)
	h.setUp(d.Challenge)
}

// Resetting a frozen account ends the freeze and takes everything, whatever the
// scope: the codes may be in other hands. Nor does the password suffice, which
// may be too, and not when the reset is said twice, as after a time-out.
func TestResetOfAFrozenAccount(t *testing.T) {
	for _, scope := range []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators} {
		for _, times := range []int{1, 2} {
			h := newHouse(t)
			_, codes := h.enroll(ana)
			h.disown(ana)
			for range times {
				require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, anaID, scope))
				h.clock.Advance(time.Minute)
			}
			require.Zero(t, h.status(ana).Frozen)
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
			d, err := h.VerifyRecoveryCode(h.ctx, next.Challenge, codes[0])
			refused(t, d, err, totpflow.ErrRejected)
			d, err = h.VerifyIssuedCode(h.ctx, h.ask(ana), h.issue(anaID))
			require.NoError(t, err)
			h.setUp(d.Challenge)

			// With the new phone that is over: the next reset is one like others.
			require.NoError(t, h.Admin(nil).Reset(h.ctx, ops, anaID, scope))
			require.Equal(t, totpflow.Enroll, h.step(ana))
		}
	}
}

// Nor is there a way round by another call of an administrator, who may not know
// what the first one was for.
func TestDetoursOfAFrozenAccount(t *testing.T) {
	for name, detour := range map[string]func(h *house, a admin.Admin) error{
		"exempted and no longer": func(h *house, a admin.Admin) error {
			h.exempts(anaID)
			return a.EndExemption(h.ctx, ops, anaID)
		},
		"another number": func(h *house, a admin.Admin) error { return a.AssignPhone(h.ctx, ops, anaID, mobile) },
	} {
		t.Run(name, func(t *testing.T) {
			var p pigeon
			h := newHouse(t, withPhones(&p)...)
			h.phoneOnly(ana, &p)
			h.disown(ana)
			require.NoError(t, detour(h, h.Admin(nil)))
			require.NoError(t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
			next, err := h.SignIn(h.ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
		})
	}
}

// Unlock ends every wait after wrong codes and a freeze, and clears no factor.
func TestUnlock(t *testing.T) {
	h := newHouse(t)
	phone, codes := h.enroll(ana)
	h.clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	for range 10 {
		_, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), "0000-0000-0000-0000")
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err := h.VerifyCode(h.ctx, h.ask(ana), phone.Peek())
	refused(t, d, err, throttle.ErrThrottled)
	d, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	refused(t, d, err, throttle.ErrThrottled)
	require.NotNil(t, h.member(anaID).Throttled)

	h.events.kinds()
	require.NoError(t, h.Admin(nil).Unlock(h.ctx, ops, anaID))
	require.Len(t, h.told(event.Unlocked), 1)
	require.Nil(t, h.member(anaID).Throttled)
	h.pass(ana, phone)
	_, err = h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	require.ErrorIs(t, h.Admin(nil).Unlock(h.ctx, ops, agentID), admin.ErrNoAccount)
}

// One browser of several is no longer trusted; the others are.
func TestAdminRevokesABrowser(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	tokens := []trust.Token{h.trusted(ana, phone), h.trusted(ana, phone)}
	browsers := h.member(anaID).Browsers
	require.Len(t, browsers, 2)
	require.ErrorIs(t, h.Admin(nil).RevokeBrowser(h.ctx, ops, anaID, "nobody's"), totpflow.ErrNoBrowser)
	h.events.kinds()
	require.NoError(t, h.Admin(nil).RevokeBrowser(h.ctx, ops, anaID, browsers[0].ID))
	require.Equal(t, browsers[0].ID, h.told(event.BrowserRevoked)[0].Browser)
	for i, want := range []totpflow.Step{totpflow.AskCode, totpflow.Passed} {
		next, err := h.SignIn(h.ctx, ana, tokens[i])
		require.NoError(t, err)
		require.Equal(t, want, next.Step)
	}
}

// Many at once have an outcome each; who has no record does not hold up the rest.
func TestResetMany(t *testing.T) {
	h := newHouse(t)
	h.enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.enroll(ben)
	h.events.kinds()
	outcomes, err := h.Admin(nil).ResetMany(h.ctx, ops, "acme", []string{ana.ID.User, "nobody", ben.ID.User}, admin.ScopeAll)
	require.NoError(t, err)
	require.Len(t, outcomes, 3)
	require.NoError(t, outcomes[0].Err)
	require.ErrorIs(t, outcomes[1].Err, admin.ErrNoAccount)
	require.NoError(t, outcomes[2].Err)
	require.Equal(t, []event.Kind{event.BulkReset, event.Reset, event.Reset}, h.events.kinds())
	require.Equal(t, totpflow.Enroll, h.step(ana))
	require.Equal(t, totpflow.Enroll, h.step(ben))
	st, err := h.Admin(nil).Tenant(h.ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, 3, st.Activity[0].Remaining)
}
