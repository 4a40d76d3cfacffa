package totpflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// The policies of unit, customer and provider count together, the strictest in
// every respect; where nobody has set one the factor is optional.
func TestTenantPolicies(t *testing.T) {
	required, off, optional := policy.Policy{Mode: policy.Required}, policy.Policy{Mode: policy.Off}, policy.Policy{Mode: policy.Optional}
	for name, c := range map[string]struct {
		set  map[string]policy.Policy
		want map[string]policy.Mode // by tenant
	}{
		"none set":           {nil, map[string]policy.Mode{"acme/unit": policy.Optional, "acme": policy.Optional, "provider": policy.Optional}},
		"the provider's":     {map[string]policy.Policy{"provider": required}, map[string]policy.Mode{"acme/unit": policy.Required, "acme": policy.Required, "provider": policy.Required, "globex": policy.Optional}},
		"the customer's":     {map[string]policy.Policy{"acme": required}, map[string]policy.Mode{"acme/unit": policy.Required, "acme": policy.Required, "provider": policy.Optional}},
		"the unit's":         {map[string]policy.Policy{"acme/unit": required}, map[string]policy.Mode{"acme/unit": policy.Required, "acme": policy.Optional, "provider": policy.Optional}},
		"the milder below":   {map[string]policy.Policy{"provider": required, "acme": off, "acme/unit": optional}, map[string]policy.Mode{"acme/unit": policy.Required, "acme": policy.Required}},
		"the milder above":   {map[string]policy.Policy{"provider": off, "acme": required}, map[string]policy.Mode{"acme": policy.Required, "provider": policy.Off}},
		"off, all alone":     {map[string]policy.Policy{"acme": off}, map[string]policy.Mode{"acme": policy.Off, "acme/unit": policy.Off, "provider": policy.Optional}},
		"the empty tenant's": {map[string]policy.Policy{"": required}, map[string]policy.Mode{"": policy.Required, "acme": policy.Optional}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, ofTenants)
			for tenant, p := range c.set {
				h.set(tenant, p)
			}
			for tenant, want := range c.want {
				require.Equal(t, want, h.status(totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: "42"}}).Policy.Mode, tenant)
				st, err := h.Admin(nil).Tenant(h.ctx, ops, tenant)
				require.NoError(t, err)
				require.Equal(t, want, st.Effective.Mode, tenant)
				own, set := c.set[tenant]
				require.Equal(t, set, st.Set)
				if set {
					require.Equal(t, own, st.Own)
				}
			}
		})
	}
	h := newHouse(t, ofTenants)
	h.set("provider", policy.Policy{Mode: policy.Optional, BrowserAge: -1})
	h.set("acme", policy.Policy{Mode: policy.Required, Grace: days(14), Methods: policy.App | policy.RecoveryCodes})
	h.set("acme/unit", policy.Policy{Mode: policy.Required, Grace: days(7), IssuedCode: true, Methods: policy.App | policy.External})
	require.Equal(t, policy.Policy{
		Mode: policy.Required, Grace: days(7), BrowserAge: -1, Methods: policy.App, IssuedCode: true,
	}, h.status(totpflow.User{ID: totpflow.AccountID{Tenant: "acme/unit", User: "42"}}).Policy)
}

// A policy is read at each decision, one record for each tenant of the chain, and
// the account's own: nothing is kept between two.
func TestPolicyReads(t *testing.T) {
	h := newHouse(t, ofTenants)
	for tenant, reads := range map[string]int{"provider": 1, "acme": 2, "acme/unit": 3} {
		h.set(tenant, policy.Policy{Mode: policy.Optional})
		u := totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: "42"}}
		phone, _ := h.enroll(u)
		challenge, code := h.ask(u), phone.Code()
		h.store.Reset()
		h.ask(u)
		require.Equal(t, totptest.Counts{Get: reads + 1}, h.store.Counts(), tenant)
		h.store.Reset()
		_, err := h.VerifyCode(h.ctx, challenge, code)
		require.NoError(t, err)
		require.Equal(t, totptest.Counts{Get: reads + 1, Put: 1}, h.store.Counts(), tenant)
	}
	other := h.open(ofTenants)
	h.set("acme", policy.Policy{Mode: policy.Required})
	next, err := other.SignIn(h.ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "new"}})
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step, "another process sees it at once")
}

// A policy that cannot be read refuses, whatever the reason is and wherever in
// the chain: it may be Required. Nothing is written meanwhile.
func TestPolicyThatCannotBeRead(t *testing.T) {
	errChain := errors.New("the directory is down")
	for name, c := range map[string]struct {
		fault  func(h *house) *totpflow.Service
		reason error
	}{
		"the chain": {func(h *house) *totpflow.Service {
			return h.open(ofTenants, func(c *totpflow.Config) {
				c.ParentTenants = func(context.Context, string) ([]string, error) { return nil, errChain }
			})
		}, errChain},
		"the tenant's record":   {func(h *house) *totpflow.Service { h.garble(account.TenantID("acme")); return h.Service }, keyring.ErrOpen},
		"the provider's record": {func(h *house) *totpflow.Service { h.garble(account.TenantID("provider")); return h.Service }, keyring.ErrOpen},
		"the record of a newer release": {func(h *house) *totpflow.Service {
			h.rewrite(account.TenantID("acme"), `{"format":2,"enrollment":{"v":1}}`)
			return h.Service
		}, account.ErrFormat},
		"the store": {func(h *house) *totpflow.Service {
			return h.open(ofTenants, func(c *totpflow.Config) { c.Store = unreadable{h.store, account.TenantID("provider")} })
		}, store.ErrUnavailable},
		"the host's source": {func(h *house) *totpflow.Service {
			return h.open(func(c *totpflow.Config) { c.Policy = failing{errChain} })
		}, errChain},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, ofTenants)
			h.set("acme", policy.Policy{Mode: policy.Optional})
			h.set("provider", policy.Policy{Mode: policy.Optional})
			phone, codes := h.enroll(ana)
			token := h.trusted(ana, phone)
			challenge, signed := h.ask(ana), h.pass(ana, phone).Proof
			disable, renew := h.prove(ana, totpflow.ActionDisable, phone), h.prove(ana, totpflow.ActionRecoveryCodes, phone)
			page, err := h.BeginEnrollment(h.ctx, h.prove(ana, totpflow.ActionAddAuthenticator, phone))
			require.NoError(t, err)
			s := c.fault(h)
			h.unchanged(func() {
				is := func(err error) {
					t.Helper()
					require.ErrorIs(t, err, totpflow.ErrPolicy)
					require.ErrorIs(t, err, c.reason)
				}
				for _, u := range []totpflow.User{ana, {ID: totpflow.AccountID{Tenant: "acme", User: "new"}}} {
					d, err := s.SignIn(h.ctx, u, token)
					refused(t, d, err, totpflow.ErrPolicy)
					is(err)
				}
				d, err := s.ContinueSignIn(h.ctx, challenge)
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyCode(h.ctx, challenge, phone.Peek())
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyPair(h.ctx, challenge, phone.Peek(), phone.Peek())
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyRecoveryCode(h.ctx, challenge, codes[0])
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyExternal(h.ctx, challenge, "key", func(context.Context) error { return nil })
				refused(t, d, err, totpflow.ErrPolicy)
				_, err = s.TrustBrowser(h.ctx, signed, "x")
				is(err)
				_, err = s.ConfirmEnrollment(h.ctx, page.Token, phone.Peek())
				is(err)
				_, err = s.Account(ana).Reauthenticate(h.ctx, "x", codes[0])
				is(err)
				is(s.Account(ana).Disable(h.ctx, disable))
				_, err = s.Account(ana).NewRecoveryCodes(h.ctx, renew)
				is(err)
				_, err = s.Account(ana).Status(h.ctx)
				is(err)

				adm := admin.New(s, nil)
				_, err = collect(adm.Status(h.ctx, ops, anaID))
				is(err)
				_, err = collect(adm.List(h.ctx, ops, store.Query{Tenant: "acme"}))
				is(err)
				_, err = adm.Tenant(h.ctx, ops, "acme")
				is(err)
				is(adm.SetPolicy(h.ctx, ops, "acme", policy.Policy{Mode: policy.Off}))
				is(adm.Exempt(h.ctx, ops, anaID, "agent"))
				_, err = adm.ResetMany(h.ctx, ops, "acme", []string{"42"}, admin.ScopeAll)
				is(err)
			})
		})
	}
}

// garble has the record of id lose its seal.
func (h *house) garble(id store.AccountID) {
	h.t.Helper()
	rec, err := h.memory.Get(h.ctx, id)
	require.NoError(h.t, err)
	was := rec.Version
	rec.Version, rec.Sealed = store.NewVersion(), []byte("garbled")
	require.NoError(h.t, h.memory.Put(h.ctx, rec, was))
}

// rewrite seals other contents under the record of id, as a newer release would.
func (h *house) rewrite(id store.AccountID, plain string) {
	h.t.Helper()
	keys, err := keyring.Parse(h.keys)
	require.NoError(h.t, err)
	rec, err := h.memory.Get(h.ctx, id)
	require.NoError(h.t, err)
	was := rec.Version
	rec.Version = store.NewVersion()
	rec.Sealed = keys.Seal("totpflow/account", []byte(plain), rec.ID.Tenant, rec.ID.User, rec.Version.String(), rec.State, "1")
	require.NoError(h.t, h.memory.Put(h.ctx, rec, was))
}

// An unreadable store has no answer about one record.
type unreadable struct {
	store.Store
	id store.AccountID
}

func (s unreadable) Get(ctx context.Context, id store.AccountID) (store.Record, error) {
	if id == s.id {
		return store.Record{}, errors.New("timeout")
	}
	return s.Store.Get(ctx, id)
}

// A failing source has no policy.
type failing struct{ err error }

func (f failing) Policy(context.Context, store.AccountID) (policy.Policy, error) {
	return policy.Policy{}, f.err
}

// The tenant's record lies under a user id that is nobody's: every call that
// names one of the kind is refused, and leaves the policy as it is.
func TestReservedIDs(t *testing.T) {
	for _, user := range []string{"totpflow:tenant", "totpflow:", "totpflow:anything"} {
		t.Run(user, func(t *testing.T) {
			h := newHouse(t, ofTenants)
			h.set("acme", policy.Policy{Mode: policy.Required})
			u, id := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: user}}, store.AccountID{Tenant: "acme", User: user}
			a, adm := h.Account(u), h.Admin(nil)
			h.unchanged(func() {
				d, err := h.SignIn(h.ctx, u)
				refused(t, d, err, store.ErrID)
				d, err = h.SignInMachine(h.ctx, u)
				refused(t, d, err, store.ErrID)
				require.ErrorIs(t, h.Disown(h.ctx, h.NewDisownToken(event.Event{Tenant: "acme", User: user, At: start.Add(-time.Hour)})), store.ErrID)

				for name, err := range map[string]error{
					"Status":              second(a.Status(h.ctx)),
					"Reauthenticate":      second(a.Reauthenticate(h.ctx, "x", "123456")),
					"RenameAuthenticator": a.RenameAuthenticator(h.ctx, "a", "b"),
					"RecoveryCodesSaved":  a.RecoveryCodesSaved(h.ctx),
					"RevokeBrowser":       a.RevokeBrowser(h.ctx, "b"),
					"RevokeBrowsers":      a.RevokeBrowsers(h.ctx),
					"PasswordChanged":     a.PasswordChanged(h.ctx),
					"SessionValid":        second(a.SessionValid(h.ctx, start)),

					"Admin.Status":            second(collect(adm.Status(h.ctx, ops, id))),
					"Admin.Reset":             adm.Reset(h.ctx, ops, id, admin.ScopeAll),
					"Admin.Unlock":            adm.Unlock(h.ctx, ops, id),
					"Admin.RevokeBrowser":     adm.RevokeBrowser(h.ctx, ops, id, "b"),
					"Admin.ExtendGrace":       adm.ExtendGrace(h.ctx, ops, id, start.Add(days(1))),
					"Admin.Exempt":            adm.Exempt(h.ctx, ops, id, "agent"),
					"Admin.EndExemption":      adm.EndExemption(h.ctx, ops, id),
					"Admin.Restore":           adm.RestoreAuthenticator(h.ctx, ops, id, "x"),
					"Admin.Forget":            adm.Forget(h.ctx, ops, id),
					"Admin.AssignPhone":       adm.AssignPhone(h.ctx, ops, id, mobile),
					"Admin.IssueRecoveryCode": adm.IssueRecoveryCode(h.ctx, ops, id, new(mailbox).deliver),
				} {
					require.ErrorIs(t, err, store.ErrID, name)
				}
				require.ErrorIs(t, h.imports(admin.Imported{ID: id, Key: rfcKey(t)})[0].Err, store.ErrID)
			})
			outcomes, err := adm.ResetMany(h.ctx, ops, "acme", []string{user}, admin.ScopeAll)
			require.NoError(t, err)
			require.ErrorIs(t, outcomes[0].Err, store.ErrID)
			require.Equal(t, policy.Required, h.status(ana).Policy.Mode)
		})
	}
}

func second[T any](_ T, err error) error { return err }

// The same user id in two tenants is two people: what is done to one leaves the
// other, the policies too.
func TestTenantsThatShareUserIDs(t *testing.T) {
	h := newHouse(t, ofTenants)
	twin := totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: ana.ID.User}}
	twinID := twin.ID
	h.enroll(ana)
	phone, codes := h.enroll(twin)
	token := h.trusted(twin, phone)
	told := h.told(event.EnrollmentConfirmed)
	before := h.versions()[twinID]
	adm := h.Admin(nil)

	h.set("acme", policy.Policy{Mode: policy.Required})
	h.issue(anaID)
	require.NoError(t, h.Disown(h.ctx, h.NewDisownToken(told[0])))
	require.NoError(t, adm.Reset(h.ctx, ops, anaID, admin.ScopeAll))
	require.NoError(t, adm.Exempt(h.ctx, ops, anaID, "agent"))
	require.NoError(t, adm.Forget(h.ctx, ops, anaID))
	require.Equal(t, before, h.versions()[twinID])

	next, err := h.SignIn(h.ctx, twin, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason)
	require.Equal(t, "globex", next.ID.Tenant)
	_, err = h.VerifyRecoveryCode(h.ctx, h.ask(twin), codes[0])
	require.NoError(t, err)
}

// A policy that cannot be written is refused, and the old one stays. What is no
// mode requires a factor.
func TestSetPolicyOfOddValues(t *testing.T) {
	h := newHouse(t, ofTenants)
	h.set("acme", policy.Policy{Mode: policy.Off})
	boss := h.hire("acme", "boss")
	by := admin.Administrator{User: boss.User, Proof: h.prove(boss.User, admin.ActionSetPolicy, boss.phone)}
	h.unchanged(func() {
		p := policy.Policy{Mode: policy.Optional, Deadline: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
		require.Error(t, h.Admin(nil).SetPolicy(h.ctx, ops, "acme", p))
		for _, p := range []policy.Policy{{Grace: 14}, {Mode: policy.Optional, BrowserAge: 30}} { // a forgotten unit, which costs no proof
			require.ErrorIs(t, h.Admin(letAll).SetPolicy(h.ctx, by, "acme", p), policy.ErrFormat)
		}
	})
	require.Equal(t, policy.Off, h.status(ana).Policy.Mode)
	h.set("acme", policy.Policy{Mode: policy.Mode(7)})
	require.Equal(t, policy.Required, h.status(ana).Policy.Mode)
}

// What an administrator sees of a tenant: its own policy, the effective one, and
// the last changes with who made them.
func TestTenantStatus(t *testing.T) {
	h := newHouse(t, ofTenants)
	st, err := h.Admin(nil).Tenant(h.ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, admin.TenantStatus{Own: policy.Policy{Mode: policy.Optional}, Effective: policy.Strictest(policy.Policy{Mode: policy.Optional})}, st)

	h.set("acme", policy.Policy{Mode: policy.Required})
	h.set("acme", policy.Policy{Mode: policy.Off})
	st, err = h.Admin(nil).Tenant(h.ctx, ops, "acme")
	require.NoError(t, err)
	require.Len(t, st.Activity, 2)
	require.Equal(t, event.PolicyLowered, st.Activity[0].Kind)
	require.Equal(t, "off", st.Activity[0].Action)
	require.Equal(t, event.PolicySet, st.Activity[1].Kind)
	require.Equal(t, "operator root", st.Activity[1].Actor)
	require.Equal(t, "ticket 7", st.Activity[1].Reason)
	for _, e := range h.told(event.PolicySet) {
		require.Equal(t, "acme", e.Tenant)
		require.Empty(t, e.User)
	}
}

// Whoever sets a policy that nobody asks for would believe in it: where
// Config.Policy is the same for everybody, the call says so.
func TestPolicyThatIsFixed(t *testing.T) {
	h := newHouse(t, withMode(policy.Optional))
	h.unchanged(func() {
		err := h.Admin(nil).SetPolicy(h.ctx, ops, "acme", policy.Policy{Mode: policy.Required})
		require.ErrorIs(t, err, admin.ErrPolicyFixed)
	})
}
