package totpflow_test

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

var (
	start = time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	ana   = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "42"}, Name: "ana@acme.example"}
)

// A house is a service with everything around it that a test wants to hold.
type house struct {
	*totpflow.Service
	t      testing.TB
	ctx    context.Context
	clock  *totptest.Clock
	store  *totptest.Store
	memory *store.Memory
	keys   string
	events *sink
}

// newHouse builds a house; the changes are applied to its configuration.
func newHouse(t testing.TB, changes ...func(*totpflow.Config)) *house {
	t.Helper()
	h := &house{
		t: t, ctx: context.Background(),
		clock:  totptest.NewClock(start),
		memory: store.NewMemory(),
		keys:   keyring.Generate(),
		events: &sink{},
	}
	h.store = totptest.Wrap(h.memory)
	h.Service = h.open(changes...)
	return h
}

// open makes one more service over the same store, as another process would.
func (h *house) open(changes ...func(*totpflow.Config)) *totpflow.Service {
	h.t.Helper()
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	c := totpflow.Config{
		Issuer: "Acme Backup", Store: h.store, Keys: keys, Events: h.events, Now: h.clock.Now,
		Policy: policy.Fixed{Mode: policy.Optional},
	}
	for _, change := range changes {
		change(&c)
	}
	s, err := totpflow.New(c)
	require.NoError(h.t, err)
	return s
}

func withMode(m policy.Mode) func(*totpflow.Config) {
	return func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: m} }
}

// enroll sets u up from the proof of a sign-in and returns the phone and the
// recovery codes.
func (h *house) enroll(u totpflow.User) (*totptest.Authenticator, []string) {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	var by totpflow.EnrollmentGrant = next.Proof
	if next.Step == totpflow.Enroll {
		by = next.Challenge
	}
	return h.setUp(by)
}

func (h *house) setUp(by totpflow.EnrollmentGrant) (*totptest.Authenticator, []string) {
	h.t.Helper()
	page, err := h.BeginEnrollment(h.ctx, by)
	require.NoError(h.t, err)
	phone, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(h.t, err)
	done, err := h.ConfirmEnrollment(h.ctx, page.Token, phone.Code())
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.Passed, done.Step)
	return phone, done.Sheet.Codes
}

// ask signs in to the point where a code is asked.
func (h *house) ask(u totpflow.User) totpflow.Challenge {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.AskCode, next.Step)
	return next.Challenge
}

// pass signs in with a code.
func (h *house) pass(u totpflow.User, phone *totptest.Authenticator) totpflow.Decision {
	h.t.Helper()
	next, err := h.VerifyCode(h.ctx, h.ask(u), phone.Code())
	require.NoError(h.t, err)
	require.Equal(h.t, totpflow.Passed, next.Step)
	return next
}

// trusted signs in with a code and trusts the browser.
func (h *house) trusted(u totpflow.User, phone *totptest.Authenticator) trust.Token {
	h.t.Helper()
	b, err := h.TrustBrowser(h.ctx, h.pass(u, phone).Proof, "Firefox on Linux")
	require.NoError(h.t, err)
	return b.Token
}

func (h *house) status(u totpflow.User) totpflow.Status {
	h.t.Helper()
	st, err := h.Account(u).Status(h.ctx)
	require.NoError(h.t, err)
	return st
}

func (h *house) prove(u totpflow.User, a totpflow.Action, phone *totptest.Authenticator) totpflow.Proof {
	h.t.Helper()
	p, err := h.Account(u).Reauthenticate(h.ctx, a, phone.Code())
	require.NoError(h.t, err)
	return p
}

// refused asserts that nothing was granted with an error.
func refused(t testing.TB, d totpflow.Decision, err error, is error) {
	t.Helper()
	require.ErrorIs(t, err, is)
	require.Zero(t, d, "a decision came with the error")
}

// A sink keeps the events it is given.
type sink struct {
	mu  sync.Mutex
	got []event.Event
}

func (s *sink) Record(_ context.Context, e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, e)
	return nil
}

// kinds returns what happened since the last call.
func (s *sink) kinds() []event.Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []event.Kind
	for _, e := range s.got {
		kinds = append(kinds, e.Kind)
	}
	s.got = nil
	return kinds
}

var quiet = event.Slog(slog.New(slog.DiscardHandler))

// raiseEpoch does what an operator does after a database was restored; services
// opened from now on have the new ring.
func (h *house) raiseEpoch() {
	h.t.Helper()
	next, err := keyring.RaiseEpoch(h.keys)
	require.NoError(h.t, err)
	h.keys = next
}

// rotateKeys makes a new newest key.
func (h *house) rotateKeys() {
	h.t.Helper()
	next, err := keyring.Rotate(h.keys)
	require.NoError(h.t, err)
	h.keys = next
}

// Admin is the administrators' calls under a rule.
func (h *house) Admin(rule admin.Rule) admin.Admin { return admin.New(h.Service, rule) }

// each yields the values and no error.
func each[T any](values ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// collect returns what seq yields, up to the first error.
func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// count counts members by their state.
func count(members ...admin.Member) (c admin.Counts) {
	for _, m := range members {
		c.Add(m)
	}
	return c
}
