package totpflow_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// Every call of administrators that changes something: its action, what it needs
// to find, and what tells of its success.
type acting struct {
	action totpflow.Action
	needs  func(o *office) // nil: ana has a phone
	do     func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error
	told   event.Kind
}

var actingCalls = map[string]acting{
	"Reset": {admin.ActionResetAccount, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Reset(o.ctx, by, target, admin.ScopeAll)
	}, event.Reset},
	"ResetMany": {admin.ActionResetAccount, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return second(a.ResetMany(o.ctx, by, target.Tenant, []string{target.User}, admin.ScopeAll))
	}, event.BulkReset},
	"Unlock": {admin.ActionUnlockAccount, func(o *office) { o.disown(ana) }, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Unlock(o.ctx, by, target)
	}, event.Unlocked},
	"RevokeBrowser": {admin.ActionRevokeBrowser, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.RevokeBrowser(o.ctx, by, target, first(o.member(target).Browsers).ID)
	}, event.BrowserRevoked},
	"ExtendGrace": {admin.ActionExtendGrace, func(o *office) {
		require.NoError(o.t, o.admin.Forget(o.ctx, ops, anaID)) // who was never seen may have more time, too
	}, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.ExtendGrace(o.ctx, by, target, o.clock.Now().Add(days(3)))
	}, event.GraceExtended},
	"Exempt": {admin.ActionExemptAccount, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Exempt(o.ctx, by, target, "agent")
	}, event.Exempted},
	"EndExemption": {admin.ActionExemptAccount, func(o *office) {
		require.NoError(o.t, o.admin.Exempt(o.ctx, ops, anaID, "agent"))
	}, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.EndExemption(o.ctx, by, target)
	}, event.ExemptionEnded},
	"RestoreAuthenticator": {admin.ActionRestoreAuthenticator, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.RestoreAuthenticator(o.ctx, by, target, first(o.member(target).Recoverable).ID)
	}, event.AuthenticatorRestored},
	"Forget": {admin.ActionForgetAccount, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Forget(o.ctx, by, target)
	}, event.Forgotten},
	"IssueRecoveryCode": {admin.ActionIssueCode, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		var m mailbox
		err := a.IssueRecoveryCode(o.ctx, by, target, m.deliver)
		require.Equal(o.t, err == nil, len(m.got) == 1, "a code is delivered with success, and only then")
		return err
	}, event.RecoveryIssued},
	"Import": {admin.ActionImport, func(o *office) {
		require.NoError(o.t, o.admin.Forget(o.ctx, ops, anaID))
	}, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		outcomes, err := a.Import(o.ctx, by, []admin.Imported{{ID: target, Key: rfcKey(o.t)}})
		for _, o := range outcomes {
			err = errors.Join(err, o.Err)
		}
		return err
	}, event.Imported},
	"AssignPhone": {admin.ActionAssignPhone, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.AssignPhone(o.ctx, by, target, mobile)
	}, event.PhoneAssigned},
	"SetPolicy": {admin.ActionSetPolicy, nil, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.SetPolicy(o.ctx, by, target.Tenant, policy.Policy{Mode: policy.Required})
	}, event.PolicySet},
	"Approve": {admin.ActionApprove, asksToExempt, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Approve(o.ctx, by, target.Tenant, o.pending(target.Tenant))
	}, event.ApprovalGranted},
	"Withdraw": {admin.ActionApprove, asksToExempt, func(o *office, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Withdraw(o.ctx, by, target.Tenant, o.pending(target.Tenant))
	}, event.ApprovalWithdrawn},
}

// first is the first of them, or nobody.
func first[T any](all []T) (one T) {
	if len(all) > 0 {
		one = all[0]
	}
	return one
}

// asksToExempt has the deputy ask for what waits.
func asksToExempt(o *office) {
	o.set("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	err := o.admin.Exempt(o.ctx, o.by(o.deputy, admin.ActionExemptAccount), anaID, "agent")
	require.ErrorIs(o.t, err, admin.ErrApproval)
}

// pending is the one request that waits in a tenant; "none" where none does.
func (o *office) pending(tenant string) string {
	o.t.Helper()
	st, err := o.admin.Tenant(o.ctx, ops, tenant)
	require.NoError(o.t, err)
	if len(st.Pending) == 0 {
		return "none"
	}
	return st.Pending[0].ID
}

// prepared is an office in which a call can succeed: ana has a phone that she
// replaced a moment ago, and a trusted browser.
func prepared(t *testing.T, c acting) *office {
	t.Helper()
	o := newOffice(t)
	phone, _ := o.enroll(ana)
	phone, _ = o.setUp(o.prove(ana, totpflow.ActionReplaceAuthenticator, phone))
	o.trusted(ana, phone)
	if c.needs != nil {
		c.needs(o)
	}
	return o
}

// Each call of Admin stands in one of the tables above.
func TestEveryCallIsInATable(t *testing.T) {
	table := names(actingCalls)
	requireEveryMethod(t, admin.Admin{}, map[string]bool{}, append(table, "Status", "Member", "List", "ListPage", "Tenant", "Reseal", "AfterDatabaseRestore", "Check")...)
	for i := range reflect.TypeFor[admin.Admin]().NumMethod() {
		m := reflect.TypeFor[admin.Admin]().Method(i)
		require.Equal(t, reflect.TypeFor[context.Context](), m.Type.In(1), m.Name)
	}
}

// A chain of tenants that cannot be read lets nobody act across tenants, and
// keeps nobody from acting within their own.
func TestChainThatCannotBeRead(t *testing.T) {
	o := newOffice(t)
	o.enroll(ana)
	errChain := errors.New("the directory is down")
	s := o.open(func(c *totpflow.Config) { // the policy is the host's here
		c.ParentTenants = func(context.Context, string) ([]string, error) { return nil, errChain }
	})
	by := o.by(o.provider, admin.ActionUnlockAccount)
	o.unchanged(func() {
		err := admin.New(s, letAll).Unlock(o.ctx, by, anaID)
		require.ErrorIs(t, err, errChain)
		require.ErrorIs(t, err, totpflow.ErrPolicy)
	})
	require.NoError(t, admin.New(s, letAll).Unlock(o.ctx, o.by(o.boss, admin.ActionUnlockAccount), anaID))
	flat := o.open(func(c *totpflow.Config) { c.ParentTenants = nil })
	require.ErrorIs(t, admin.New(flat, letAll).Unlock(o.ctx, o.by(o.provider, admin.ActionUnlockAccount), anaID), admin.ErrNotAllowed)
}

// Whoever has no authenticator cannot require one of others, or do anything else
// to them: there is no code to prove it by.
func TestAdministratorWithoutAnAuthenticator(t *testing.T) {
	o := newOffice(t)
	o.enroll(ana)
	plain := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "plain"}}
	next, err := o.SignIn(o.ctx, plain)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	for name, call := range actingCalls {
		_, err := o.Account(plain).Reauthenticate(o.ctx, call.action, "123456")
		require.ErrorIs(t, err, totpflow.ErrNotEnrolled, name)
	}
	o.unchanged(func() {
		err := o.admin.SetPolicy(o.ctx, admin.Administrator{User: plain, Proof: next.Proof}, "acme", policy.Policy{Mode: policy.Required})
		require.ErrorIs(t, err, totpflow.ErrProof)
	})
}

// The administrator's own record must be the one that the host remembers.
func TestAdministratorWhoseRecordIsLost(t *testing.T) {
	o := newOffice(t)
	o.enroll(ana)
	by := o.by(o.boss, admin.ActionUnlockAccount)
	by.User.Generation = 1000
	require.ErrorIs(t, o.admin.Unlock(o.ctx, by, anaID), totpflow.ErrRecordLost)
}

// Where the store fails, the call fails, and nothing tells of a success. The
// proof may be gone: nothing is done twice.
func TestAdminWhenTheStoreFails(t *testing.T) {
	for name, call := range actingCalls {
		t.Run(name, func(t *testing.T) {
			o := prepared(t, call)
			o.events.kinds()
			s := o.open(ofTenants, func(c *totpflow.Config) { c.Store = readOnly{o.store} })
			before := o.versions()
			require.ErrorIs(t, call.do(o, admin.New(s, nil), ops, anaID), store.ErrUnavailable)
			require.Equal(t, before, o.versions())
			require.Empty(t, o.told(call.told))
			o.clock.Advance(time.Second)
			require.NoError(t, call.do(o, o.admin, ops, anaID))
		})
	}
}

// A readOnly store refuses every write.
type readOnly struct{ store.Store }

func (readOnly) Put(context.Context, store.Record, store.Version) error {
	return errors.New("read only")
}
