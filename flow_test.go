package totpflow_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

func withFlows(heard event.FlowObserver) func(*totpflow.Config) {
	return func(c *totpflow.Config) { c.Flows = heard }
}

// No call of a service or of an account is missing from the metrics, and each is one flow
// under the name of its method.
func TestEveryCallIsAFlow(t *testing.T) {
	var heard servicetest.Flows
	h := newHarness(t, withFlows(&heard))
	want := servicetest.CallAll(h.Ctx, h.Service, "")
	want = append(want, servicetest.CallAll(h.Ctx, h.Service.Account(ana), "account.")...)
	var got []string
	for _, f := range heard.Take() {
		got = append(got, f.Name)
		require.Contains(t, event.Outcomes(), f.Outcome)
	}
	require.Equal(t, want, got)
	require.Greater(t, len(want), 30)
}

// The outcomes of a sign-in, as a metric shows them.
func TestFlowOutcomes(t *testing.T) {
	var heard servicetest.Flows
	h := newHarness(t, withFlows(&heard), func(c *totpflow.Config) {
		c.Phones = &phone.Delivery{Sender: noProvider{}}
		c.Policy = policy.Fixed{Mode: policy.Required, Methods: everyMethod}
	})
	one := func(name string, want event.Outcome) event.Flow {
		t.Helper()
		all := heard.Take()
		require.NotEmpty(t, all)
		last := all[len(all)-1]
		require.Equal(t, name, last.Name)
		require.Equal(t, want, last.Outcome)
		return last
	}
	app, _ := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	ask := h.Challenge(ana)
	f := one("sign_in", event.OutcomeOK)
	require.Equal(t, h.Clock.Now(), f.Began)
	verify := func(code string) { _, _ = h.VerifyCode(h.Ctx, ask, code) }
	verify("none")
	one("verify_code", event.OutcomeMalformed)
	verify(app.WrongCode())
	one("verify_code", event.OutcomeRejected)
	code := app.Code()
	verify(code)
	one("verify_code", event.OutcomeOK)
	verify(code)
	one("verify_code", event.OutcomeRefused)
	ask = h.Challenge(ana)
	verify(code)
	one("verify_code", event.OutcomeRejected)
	for range 20 {
		verify(app.WrongCode())
	}
	one("verify_code", event.OutcomeThrottled)

	h.Store.SetFaults(totptest.Faults{Put: errors.New("gone")})
	_, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}})
	require.ErrorIs(t, err, store.ErrUnavailable)
	one("sign_in", event.OutcomeUnavailable)
	h.Store.SetFaults(totptest.Faults{})
	ctx, cancel := context.WithCancel(h.Ctx)
	cancel()
	_, err = h.SignIn(ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}})
	require.ErrorIs(t, err, context.Canceled)
	one("sign_in", event.OutcomeCanceled)

	d, err := h.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{User: "new"}})
	require.NoError(t, err)
	p, err := h.BeginPhone(h.Ctx, d.Challenge, mobile)
	require.NoError(t, err)
	_, err = h.SendEnrollmentCode(h.Ctx, p.Token, phone.SMS)
	require.ErrorIs(t, err, errNoProvider)
	one("send_enrollment_code", event.OutcomeFailed)

	wrong := h.Open(withFlows(&heard), func(c *totpflow.Config) {
		c.Keys, err = keyring.Parse(keyring.Generate())
		require.NoError(t, err)
	})
	_, err = wrong.SignIn(h.Ctx, ana)
	require.ErrorIs(t, err, keyring.ErrUnknownKey)
	one("sign_in", event.OutcomeUnreadable)
	noPolicy := h.Open(withFlows(&heard), ofTenants, func(c *totpflow.Config) {
		c.ParentTenants = func(context.Context, string) ([]string, error) { return nil, errors.New("no directory") }
	})
	_, err = noPolicy.SignIn(h.Ctx, ana)
	require.ErrorIs(t, err, totpflow.ErrPolicy)
	one("sign_in", event.OutcomeFailed)
}

var errNoProvider = errors.New("no provider")

// A noProvider of messages fails.
type noProvider struct{}

func (noProvider) Send(context.Context, phone.Message) error { return errNoProvider }

// A flow reports how often another writer was faster, and how long the flow took.
func TestFlowLostAndDuration(t *testing.T) {
	var heard servicetest.Flows
	h := newHarness(t)
	h.Enroll(ana)
	races := 2
	slow := h.Open(withFlows(&heard), func(c *totpflow.Config) {
		c.Store = meddled{c.Store, func(ctx context.Context) {
			if races > 0 {
				races--
				h.Clock.Advance(time.Second)
				_, err := h.Service.Account(ana).EndSessions(ctx)
				require.NoError(t, err)
			}
		}}
	})
	_, err := slow.Account(ana).EndSessions(h.Ctx)
	require.NoError(t, err)
	got := heard.Take()
	require.Len(t, got, 1)
	require.Equal(t, "account.end_sessions", got[0].Name)
	require.Equal(t, 2, got[0].Lost)
	require.Equal(t, 2*time.Second, got[0].Duration)

	back := h.Open(withFlows(&heard), func(c *totpflow.Config) {
		c.Store = meddled{c.Store, func(context.Context) { h.Clock.Advance(-time.Second) }}
	})
	_, err = back.Account(ana).EndSessions(h.Ctx)
	require.NoError(t, err)
	require.Zero(t, heard.Take()[0].Duration, "a clock that was put back")
}

// A meddled store calls before each write.
type meddled struct {
	store.Store
	before func(context.Context)
}

func (m meddled) Put(ctx context.Context, rec store.Record, was store.Version) error {
	m.before(ctx)
	return m.Store.Put(ctx, rec, was)
}

// A panicking observer of flows fails none of them, and calls that it makes itself are
// flows of their own.
func TestFlowObserverPanics(t *testing.T) {
	var log bytes.Buffer
	h := newHarness(t, withFlows(event.FlowObserverFunc(func(context.Context, event.Flow) { panic("no such metric") })), func(c *totpflow.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	h.Enroll(ana)
	require.Contains(t, log.String(), "no such metric")
	require.Contains(t, log.String(), "flow=sign_in")

	_, err := totpflow.New(totpflow.Config{Issuer: "Acme", Store: h.Memory, Keys: h.Ring(), Flows: event.FlowObserverFunc(nil)})
	require.ErrorIs(t, err, totpflow.ErrConfig)
}

// A notifier goes on after the flow that caused it, with that flow's context: its own
// calls must not be lost in that flow.
func TestFlowAfterAFlow(t *testing.T) {
	var heard servicetest.Flows
	var h *harness
	h = newHarness(t, withFlows(&heard), func(c *totpflow.Config) {
		c.Notifier = event.NotifierFunc(func(ctx context.Context, _ event.Notification) error {
			_, err := h.Service.Account(ana).Status(ctx)
			return err
		})
	})
	h.Enroll(ana)
	require.NoError(t, h.Service.Drain(h.Ctx))
	var names []string
	for _, f := range heard.Take() {
		names = append(names, f.Name)
	}
	require.Contains(t, names, "confirm_enrollment")
	require.Contains(t, names, "account.status")
}
