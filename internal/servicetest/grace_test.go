package servicetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
)

// A person who has nothing set up goes on without a factor until the grace period is
// over, with a proof to set up by, and is then led to the enrollment. That is reported
// once.
func TestGrace(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	h.Events.Kinds()
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	require.Equal(t, totpflow.ReasonGrace, next.Reason)
	require.Equal(t, ana.ID.User, next.ID.User)
	require.Equal(t, start.Add(days(14)), next.GraceUntil)
	require.Equal(t, start.Add(days(14)), h.Events.Got[0].Until, "the mail says until when")
	require.Equal(t, []event.Kind{event.GraceBegan, event.SignedIn}, h.Events.Kinds())
	require.Equal(t, start.Add(days(14)), h.Status(ana).GraceUntil)

	h.Clock.Advance(days(14) - time.Millisecond)
	require.Equal(t, totpflow.Passed, h.Step(ana))
	require.Equal(t, []event.Kind{event.SignedIn}, h.Events.Kinds())
	h.Clock.Advance(time.Millisecond)
	next, err = h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step)
	require.Empty(t, next.ID.User)
	h.EnrollBy(next.Challenge)
	require.Equal(t, totpflow.AskCode, h.Step(ana))
}

// The proof of a sign-in within the grace period permits an enrollment, and nothing else.
func TestGraceProof(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	_, err = h.TrustBrowser(h.Ctx, next.Proof, "x")
	require.ErrorIs(t, err, totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, next.Proof)), totpflow.ErrProof)
	h.EnrollBy(next.Proof)
	require.Equal(t, totpflow.AskCode, h.Step(ana))
	require.Zero(t, h.Status(ana).GraceUntil, "who has set up has no grace to lose")
}

// A grace period begins once: whatever somebody who knows the password, or an
// administrator, does to the account or its policy, its last day stays the same.
func TestGraceIsNotRenewed(t *testing.T) {
	optional := policy.Policy{Mode: policy.Optional}
	for name, renew := range map[string]func(h *harness){
		"by signing in again": func(h *harness) { h.Step(ana) },
		"by another process":  func(h *harness) { _, _ = h.Open(ofTenants).SignIn(h.Ctx, ana) },
		"by a role that does not require it, and back": func(h *harness) {
			h.SetPolicy("acme", optional)
			require.Equal(h.T, totpflow.Passed, h.Step(ana))
			h.SetPolicy("acme", fortnight)
		},
		"by arming the policy again": func(h *harness) { h.SetPolicy("acme", fortnight) },
		"by arming it off and on, with a new password": func(h *harness) {
			h.SetPolicy("acme", policy.Policy{Mode: policy.Off})
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)))
			h.SetPolicy("acme", fortnight)
		},
		"by setting up and turning it off again": func(h *harness) {
			h.SetPolicy("acme", optional)
			phone, _ := h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, phone))))
			h.SetPolicy("acme", fortnight)
		},
		"by a reset, a new phone and turning that off": func(h *harness) {
			h.SetPolicy("acme", optional)
			h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
			phone, _ := h.Enroll(ana)
			require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).Disable(h.Ctx, h.Prove(ana, totpflow.ActionDisable, phone))))
			h.SetPolicy("acme", fortnight)
		},
		"by a set-up that was left": func(h *harness) {
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(h.T, err)
			_, err = h.BeginEnrollment(h.Ctx, next.Proof)
			require.NoError(h.T, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", fortnight)
			require.Equal(t, totpflow.Passed, h.Step(ana))
			h.Clock.Advance(days(13))
			renew(h)
			h.Clock.Set(start.Add(days(14) - time.Second))
			require.Equal(t, totpflow.Passed, h.Step(ana))
			h.Clock.Set(start.Add(days(14)))
			require.Equal(t, totpflow.Enroll, h.Step(ana))
		})
	}
}

// A reset gives no grace period, neither a new one nor the rest of the old one: the
// account had a factor, and the password alone leads to the enrollment, not past it.
func TestResetGivesNoGrace(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	next, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	h.EnrollBy(next.Proof)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
	require.Equal(t, totpflow.Enroll, h.Step(ana))
	require.ErrorIs(t, h.Admin(nil).ExtendGrace(h.Ctx, ops, anaID, start.Add(days(60))), admin.ErrNoGrace)
	require.Equal(t, totpflow.Enroll, h.Step(ana), "nor does an administrator's grace lead past it")
}

// A stricter policy applies at once, and so does a milder one; each counts from the same
// beginning.
func TestGraceFollowsThePolicy(t *testing.T) {
	required := policy.Policy{Mode: policy.Required}
	for name, c := range map[string]struct {
		now  policy.Policy
		left time.Duration // on the fourth day
	}{
		"as it was":                      {fortnight, days(10)},
		"none any more":                  {required, 0},
		"shorter":                        {policy.Policy{Mode: policy.Required, Grace: days(5)}, days(1)},
		"shorter than what has passed":   {policy.Policy{Mode: policy.Required, Grace: days(3)}, 0},
		"longer":                         {policy.Policy{Mode: policy.Required, Grace: days(30)}, days(26)},
		"longer than may be":             {policy.Policy{Mode: policy.Required, Grace: days(900)}, days(86)},
		"with a deadline before its end": {policy.Policy{Mode: policy.Required, Grace: days(14), Deadline: start.Add(days(6))}, days(2)},
		"with a deadline behind":         {policy.Policy{Mode: policy.Required, Grace: days(14), Deadline: start.Add(days(60))}, days(10)},
		"a deadline alone":               {policy.Policy{Mode: policy.Required, Deadline: start.Add(days(60))}, days(56)},
		"a deadline that is over":        {policy.Policy{Mode: policy.Required, Deadline: start.Add(days(4))}, 0},
		"the provider gives none":        {required, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", fortnight)
			require.Equal(t, totpflow.Passed, h.Step(ana))
			h.Clock.Advance(days(4))
			if name == "the provider gives none" {
				h.SetPolicy("provider", c.now)
			} else {
				h.SetPolicy("acme", c.now)
			}
			if c.left == 0 {
				require.Equal(t, totpflow.Enroll, h.Step(ana))
				return
			}
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.Equal(t, totpflow.ReasonGrace, next.Reason)
			require.Equal(t, c.left, next.GraceUntil.Sub(h.Clock.Now()))
			h.Clock.Advance(c.left)
			require.Equal(t, totpflow.Enroll, h.Step(ana))
		})
	}
}

// An administrator gives one person time until a day, whatever the policy says and
// whether or not the person was ever seen; nobody else gets it.
func TestGraceExtended(t *testing.T) {
	for name, p := range map[string]policy.Policy{
		"no grace":                {Mode: policy.Required},
		"a deadline that is over": {Mode: policy.Required, Grace: days(14), Deadline: start},
		"a shorter grace":         {Mode: policy.Required, Grace: days(1)},
	} {
		for _, seen := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				h := newHarness(t, ofTenants)
				h.SetPolicy("acme", p)
				if seen {
					h.Step(ana)
				}
				until := start.Add(days(20))
				h.Events.Kinds()
				asked := until.Add(999 * time.Microsecond).In(time.FixedZone("elsewhere", 3600)) // as a page sends it
				require.NoError(t, h.Admin(nil).ExtendGrace(h.Ctx, ops, anaID, asked))
				events := h.EventsOf(event.GraceExtended)
				require.Len(t, events, 1)
				require.Equal(t, until, events[0].Until)
				require.Equal(t, "operator root", events[0].Actor)
				require.False(t, h.Status(ana).GraceBegins, "the day is fixed, also for a person who has not come yet")

				next, err := h.SignIn(h.Ctx, ana)
				require.NoError(t, err)
				require.Equal(t, totpflow.ReasonGrace, next.Reason)
				require.Equal(t, until, next.GraceUntil)
				require.Equal(t, until, h.Status(ana).GraceUntil)
				require.Equal(t, admin.StateGrace, h.Member(anaID).State)
				optional := p
				optional.Mode = policy.Optional
				h.SetPolicy("acme", optional)
				require.Zero(t, h.Status(ana).GraceUntil, "no page names a day where nothing is required")
				h.SetPolicy("acme", p)
				h.Clock.Set(until.Add(-time.Second))
				require.Equal(t, totpflow.Passed, h.Step(ana))
				h.Clock.Set(until)
				require.Equal(t, totpflow.Enroll, h.Step(ana))
				require.Equal(t, admin.StateRequired, h.Member(anaID).State)

				h.Clock.Set(start.Add(days(2)))
				next, err = h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "other"}})
				require.NoError(t, err)
				require.NotEqual(t, until, next.GraceUntil)

				next, err = h.SignIn(h.Ctx, ana)
				require.NoError(t, err)
				h.EnrollBy(next.Proof)
				require.Zero(t, h.Status(ana).GraceUntil)
				require.False(t, h.Status(ana).GraceBegins, "a person who has set up has none before them")
			})
		}
	}
}

// An extension ends in the future and within 90 days; a longer one would be an exemption.
func TestGraceExtendedWithinBounds(t *testing.T) {
	for name, c := range map[string]struct {
		until time.Time
		ok    bool
	}{
		"the past":         {start.Add(-time.Hour), false},
		"now":              {start, false},
		"never":            {time.Time{}, false},
		"90 days":          {start.Add(days(90)), true},
		"and an instant":   {start.Add(days(90) + time.Millisecond), false},
		"the next instant": {start.Add(time.Millisecond), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
			err := h.Admin(nil).ExtendGrace(h.Ctx, ops, anaID, c.until)
			if c.ok {
				require.NoError(t, err)
				require.Equal(t, totpflow.Passed, h.Step(ana))
			} else {
				require.ErrorIs(t, err, admin.ErrGrace)
			}
		})
	}
}

// A clock that goes back within the grace period leaves it as it is; one that had run
// ahead gives nobody more time than the policy does.
func TestGraceWhenTheClockGoesBack(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	require.Equal(t, totpflow.Passed, h.Step(ana))
	h.Clock.Set(start.Add(days(14)))
	require.Equal(t, totpflow.Enroll, h.Step(ana))
	h.Clock.Set(start.Add(days(2)))
	require.Equal(t, start.Add(days(14)), h.Status(ana).GraceUntil)

	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}}
	h.Clock.Set(start.Add(days(365))) // a clock that is wrong
	require.Equal(t, totpflow.Passed, h.Step(ben))
	eva := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "eva"}}
	h.Clock.Set(start.Add(20 * time.Second)) // another server's
	require.Equal(t, totpflow.Passed, h.Step(eva))
	h.Clock.Set(start)
	next, err := h.SignIn(h.Ctx, ben)
	require.NoError(t, err)
	require.Equal(t, start.Add(days(14)), next.GraceUntil)
	require.Equal(t, start.Add(days(14)), h.Status(eva).GraceUntil)
	h.Clock.Set(start.Add(days(14)))
	require.Equal(t, totpflow.Enroll, h.Step(ben))
}

// A person who was never asked for a factor has the whole grace period left, and the
// status says so: a host that checks each request throws nobody out early.
func TestGraceNotYetBegun(t *testing.T) {
	h := newHarness(t, ofTenants)
	require.Equal(t, totpflow.Passed, h.Step(ana)) // optional, and has a record from now on
	h.SetPolicy("acme", fortnight)
	require.Equal(t, start.Add(days(14)), h.Status(ana).GraceUntil)
	require.Equal(t, admin.StateGrace, h.Member(anaID).State)
	require.Equal(t, totpflow.Passed, h.Step(ana))
}

// There is no grace period where nothing is required, and none that was over before it
// could begin.
func TestNoGrace(t *testing.T) {
	for name, p := range map[string]policy.Policy{
		"optional":                {Mode: policy.Optional, Grace: days(14), Deadline: start.Add(days(30))},
		"off":                     {Mode: policy.Off, Grace: days(14)},
		"a deadline that is over": {Mode: policy.Required, Deadline: start},
		"less than nothing":       {Mode: policy.Required, Grace: -days(14)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", p)
			h.Events.Kinds()
			next, err := h.SignIn(h.Ctx, ana)
			require.NoError(t, err)
			require.NotEqual(t, totpflow.ReasonGrace, next.Reason)
			require.Equal(t, p.Mode == policy.Required, next.Step == totpflow.Enroll)
			require.NotContains(t, h.Events.Kinds(), event.GraceBegan)
			require.False(t, h.Status(ana).GraceUntil.After(start))
		})
	}
}

// Neither an account that was reset nor a machine's has a grace period.
func TestGraceIsOfNobodyElse(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	require.Equal(t, totpflow.Passed, h.Step(ana))
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
	require.Zero(t, h.Status(ana).GraceUntil)
	require.Zero(t, h.Member(anaID).GraceUntil)
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "agent")))
	require.Zero(t, h.Status(ana).GraceUntil)
}
