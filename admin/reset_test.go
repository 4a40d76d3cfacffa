package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

var scopes = []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators, admin.ScopeBrowsers, admin.ScopeRecoveryCodes}

// What a reset clears in an account that has everything, by scope: the first two scopes
// end the sessions and force an enrollment, and every scope ends the pending sign-ins.
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
			h := newHarness(t, withMode(policy.Required))
			phone, codes := h.Enroll(ana)
			token, issued := h.TrustBrowserOf(ana, phone), h.IssueCode(anaID)
			underWay, proof := h.Challenge(ana), h.Prove(ana, "delete backup", phone)
			session := h.Mark(ana)
			h.Clock.Advance(time.Minute)
			h.Events.Kinds()
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, scope)))
			told := h.EventsOf(left.told)
			require.Len(t, told, 1)
			require.Equal(t, "operator root", told[0].Actor)
			require.Equal(t, "ticket 7", told[0].Reason)
			if left.told == event.Reset {
				require.Equal(t, string(scope), told[0].Action, "how much was cleared")
			}

			d, err := h.VerifyCode(h.Ctx, underWay, phone.Code())
			refused(t, d, err, totpflow.ErrChallenge)
			require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")), totpflow.ErrProof)
			require.Equal(t, left.session, h.SessionStands(ana, session))

			next, err := h.SignIn(h.Ctx, ana, token)
			require.NoError(t, err)
			switch {
			case left.browser:
				require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason)
			case left.phone:
				require.Equal(t, totpflow.AskCode, next.Step)
			default:
				require.Equal(t, totpflow.Enroll, next.Step)
				require.Equal(t, enroll.ResetPending, h.Status(ana).State)
				require.Equal(t, h.Clock.Now(), h.Member(anaID).ResetAt)
				require.Empty(t, h.Member(anaID).Recoverable, "nothing can be brought back")
				h.Clock.Advance(days(1)) // so that a remaining factor asks for a code
			}
			d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), issued)
			if left.issued {
				require.NoError(t, err)
				require.Equal(t, totpflow.Enroll, d.Step)
				return
			}
			refused(t, d, err, totpflow.ErrRejected)
			d, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
			switch {
			case !left.codes:
				refused(t, d, err, totpflow.ErrRejected)
			case left.phone:
				require.Equal(t, totpflow.Passed, d.Step)
			default: // it leads to the enrollment, not past it
				require.NoError(t, err)
				require.Equal(t, totpflow.Enroll, d.Step)
				require.Empty(t, d.ID.User)
				h.EnrollBy(d.Challenge)
			}
		})
	}
}

// Each scope on accounts in each state. An account that had no factor before the reset
// sets one up.
func TestResetStates(t *testing.T) {
	for state, c := range map[string]struct {
		make func(h *harness)
		next totpflow.Step // after a reset of the authenticators
		is   error
	}{
		"never seen": {func(*harness) {}, totpflow.Refused, admin.ErrNoAccount},
		"disabled":   {func(h *harness) { h.Step(ana) }, totpflow.Enroll, nil},
		"pending": {func(h *harness) {
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(h.T, err)
			_, err = h.BeginEnrollment(h.Ctx, next.Proof)
			require.NoError(h.T, err)
		}, totpflow.Enroll, nil},
		"active": {func(h *harness) { h.Enroll(ana) }, totpflow.Enroll, nil},
		"replacing": {func(h *harness) {
			phone, _ := h.Enroll(ana)
			_, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			require.NoError(h.T, err)
		}, totpflow.Enroll, nil},
		"reset before": {func(h *harness) {
			h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
		}, totpflow.Enroll, nil},
		"exempt": {func(h *harness) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))
		}, totpflow.Enroll, nil},
		"frozen": {func(h *harness) { h.Enroll(ana); h.Freeze(ana) }, totpflow.AskCode, nil}, // for an issued code
	} {
		for _, scope := range scopes {
			t.Run(state+"/"+string(scope), func(t *testing.T) {
				h := newHarness(t)
				c.make(h)
				before, err := h.Account(ana).Status(h.Ctx)
				require.NoError(t, err)
				err = servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, scope))
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
					require.Empty(t, h.Versions())
					return
				}
				require.NoError(t, err)
				after := h.Status(ana)
				require.Greater(t, after.Generation, before.Generation)
				if scope == admin.ScopeBrowsers || scope == admin.ScopeRecoveryCodes {
					require.Equal(t, before.State, after.State)
					require.Equal(t, before.Frozen, after.Frozen)
					return
				}
				require.Equal(t, enroll.ResetPending, after.State)
				require.Zero(t, after.Frozen)
				require.Equal(t, c.next, h.Step(ana))
			})
		}
	}
	h := newHarness(t)
	h.Enroll(ana)
	h.Unchanged(func() {
		for _, scope := range []admin.Scope{"", "ALL", "everything"} {
			require.ErrorIs(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, scope)), admin.ErrScope)
			_, err := h.Admin(nil).ResetMany(h.Ctx, ops, "acme", []string{ana.ID.User}, scope)
			require.ErrorIs(t, err, admin.ErrScope)
		}
	})
}

// After a reset the password leads to the enrollment for 24 hours. Later an issued code
// is required: a thief who gets the password next year must not find an open door.
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
			h := newHarness(t)
			h.Enroll(ana)
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
			h.Clock.Advance(c.after)
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, c.next, next.Step)
			require.Empty(t, next.Proof)
			if c.next == totpflow.Enroll {
				h.EnrollBy(next.Challenge)
				return
			}
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
			_, err = h.BeginEnrollment(h.Ctx, next.Challenge)
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			d, err := h.VerifyCode(h.Ctx, next.Challenge, "123456")
			refused(t, d, err, totpflow.ErrNotEnrolled)
			h.Clock.Set(start.Add(days(400)))
			d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
			require.NoError(t, err)
			h.EnrollBy(d.Challenge)
		})
	}
}

// If the policy says so, the password alone leads nowhere even then.
func TestPolicyWantsAnIssuedCode(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, IssuedCode: true})
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step, "who never had a factor has not been reset")
	h.EnrollBy(next.Challenge)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
	require.NoError(t, err)
	h.EnrollBy(d.Challenge)
}

// Resetting a frozen account ends the freeze and clears everything, whatever the scope:
// the codes may be in other hands. The password may be too, so it does not suffice, not
// even if the reset is repeated, as after a time-out.
func TestResetOfAFrozenAccount(t *testing.T) {
	for _, scope := range []admin.Scope{admin.ScopeAll, admin.ScopeAuthenticators} {
		for _, times := range []int{1, 2} {
			h := newHarness(t)
			_, codes := h.Enroll(ana)
			h.Freeze(ana)
			for range times {
				require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, scope)))
				h.Clock.Advance(time.Minute)
			}
			require.Zero(t, h.Status(ana).Frozen)
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
			d, err := h.VerifyRecoveryCode(h.Ctx, next.Challenge, codes[0])
			refused(t, d, err, totpflow.ErrRejected)
			d, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
			require.NoError(t, err)
			h.EnrollBy(d.Challenge)

			// Once the new phone is enrolled that is over: the next reset is like any
			// other.
			require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, scope)))
			require.Equal(t, totpflow.Enroll, h.Step(ana))
		}
	}
}

// Nor is there a way round by another call of an administrator who may not know what the
// first one was for.
func TestDetoursOfAFrozenAccount(t *testing.T) {
	for name, detour := range map[string]func(h *harness, a admin.Admin) error{
		"exempted and no longer": func(h *harness, a admin.Admin) error {
			h.exempts(anaID)
			return servicetest.ErrorOf(a.EndExemption(h.Ctx, ops, anaID))
		},
		"another number": func(h *harness, a admin.Admin) error {
			return servicetest.ErrorOf(a.AssignPhone(h.Ctx, ops, anaID, mobile))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p provider
			h := newHarness(t, withPhones(&p)...)
			h.EnrollPhone(ana, &p)
			h.Freeze(ana)
			require.NoError(t, detour(h, h.Admin(nil)))
			require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.AskCode, next.Step)
			require.Equal(t, []totpflow.Method{totpflow.MethodIssuedCode}, next.Methods)
		})
	}
}

// Unlock ends a freeze and every lock after wrong codes, and clears no factor.
func TestUnlock(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	for range 10 {
		_, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), "0000-0000-0000-0000")
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Peek())
	refused(t, d, err, throttle.ErrThrottled)
	d, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	refused(t, d, err, throttle.ErrThrottled)
	require.NotNil(t, h.Member(anaID).Throttled)

	h.Events.Kinds()
	require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
	require.Len(t, h.EventsOf(event.Unlocked), 1)
	require.Nil(t, h.Member(anaID).Throttled)
	h.PassByCode(ana, phone)
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	require.ErrorIs(t, h.Admin(nil).Unlock(h.Ctx, ops, agentID), admin.ErrNoAccount)
}

// One browser of several is no longer trusted; the others are.
func TestAdminRevokesABrowser(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	tokens := []trust.Token{h.TrustBrowserOf(ana, phone), h.TrustBrowserOf(ana, phone)}
	browsers := h.Member(anaID).Browsers
	require.Len(t, browsers, 2)
	require.ErrorIs(t, h.Admin(nil).RevokeBrowser(h.Ctx, ops, anaID, "nobody's"), totpflow.ErrNoBrowser)
	h.Events.Kinds()
	require.NoError(t, h.Admin(nil).RevokeBrowser(h.Ctx, ops, anaID, browsers[0].ID))
	require.Equal(t, browsers[0].ID, h.EventsOf(event.BrowserRevoked)[0].Browser)
	for i, want := range []totpflow.Step{totpflow.AskCode, totpflow.Passed} {
		next, err := h.SignIn(h.Ctx, ana, tokens[i])
		require.NoError(t, err)
		require.Equal(t, want, next.Step)
	}
}

// A reset of many has an outcome for each; an account without a record does not hold up
// the rest.
func TestResetMany(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	h.Enroll(ben)
	h.Events.Kinds()
	outcomes, err := h.Admin(nil).ResetMany(h.Ctx, ops, "acme", []string{ana.ID.User, "nobody", ben.ID.User}, admin.ScopeAll)
	require.NoError(t, err)
	require.Len(t, outcomes, 3)
	require.NoError(t, outcomes[0].Err)
	require.ErrorIs(t, outcomes[1].Err, admin.ErrNoAccount)
	require.NoError(t, outcomes[2].Err)
	require.Equal(t, []event.Kind{event.BulkReset, event.Reset, event.Reset}, h.Events.Kinds())
	require.Equal(t, totpflow.Enroll, h.Step(ana))
	require.Equal(t, totpflow.Enroll, h.Step(ben))
	st, err := h.Admin(nil).Tenant(h.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, 3, st.Activity[0].Remaining)
	require.Equal(t, string(admin.ScopeAll), st.Activity[0].Action)
}

// A freeze says that the password may be in other hands. So every later reset requires
// the mailed code, whatever an administrator did in between.
func TestNoDetourRoundTheMailedCode(t *testing.T) {
	restore := func(h *harness) {
		require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).RestoreAuthenticator(h.Ctx, ops, anaID, h.Member(anaID).Recoverable[0].ID)))
	}
	unlock := func(h *harness) { require.NoError(h.T, h.Admin(nil).Unlock(h.Ctx, ops, anaID)) }
	var last *totptest.Authenticator // by a thief
	replace := func(h *harness) { last, _ = h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, last)) }
	reset := func(what admin.Scope) func(h *harness) {
		return func(h *harness) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, what)))
		}
	}
	exempt := func(h *harness) {
		require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))
		require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).EndExemption(h.Ctx, ops, anaID)))
	}
	for name, steps := range map[string][]func(h *harness){
		"reset":                    {reset(admin.ScopeAll)},
		"reset of authenticators":  {reset(admin.ScopeAuthenticators)},
		"reset twice":              {reset(admin.ScopeAll), reset(admin.ScopeAll)},
		"unlock, reset":            {unlock, reset(admin.ScopeAll)},
		"unlock, the lesser reset": {unlock, reset(admin.ScopeAuthenticators)},
		"restore, reset":           {restore, reset(admin.ScopeAll)},
		"restore, unlock, reset":   {restore, unlock, reset(admin.ScopeAll)},
		"unlock, replace, reset":   {unlock, replace, reset(admin.ScopeAll)},
		"exempt and back, unlock":  {exempt, unlock},
		"unlock, exempt and back":  {unlock, exempt},
		"exempt and back, reset":   {exempt, reset(admin.ScopeAll)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			phone, _ := h.Enroll(ana)
			var codes []string
			last, codes = h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			h.Freeze(ana)
			for _, step := range steps {
				step(h)
			}
			require.True(t, h.Member(anaID).NeedsCode)
			c := h.Challenge(ana) // the password alone leads to no enrollment
			_, err := h.BeginEnrollment(h.Ctx, c)
			require.ErrorIs(t, err, totpflow.ErrChallenge)
			_, _, err = h.BeginExternal(h.Ctx, c, "key")
			require.Error(t, err)
			d, err := h.VerifyRecoveryCode(h.Ctx, c, codes[0])
			refused(t, d, err, totpflow.ErrRejected)

			next, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
			require.NoError(t, err)
			require.Equal(t, totpflow.Enroll, next.Step)
			reset(admin.ScopeAll)(h) // before the person has finished
			require.True(t, h.Member(anaID).NeedsCode, "the code that was redeemed is used up")

			next, err = h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), h.IssueCode(anaID))
			require.NoError(t, err)
			h.EnrollBy(next.Challenge)
			reset(admin.ScopeAll)(h)
			require.False(t, h.Member(anaID).NeedsCode, "an authenticator was confirmed after the mailed code")
		})
	}
}

// A new password ends the suspicion of a freeze after a day: not at once, since a thief
// with access to the mailbox could have a code sent, and a password from before the
// freeze does not count.
func TestNewPasswordLiftsTheMailedCode(t *testing.T) {
	reset := func(h *harness) bool {
		require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
		return h.Member(anaID).NeedsCode
	}
	h := newHarness(t)
	h.Enroll(ana)
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
	h.Freeze(ana)
	h.Clock.Advance(days(2))
	require.True(t, reset(h), "a password from before the freeze")
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
	require.True(t, reset(h), "at once")
	h.Clock.Advance(days(1) - time.Second)
	require.True(t, reset(h))
	h.Clock.Advance(time.Second)
	require.False(t, reset(h))

	h = newHarness(t)
	h.Enroll(ana)
	h.Freeze(ana)
	require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
	require.NoError(t, h.Admin(nil).Unlock(h.Ctx, ops, anaID))
	h.Freeze(ana)
	h.Clock.Advance(days(2))
	require.True(t, reset(h), "another freeze since")
}

// A clock was a year ahead when the password changed. The pause until a code may be
// mailed lasts a day from the call of the administrator who helps, not a year.
func TestPauseOfAClockAhead(t *testing.T) {
	for name, help := range map[string]func(h *harness) error{
		"unlock": func(h *harness) error { return h.Admin(nil).Unlock(h.Ctx, ops, anaID) },
		"reset": func(h *harness) error {
			return servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.Enroll(ana)
			now := h.Clock.Now()
			h.Clock.Set(now.AddDate(1, 0, 0))
			require.NoError(t, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.Clock.Set(now)
			require.NoError(t, help(h))
			h.Clock.Advance(days(1))
			require.NotEmpty(t, h.IssueCode(anaID))
		})
	}
}
