package totpflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// An office is a house whose policies are the tenants' own, with a provider
// above a customer (acme) above a unit, another customer beside, and somebody
// to administrate each. Its rule lets every administrator do everything: what is
// refused, the library refuses.
type office struct {
	*house
	admin                     admin.Admin
	boss, deputy              clerk // of the customer
	provider, unit, elsewhere clerk
}

// A clerk is a person with a phone.
type clerk struct {
	totpflow.User
	phone *totptest.Authenticator
}

func (c clerk) id() store.AccountID { return c.ID }

var (
	chains = map[string][]string{"acme": {"provider"}, "acme/unit": {"acme", "provider"}}
	ops    = admin.Operator{Name: "root", Reason: "ticket 7"}
	anaID  = ana.ID
)

func above(_ context.Context, tenant string) ([]string, error) { return chains[tenant], nil }

// ofTenants leaves the policy to the tenants' administrators.
func ofTenants(c *totpflow.Config) { c.Policy, c.ParentTenants = nil, above }

func letAll(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil }

func newOffice(t testing.TB, changes ...func(*totpflow.Config)) *office {
	t.Helper()
	o := &office{house: newHouse(t, append([]func(*totpflow.Config){ofTenants}, changes...)...)}
	o.admin = o.Admin(letAll)
	o.boss, o.deputy = o.hire("acme", "boss"), o.hire("acme", "deputy")
	o.provider, o.unit, o.elsewhere = o.hire("provider", "p1"), o.hire("acme/unit", "u1"), o.hire("globex", "boss")
	return o
}

// hire imports the clerk, which costs no set of recovery codes.
func (h *house) hire(tenant, id string) clerk {
	h.t.Helper()
	key, err := totp.NewKey(totp.Params{})
	require.NoError(h.t, err)
	uri, err := key.URI(totp.Label{Issuer: "x", Account: id})
	require.NoError(h.t, err)
	c := clerk{User: totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: id}}}
	c.phone, err = totptest.ScanURI(uri, h.clock)
	require.NoError(h.t, err)
	require.NoError(h.t, h.imports(admin.Imported{ID: c.id(), Key: key})[0].Err)
	return c
}

// by is the clerk with a fresh proof of the action. It takes a new code, for
// which the clock may go on by half a minute.
func (o *office) by(c clerk, a totpflow.Action) admin.Administrator {
	o.t.Helper()
	return admin.Administrator{User: c.User, Proof: o.prove(c.User, a, c.phone)}
}

// set gives a tenant its policy.
func (h *house) set(tenant string, p policy.Policy) {
	h.t.Helper()
	require.NoError(h.t, h.Admin(nil).SetPolicy(h.ctx, ops, tenant, p))
}

// member is how one account stands in the administrator's list.
func (h *house) member(id store.AccountID) admin.Member {
	h.t.Helper()
	m, err := h.Admin(nil).Member(h.ctx, ops, id)
	require.NoError(h.t, err)
	return m
}

// versions is what the store holds: no two are the same where anything was
// written in between.
func (h *house) versions() map[store.AccountID]store.Version {
	h.t.Helper()
	page, err := h.memory.List(h.ctx, store.Query{AllTenants: true, Limit: store.MaxLimit})
	require.NoError(h.t, err)
	versions := map[store.AccountID]store.Version{}
	for _, r := range page.Records {
		versions[r.ID] = r.Version
	}
	return versions
}

// unchanged runs f and asserts that it wrote nothing, and told of no change.
func (h *house) unchanged(f func()) {
	h.t.Helper()
	before := h.versions()
	h.events.kinds()
	f()
	require.True(h.t, maps.Equal(before, h.versions()), "something was written")
	for _, k := range h.events.kinds() {
		require.False(h.t, k.SecurityChange(), "told of %s", k)
	}
}

// told returns the events since the last look, those of one kind.
func (h *house) told(k event.Kind) []event.Event {
	h.events.mu.Lock()
	defer h.events.mu.Unlock()
	all := h.events.got
	h.events.got = nil
	return slices.DeleteFunc(all, func(e event.Event) bool { return e.Kind != k })
}

// step signs in and returns what is next.
func (h *house) step(u totpflow.User) totpflow.Step {
	h.t.Helper()
	next, err := h.SignIn(h.ctx, u)
	require.NoError(h.t, err)
	return next.Step
}

// mailbox takes what IssueRecoveryCode delivers.
type mailbox struct{ got []admin.IssuedCode }

func (m *mailbox) deliver(_ context.Context, c admin.IssuedCode) error {
	m.got = append(m.got, c)
	return nil
}

func (m *mailbox) code() string { return m.got[len(m.got)-1].Code }

// issue has a code sent to the person and returns it.
func (h *house) issue(id store.AccountID) string {
	h.t.Helper()
	var m mailbox
	require.NoError(h.t, h.Admin(nil).IssueRecoveryCode(h.ctx, ops, id, m.deliver))
	require.Len(h.t, m.got, 1)
	require.Equal(h.t, id, m.got[0].ID)
	return m.code()
}

var errSays = errors.New("the host's rule says no")

// days are counted from the start of the test.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// printed is a value in all the ways in which it may end in a log or an answer.
func printed(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		data = []byte(err.Error())
	}
	return fmt.Sprintf("%v %+v %#v %x %s", v, v, v, v, data)
}
