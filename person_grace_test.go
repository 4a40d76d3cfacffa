package totpflow_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A session without a factor is valid where none is required, and as long as a grace
// period lasts. For a person who is signed in when the policy starts to require a factor,
// the next request begins the grace period, once.
func TestSessionsEndWithTheGrace(t *testing.T) {
	h := newHarness(t, ofTenants)
	require.Equal(t, totpflow.Passed, h.Step(ana))
	session := h.Mark(ana)
	valid := func() bool { return h.SessionStands(ana, session) }
	h.Clock.Advance(time.Hour)
	h.Unchanged(func() { require.True(t, valid(), "nothing is required") })
	h.SetPolicy("acme", fortnight)
	armed := h.Clock.Now()
	h.Events.Kinds()
	require.True(t, valid())
	require.Equal(t, []event.Kind{event.GraceBegan}, h.Events.Kinds())
	h.Clock.Advance(days(3))
	h.Unchanged(func() { require.True(t, valid(), "once") })
	require.Equal(t, armed.Add(days(14)), h.Status(ana).GraceUntil)
	require.False(t, h.Status(ana).GraceBegins)
	h.Clock.Set(armed.Add(days(14) - time.Millisecond))
	require.True(t, valid())
	h.Clock.Set(armed.Add(days(14)))
	require.False(t, valid())
	require.Equal(t, totpflow.Enroll, h.Step(ana))
}

// Without a grace period a session that has shown no factor ends once one is required.
// The session of a person who has a factor, or of a machine, goes on.
func TestSessionsOfWhoHasNothing(t *testing.T) {
	h := newHarness(t, ofTenants)
	phone, _ := h.Enroll(ana)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	require.Equal(t, totpflow.Passed, h.Step(ben))
	require.NoError(t, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, agentID, "nightly backup")))
	h.PassByCode(ana, phone)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for u, want := range map[totpflow.User]bool{ana: true, ben: false, agent: true} {
		require.Equal(t, want, h.SessionStands(u, h.Mark(u)), u.ID.User)
	}
}

// A grace period that has not begun is shown as such: its end would differ each time
// somebody looks. One that a deadline ends has a date nevertheless.
func TestGraceThatHasNotBegun(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	list := func() string {
		var file bytes.Buffer
		require.NoError(t, admin.WriteCSV(&file, servicetest.Each(h.Member(anaID)), nil))
		return file.String()
	}
	require.True(t, h.Member(anaID).GraceBegins)
	require.True(t, h.Status(ana).GraceBegins)
	require.Equal(t, admin.StateGrace, h.Member(anaID).State)
	require.Contains(t, list(), "acme,42,,grace,true,,")
	require.Equal(t, totpflow.Passed, h.Step(ana))
	require.False(t, h.Member(anaID).GraceBegins)
	require.Contains(t, list(), "acme,42,,grace,true,2026-01-16T15:04:00Z,")

	deadline := start.Add(days(7))
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(14), Deadline: deadline})
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	require.False(t, h.Status(ben).GraceBegins)
	require.Equal(t, deadline, h.Status(ben).GraceUntil)
}

// More time is more: an end before the current one is refused, whether that comes from
// the policy's grace period or from an administrator.
func TestGraceIsNotShortened(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(60)})
	extend := func(d time.Duration) error { return h.Admin(nil).ExtendGrace(h.Ctx, ops, anaID, start.Add(d)) }
	for _, begun := range []bool{false, true} {
		h.Unchanged(func() {
			require.ErrorIs(t, extend(days(14)), admin.ErrGrace)
			require.ErrorIs(t, extend(days(60)), admin.ErrGrace)
		})
		if !begun {
			require.Equal(t, totpflow.Passed, h.Step(ana))
		}
	}
	require.NoError(t, extend(days(61)))
	h.Unchanged(func() { require.ErrorIs(t, extend(days(60)), admin.ErrGrace) })
	require.Equal(t, start.Add(days(61)), h.Status(ana).GraceUntil)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
	require.NoError(t, extend(days(70)), "also ahead of the day on which it is required")

	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "43"}}
	require.NoError(t, h.Admin(nil).ExtendGrace(h.Ctx, ops, store.AccountID{Tenant: "acme", User: "43"}, start.Add(days(5))))
	h.Clock.Set(start.Add(days(6)))
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(60)})
	require.Equal(t, totpflow.Passed, h.Step(ben), "nor by a policy that gives more than was given before")
	require.Equal(t, start.Add(days(66)), h.Status(ben).GraceUntil)
}

// If more time would change nothing, nobody is told that there is more.
func TestNoGraceToExtend(t *testing.T) {
	for name, c := range map[string]func(h *harness){
		"has a factor": func(h *harness) { h.Enroll(ana) },
		"was reset": func(h *harness) {
			h.Enroll(ana)
			h.Reset(anaID)
		},
		"a machine": func(h *harness) {
			require.NoError(h.T, servicetest.ErrorOf(h.Admin(nil).Exempt(h.Ctx, ops, anaID, "nightly backup")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			c(h)
			h.SetPolicy("acme", fortnight)
			h.Unchanged(func() {
				require.ErrorIs(t, h.Admin(nil).ExtendGrace(h.Ctx, ops, anaID, start.Add(days(60))), admin.ErrNoGrace)
			})
		})
	}
}

// The list marks people who were reset and do not get in by the password alone: somebody
// has to send them a code.
func TestWhoNeedsACode(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	require.False(t, h.Member(anaID).NeedsCode)
	h.Reset(anaID)
	require.False(t, h.Member(anaID).NeedsCode)
	require.Equal(t, totpflow.Enroll, h.Step(ana))
	h.Clock.Advance(24 * time.Hour)
	require.True(t, h.Member(anaID).NeedsCode)
	require.Equal(t, totpflow.AskCode, h.Step(ana))

	h = newHarness(t)
	h.Enroll(ana)
	h.Freeze(ana)
	h.Reset(anaID)
	require.True(t, h.Member(anaID).NeedsCode, "it was frozen")
}

// A grace period revives no session that a new password has ended, and a policy that
// cannot be asked ends none for good: it is an error.
func TestGraceRevivesNoSession(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	require.Equal(t, totpflow.Passed, h.Step(ana))
	session := h.Mark(ana)
	c, err := h.Account(ana).PasswordChanged(h.Ctx)
	require.NoError(t, err)
	require.False(t, h.SessionStands(ana, session))
	require.True(t, h.SessionStands(ana, c.Mark), "one that was begun since")

	down := errors.New("the policy's database is down")
	s := h.Open(func(c *totpflow.Config) { c.Policy = servicetest.FailingPolicy{Err: down} })
	valid, err := s.Account(ana).SessionValid(h.Ctx, c.Mark)
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, err, totpflow.ErrPolicy)
	require.False(t, valid)
}

// asking is a source of policies that reads the account.
type asking struct{ service *totpflow.Service }

func (a *asking) Policy(ctx context.Context, id store.AccountID) (policy.Policy, error) {
	_, err := a.service.SignInMachine(ctx, totpflow.User{ID: id}, "x")
	if !errors.Is(err, totpflow.ErrNotExempt) {
		return policy.Policy{}, errors.New("the account does not answer")
	}
	return fortnight, nil
}

// The policy is asked while nobody waits for the account: a host's source may read it,
// and a slow one delays nobody else.
func TestSessionValidAsksOutsideTheRound(t *testing.T) {
	h, source := newHarness(t), new(asking)
	source.service = h.Open(func(c *totpflow.Config) { c.Policy = source })
	ctx, cancel := context.WithTimeout(h.Ctx, 10*time.Second) // only a deadlock takes that long
	defer cancel()
	valid, err := source.service.Account(ana).SessionValid(ctx, h.Mark(ana))
	require.NoError(t, err)
	require.True(t, valid)
	h.Clock.Advance(days(1))
	st, err := source.service.Account(ana).Status(ctx)
	require.NoError(t, err)
	require.Equal(t, start.Add(days(14)), st.GraceUntil, "it has begun")
}

// meanwhile is a source of policies that calls a function while it is asked.
type meanwhile func()

func (m meanwhile) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	m()
	return fortnight, nil
}

// A change to the account while its policy is being read counts: no grace period revives
// an ended session, and none ends the session of a person who has a factor now.
func TestSessionValidLooksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(h *harness)
		want    bool
	}{
		"nothing":        {func(*harness) {}, true},
		"a new password": {func(h *harness) { require.NoError(h.T, servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx))) }, false},
		"an import":      {func(h *harness) { require.NoError(h.T, h.Import(admin.Imported{ID: anaID, Key: rfcKey(h.T)})[0].Err) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			session := h.Mark(ana)
			s := h.Open(func(config *totpflow.Config) { config.Policy = meanwhile(func() { c.happens(h) }) })
			valid, err := s.Account(ana).SessionValid(h.Ctx, session)
			require.NoError(t, err)
			require.Equal(t, c.want, valid)
		})
	}
}
