package admin_test

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
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// The policies of unit, customer and provider count together, the strictest in every
// respect; if none is set, the factor is optional.
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
			h := newHarness(t, ofTenants)
			for tenant, p := range c.set {
				h.SetPolicy(tenant, p)
			}
			for tenant, want := range c.want {
				require.Equal(t, want, h.Status(totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: "42"}}).Policy.Mode, tenant)
				st, err := h.Admin(nil).Tenant(h.Ctx, ops, tenant)
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
	h := newHarness(t, ofTenants)
	h.SetPolicy("provider", policy.Policy{Mode: policy.Optional, BrowserAge: -1})
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(14), Methods: policy.App | policy.RecoveryCodes})
	h.SetPolicy("acme/unit", policy.Policy{Mode: policy.Required, Grace: days(7), IssuedCode: true, Methods: policy.App | policy.External})
	require.Equal(t, policy.Policy{
		Mode: policy.Required, Grace: days(7), BrowserAge: -1, Methods: policy.App, IssuedCode: true,
	}, h.Status(totpflow.User{ID: totpflow.AccountID{Tenant: "acme/unit", User: "42"}}).Policy)
}

// A policy is read at each decision, one record for each tenant of the chain, and the
// account's own record: nothing is kept between two decisions.
func TestPolicyReads(t *testing.T) {
	h := newHarness(t, ofTenants)
	for tenant, reads := range map[string]int{"provider": 1, "acme": 2, "acme/unit": 3} {
		h.SetPolicy(tenant, policy.Policy{Mode: policy.Optional})
		u := totpflow.User{ID: totpflow.AccountID{Tenant: tenant, User: "42"}}
		phone, _ := h.Enroll(u)
		challenge, code := h.Challenge(u), phone.Code()
		h.Store.Reset()
		h.Challenge(u)
		require.Equal(t, totptest.Counts{Get: reads + 1}, h.Store.Counts(), tenant)
		h.Store.Reset()
		_, err := h.VerifyCode(h.Ctx, challenge, code)
		require.NoError(t, err)
		require.Equal(t, totptest.Counts{Get: reads + 1, Put: 1}, h.Store.Counts(), tenant)
	}
	other := h.Open(ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	next, err := other.SignIn(h.Ctx, totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "new"}})
	require.NoError(t, err)
	require.Equal(t, totpflow.Enroll, next.Step, "another process sees it at once")
}

// A policy that cannot be read refuses, whatever the reason is and wherever in the chain:
// it may be Required. Nothing is written.
func TestPolicyThatCannotBeRead(t *testing.T) {
	errChain := errors.New("the directory is down")
	for name, c := range map[string]struct {
		fault  func(h *harness) *totpflow.Service
		reason error
	}{
		"the chain": {func(h *harness) *totpflow.Service {
			return h.Open(ofTenants, func(c *totpflow.Config) {
				c.ParentTenants = func(context.Context, string) ([]string, error) { return nil, errChain }
			})
		}, errChain},
		"the tenant's record":   {func(h *harness) *totpflow.Service { h.Garble(account.TenantID("acme")); return h.Service }, keyring.ErrOpen},
		"the provider's record": {func(h *harness) *totpflow.Service { h.Garble(account.TenantID("provider")); return h.Service }, keyring.ErrOpen},
		"the record of a newer release": {func(h *harness) *totpflow.Service {
			h.rewrite(account.TenantID("acme"), "\x7f")
			return h.Service
		}, account.ErrFormat},
		"the store": {func(h *harness) *totpflow.Service {
			return h.Open(ofTenants, func(c *totpflow.Config) {
				c.Store = servicetest.Unreadable{Store: h.Store, ID: account.TenantID("provider")}
			})
		}, store.ErrUnavailable},
		"the host's source": {func(h *harness) *totpflow.Service {
			return h.Open(func(c *totpflow.Config) { c.Policy = servicetest.FailingPolicy{Err: errChain} })
		}, errChain},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", policy.Policy{Mode: policy.Optional})
			h.SetPolicy("provider", policy.Policy{Mode: policy.Optional})
			phone, codes := h.Enroll(ana)
			token := h.TrustBrowserOf(ana, phone)
			challenge, signed := h.Challenge(ana), h.PassByCode(ana, phone).Proof
			disable, renew := h.Prove(ana, totpflow.ActionDisable, phone), h.Prove(ana, totpflow.ActionRecoveryCodes, phone)
			page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionAddAuthenticator, phone))
			require.NoError(t, err)
			check, of, err := h.BeginExternal(h.Ctx, challenge, "key")
			require.NoError(t, err)
			s := c.fault(h)
			h.Unchanged(func() {
				is := func(err error) {
					t.Helper()
					require.ErrorIs(t, err, totpflow.ErrPolicy)
					require.ErrorIs(t, err, c.reason)
				}
				for _, u := range []totpflow.User{ana, {ID: totpflow.AccountID{Tenant: "acme", User: "new"}}} {
					d, err := s.SignIn(h.Ctx, u, token)
					refused(t, d, err, totpflow.ErrPolicy)
					is(err)
				}
				d, err := s.ContinueSignIn(h.Ctx, challenge)
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyCode(h.Ctx, challenge, phone.Peek())
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyPair(h.Ctx, challenge, phone.Peek(), phone.Peek())
				refused(t, d, err, totpflow.ErrPolicy)
				d, err = s.VerifyRecoveryCode(h.Ctx, challenge, codes[0])
				refused(t, d, err, totpflow.ErrPolicy)
				_, _, err = s.BeginExternal(h.Ctx, challenge, "key")
				is(err)
				d, err = s.CompleteExternal(h.Ctx, challenge, check, of, nil)
				refused(t, d, err, totpflow.ErrPolicy)
				_, err = s.TrustBrowser(h.Ctx, signed, "x")
				is(err)
				_, err = s.ConfirmEnrollment(h.Ctx, page.Token, phone.Peek())
				is(err)
				_, _, err = s.Account(ana).VerifyRecoveryCode(h.Ctx, totpflow.Action("x").On(""), codes[0])
				is(err)
				is(servicetest.ErrorOf(s.Account(ana).Disable(h.Ctx, disable)))
				_, _, err = s.Account(ana).NewRecoveryCodes(h.Ctx, renew)
				is(err)
				_, err = s.Account(ana).Status(h.Ctx)
				is(err)

				adm := admin.New(s, nil)
				_, err = servicetest.Collect(adm.Status(h.Ctx, ops, anaID))
				is(err)
				_, err = servicetest.Collect(adm.List(h.Ctx, ops, store.Query{Tenant: "acme"}))
				is(err)
				_, err = adm.Tenant(h.Ctx, ops, "acme")
				is(err)
				is(adm.SetPolicy(h.Ctx, ops, "acme", policy.Policy{Mode: policy.Off}))
				is(servicetest.ErrorOf(adm.Exempt(h.Ctx, ops, anaID, "agent")))
				_, err = adm.ResetMany(h.Ctx, ops, "acme", []string{"42"}, admin.ScopeAll)
				is(err)
				is(adm.ExtendGrace(h.Ctx, ops, store.AccountID{Tenant: "acme", User: "new"}, h.Clock.Now().Add(days(3))))
				is(adm.Forget(h.Ctx, ops, anaID))
			})
		})
	}
}

// rewrite seals other contents into the record of id, as a newer release would.
func (h *harness) rewrite(id store.AccountID, plain string) {
	h.T.Helper()
	keys, err := keyring.Parse(h.Keys)
	require.NoError(h.T, err)
	rec, err := h.Memory.Get(h.Ctx, id)
	require.NoError(h.T, err)
	was := rec.Version
	rec.Version = store.NewVersion()
	rec.Sealed = keys.Seal("totpflow/account", []byte(plain), rec.ID.Tenant, rec.ID.User, rec.Version.String(), rec.State, "")
	require.NoError(h.T, h.Memory.Put(h.Ctx, rec, was))
}

// The tenant's record is stored under a user id that belongs to nobody: every call with
// such an id is refused, and leaves the policy as it is.
func TestReservedIDs(t *testing.T) {
	for _, user := range []string{"totpflow:tenant", "totpflow:", "totpflow:anything"} {
		t.Run(user, func(t *testing.T) {
			h := newHarness(t, ofTenants)
			h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
			u, id := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: user}}, store.AccountID{Tenant: "acme", User: user}
			a, adm := h.Account(u), h.Admin(nil)
			h.Unchanged(func() {
				d, err := h.SignIn(h.Ctx, u)
				refused(t, d, err, store.ErrID)
				d, err = h.SignInMachine(h.Ctx, u, "x")
				refused(t, d, err, store.ErrID)
				require.ErrorIs(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(event.Event{Tenant: "acme", User: user, At: start.Add(-time.Hour)}))), store.ErrID)

				for name, err := range map[string]error{
					"Status":              servicetest.ErrorOf(a.Status(h.Ctx)),
					"Reauthenticate":      servicetest.ErrorOf(a.VerifyCode(h.Ctx, totpflow.Action("x").On(""), "123456")),
					"RenameAuthenticator": a.RenameAuthenticator(h.Ctx, "a", "b"),
					"RecoveryCodesSaved":  a.RecoveryCodesSaved(h.Ctx),
					"RevokeBrowser":       a.RevokeBrowser(h.Ctx, "b"),
					"RevokeBrowsers":      a.RevokeBrowsers(h.Ctx),
					"PasswordChanged":     servicetest.ErrorOf(a.PasswordChanged(h.Ctx)),
					"EndSessions":         servicetest.ErrorOf(a.EndSessions(h.Ctx)),
					"SessionValid":        servicetest.ErrorOf(a.SessionValid(h.Ctx, "x")),

					"Admin.Status":            servicetest.ErrorOf(servicetest.Collect(adm.Status(h.Ctx, ops, id))),
					"Admin.Reset":             servicetest.ErrorOf(adm.Reset(h.Ctx, ops, id, admin.ScopeAll)),
					"Admin.Unlock":            adm.Unlock(h.Ctx, ops, id),
					"Admin.RevokeBrowser":     adm.RevokeBrowser(h.Ctx, ops, id, "b"),
					"Admin.ExtendGrace":       adm.ExtendGrace(h.Ctx, ops, id, start.Add(days(1))),
					"Admin.Exempt":            servicetest.ErrorOf(adm.Exempt(h.Ctx, ops, id, "agent")),
					"Admin.EndExemption":      servicetest.ErrorOf(adm.EndExemption(h.Ctx, ops, id)),
					"Admin.Restore":           servicetest.ErrorOf(adm.RestoreAuthenticator(h.Ctx, ops, id, "x")),
					"Admin.Forget":            adm.Forget(h.Ctx, ops, id),
					"Admin.AssignPhone":       servicetest.ErrorOf(adm.AssignPhone(h.Ctx, ops, id, mobile)),
					"Admin.IssueRecoveryCode": adm.IssueRecoveryCode(h.Ctx, ops, id, new(mailbox).Deliver),
				} {
					require.ErrorIs(t, err, store.ErrID, name)
				}
				require.ErrorIs(t, h.Import(admin.Imported{ID: id, Key: rfcKey(t)})[0].Err, store.ErrID)
			})
			outcomes, err := adm.ResetMany(h.Ctx, ops, "acme", []string{user}, admin.ScopeAll)
			require.NoError(t, err)
			require.ErrorIs(t, outcomes[0].Err, store.ErrID)
			require.Equal(t, policy.Required, h.Status(ana).Policy.Mode)
		})
	}
}

// The same user id in two tenants is two people: a change to one does not affect the
// other. The same is true of the policies.
func TestTenantsThatShareUserIDs(t *testing.T) {
	h := newHarness(t, ofTenants)
	twin := totpflow.User{ID: totpflow.AccountID{Tenant: "globex", User: ana.ID.User}}
	twinID := twin.ID
	h.Enroll(ana)
	phone, codes := h.Enroll(twin)
	token := h.TrustBrowserOf(twin, phone)
	told := h.EventsOf(event.EnrollmentConfirmed)
	before := h.Versions()[twinID]
	adm := h.Admin(nil)

	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	h.IssueCode(anaID)
	require.NoError(t, servicetest.ErrorOf(h.Disown(h.Ctx, h.NewDisownToken(told[0]))))
	require.NoError(t, servicetest.ErrorOf(adm.Reset(h.Ctx, ops, anaID, admin.ScopeAll)))
	require.NoError(t, servicetest.ErrorOf(adm.Exempt(h.Ctx, ops, anaID, "agent")))
	require.NoError(t, adm.Forget(h.Ctx, ops, anaID))
	require.Equal(t, before, h.Versions()[twinID])

	next, err := h.SignIn(h.Ctx, twin, token)
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonTrustedBrowser, next.Reason)
	require.Equal(t, "globex", next.ID.Tenant)
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(twin), codes[0])
	require.NoError(t, err)
}

// A policy that cannot be written is refused, and the old one stays. An unknown mode
// requires a factor.
func TestSetPolicyOfOddValues(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Off})
	boss := h.hire("acme", "boss")
	by := admin.Administrator{User: boss.User, Proof: h.Prove(boss.User, admin.ActionSetPolicy, boss.Phone)}
	h.Unchanged(func() {
		p := policy.Policy{Mode: policy.Optional, Deadline: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
		require.Error(t, h.Admin(nil).SetPolicy(h.Ctx, ops, "acme", p))
		for _, p := range []policy.Policy{{Grace: 14}, {Mode: policy.Optional, BrowserAge: 30}} { // a forgotten unit: its time would cost no proof
			require.ErrorIs(t, h.Admin(letAll).SetPolicy(h.Ctx, by, "acme", p), policy.ErrFormat)
		}
	})
	require.Equal(t, policy.Off, h.Status(ana).Policy.Mode)
	h.SetPolicy("acme", policy.Policy{Mode: policy.Mode(7)})
	require.Equal(t, policy.Required, h.Status(ana).Policy.Mode)
}

// A deadline that has passed gives nobody time, so it lowers nothing and needs no second
// administrator. One that is still to come gives time to people who have none.
func TestSetPolicyWithDeadline(t *testing.T) {
	o := newOrganization(t)
	p := policy.Policy{Mode: policy.Required, TwoAdministrators: true}
	require.NoError(t, o.admin.SetPolicy(o.Ctx, ops, "acme", p))
	set := func(deadline time.Time) error {
		p.Deadline = deadline
		return o.admin.SetPolicy(o.Ctx, o.By(o.boss, admin.ActionSetPolicy), "acme", p)
	}
	require.NoError(t, set(o.Clock.Now().Add(-days(1))))
	require.ErrorIs(t, set(o.Clock.Now().Add(days(1))), admin.ErrApproval)
}

// What an administrator sees of a tenant: its own policy, the effective one, and
// the last changes with their authors.
func TestTenantStatus(t *testing.T) {
	h := newHarness(t, ofTenants)
	st, err := h.Admin(nil).Tenant(h.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, admin.TenantStatus{Own: policy.Policy{Mode: policy.Optional}, Effective: policy.Strictest(policy.Policy{Mode: policy.Optional}), Parents: []string{"provider"}}, st)

	h.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	h.SetPolicy("acme", policy.Policy{Mode: policy.Off})
	st, err = h.Admin(nil).Tenant(h.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Len(t, st.Activity, 2)
	require.Equal(t, event.PolicyLowered, st.Activity[0].Kind)
	require.Equal(t, "off", st.Activity[0].Action)
	require.Equal(t, event.PolicySet, st.Activity[1].Kind)
	require.Equal(t, "operator root", st.Activity[1].Actor)
	require.Equal(t, "ticket 7", st.Activity[1].Reason)
	for _, e := range h.EventsOf(event.PolicySet) {
		require.Equal(t, "acme", e.Tenant)
		require.Empty(t, e.User)
	}
}

// An administrator would rely on a policy that nobody reads: if Config.Policy is the same
// for everybody, the call reports that.
func TestPolicyThatIsFixed(t *testing.T) {
	h := newHarness(t, withMode(policy.Optional))
	h.Unchanged(func() {
		err := h.Admin(nil).SetPolicy(h.Ctx, ops, "acme", policy.Policy{Mode: policy.Required})
		require.ErrorIs(t, err, admin.ErrPolicyFixed)
	})
}
