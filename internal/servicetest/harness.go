// Package servicetest is the equipment of the tests of the root package and of package
// admin: a service with everything around it that a test needs, and people who use it.
// Only tests import it. Its own tests are those of the whole service, which belong to no
// single file: wrong clocks, events, grace periods, threats, costs.
package servicetest

import (
	"context"
	"testing"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

var (
	// Start is what the clock of a [Harness] shows at first.
	Start = time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	// Ana is a person.
	Ana = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "42"}, Name: "ana@acme.example"}
	// Agent is a machine.
	Agent = totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "agent-7"}}
	// Root is an operator.
	Root = admin.Operator{Name: "root", Reason: "ticket 7"}
)

// Days are counted from the start of the test.
func Days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// A Harness is a service with everything around it that a test needs.
type Harness struct {
	*totpflow.Service
	T      testing.TB
	Ctx    context.Context
	Clock  *totptest.Clock
	Store  *totptest.Store // the store of the service
	Memory *store.Memory   // the memory behind it
	Keys   string
	Events *Recorder
}

// New returns a harness whose policy is optional; the changes are applied to the
// configuration of its service.
func New(t testing.TB, changes ...func(*totpflow.Config)) *Harness {
	t.Helper()
	h := &Harness{
		T: t, Ctx: context.Background(),
		Clock:  totptest.NewClock(Start),
		Memory: store.NewMemory(),
		Keys:   keyring.Generate(),
		Events: &Recorder{},
	}
	h.Store = totptest.Wrap(h.Memory)
	h.Service = h.Open(changes...)
	return h
}

// Open returns one more service over the same store, as another process would
// have it.
func (h *Harness) Open(changes ...func(*totpflow.Config)) *totpflow.Service {
	h.T.Helper()
	c := totpflow.Config{
		Issuer: "Acme Backup", Store: h.Store, Keys: h.Ring(), Observer: h.Events, Now: h.Clock.Now,
		Policy: policy.Fixed{Mode: policy.Optional},
	}
	for _, change := range changes {
		change(&c)
	}
	s, err := totpflow.New(c)
	h.Must(err)
	return s
}

// Ring parses the harness's keys.
func (h *Harness) Ring() *keyring.Ring {
	h.T.Helper()
	keys, err := keyring.Parse(h.Keys)
	h.Must(err)
	return keys
}

// WithMode fixes the mode of the policy.
func WithMode(m policy.Mode) func(*totpflow.Config) {
	return func(c *totpflow.Config) { c.Policy = policy.Fixed{Mode: m} }
}

// Parents are the parents of two tenants.
var Parents = map[string][]string{"acme": {"provider"}, "acme/unit": {"acme", "provider"}}

// TenantPolicies leaves the policy to the tenants' administrators.
func TenantPolicies(c *totpflow.Config) {
	c.Policy, c.ParentTenants = nil, func(_ context.Context, tenant string) ([]string, error) { return Parents[tenant], nil }
}

// RaiseEpoch does what an operator does after a database was restored; services
// opened from now on have the new ring.
func (h *Harness) RaiseEpoch() {
	h.T.Helper()
	h.changeKeys(keyring.RaiseEpoch)
}

// RotateKeys makes a new newest key, for services opened from now on.
func (h *Harness) RotateKeys() {
	h.T.Helper()
	h.changeKeys(keyring.Rotate)
}

func (h *Harness) changeKeys(change func(string) (string, error)) {
	h.T.Helper()
	next, err := change(h.Keys)
	h.Must(err)
	h.Keys = next
}

// Must ends the test on an error.
func (h *Harness) Must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatalf("unexpected error: %v", err)
	}
}

// Check ends the test unless ok.
func (h *Harness) Check(ok bool, format string, a ...any) {
	h.T.Helper()
	if !ok {
		h.T.Fatalf(format, a...)
	}
}

// Fortnight is a policy with a grace period.
var Fortnight = policy.Policy{Mode: policy.Required, Grace: Days(14)}
