package admin_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// A harness is a service with everything around it that a test needs.
type harness struct{ *servicetest.Harness }

func newHarness(t testing.TB, changes ...func(*totpflow.Config)) *harness {
	t.Helper()
	return &harness{servicetest.New(t, changes...)}
}

type (
	mailbox  = servicetest.Mailbox  // of issued codes
	provider = servicetest.Provider // of messages
)

// Short names for what most tests use.
var (
	start, days, quiet              = servicetest.Start, servicetest.Days, servicetest.Quiet
	ana, anaID                      = servicetest.Ana, servicetest.Ana.ID
	agent, agentID                  = servicetest.Agent, servicetest.Agent.ID
	ops                             = servicetest.Root
	mobile, number                  = servicetest.Mobile, servicetest.Number
	withMode, withPhones, ofTenants = servicetest.WithMode, servicetest.WithPhones, servicetest.TenantPolicies
	rfcKey, together                = servicetest.RFCKey, servicetest.Together
	fortnight                       = servicetest.Fortnight
)

const everyMethod = servicetest.EveryMethod

// refused asserts that nothing was granted with an error.
func refused(t testing.TB, d totpflow.Decision, err error, is error) {
	t.Helper()
	require.ErrorIs(t, err, is)
	require.Zero(t, d, "a decision came with the error")
}

// An organization is a harness in which tenants have policies of their own, with a
// provider above a customer (acme) above a unit, another customer beside it, and an
// administrator of each. Its rule permits every call: any refusal comes from the library.
type organization struct {
	*harness
	admin                     admin.Admin
	boss, deputy              person // of the customer
	provider, unit, elsewhere person
}

// A person has a phone with an app.
type person struct {
	totpflow.User
	Phone *totptest.Authenticator
}

func newOrganization(t testing.TB, changes ...func(*totpflow.Config)) *organization {
	t.Helper()
	o := &organization{harness: newHarness(t, append([]func(*totpflow.Config){ofTenants}, changes...)...)}
	o.admin = o.Admin(letAll)
	o.boss, o.deputy = o.hire("acme", "boss"), o.hire("acme", "deputy")
	o.provider, o.unit, o.elsewhere = o.hire("provider", "p1"), o.hire("acme/unit", "u1"), o.hire("globex", "boss")
	return o
}

func letAll(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil }

var errSays = errors.New("the host's rule says no")

// hire imports a person, which avoids the cost of a set of recovery codes.
func (h *harness) hire(tenant, id string) person {
	h.T.Helper()
	key, err := totp.NewKey(totp.Params{})
	require.NoError(h.T, err)
	uri, err := key.URI(totp.Label{Issuer: "x", Account: id})
	require.NoError(h.T, err)
	c := person{User: totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: id}}}
	c.Phone, err = totptest.ScanURI(uri, h.Clock)
	require.NoError(h.T, err)
	require.NoError(h.T, h.Import(admin.Imported{ID: c.ID, Key: key})[0].Err)
	return c
}

// By returns the administrator with a fresh proof for the usual target of the action in
// tests: ana, acme as a whole, or the request that is pending there.
func (o *organization) By(c person, a totpflow.Action) admin.Administrator {
	o.T.Helper()
	return o.ByFor(c, o.purpose(a))
}

func (o *organization) purpose(a totpflow.Action) totpflow.Purpose {
	switch a {
	case admin.ActionApprove:
		return a.On(o.pending("acme"))
	case admin.ActionSetPolicy:
		return admin.Purpose(a, store.AccountID{Tenant: "acme"})
	case admin.ActionImport:
		return a.On("")
	default:
		return admin.Purpose(a, anaID)
	}
}

// manyOfAcme is the purpose of a proof for ResetMany.
var manyOfAcme = admin.Purpose(admin.ActionResetAccount, store.AccountID{Tenant: "acme"})

// ByFor returns the administrator with a fresh proof for the purpose. It uses a new code,
// for which it may advance the clock by half a minute.
func (o *organization) ByFor(c person, p totpflow.Purpose) admin.Administrator {
	o.T.Helper()
	return admin.Administrator{User: c.User, Proof: o.ProveFor(c.User, p, c.Phone)}
}
