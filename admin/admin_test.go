package admin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
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

// Every call of administrators that changes something: its action, what it needs
// to find, and the event that reports its success.
type acting struct {
	action totpflow.Action
	needs  func(o *organization) // nil: ana has a phone
	do     func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error
	told   event.Kind
}

// purpose returns what the proof for the call must be for.
func (c acting) purpose(o *organization) totpflow.Purpose {
	switch c.told {
	case event.BulkReset:
		return manyOfAcme
	case event.SetupReminded: // for a whole tenant, too
		return admin.Purpose(admin.ActionRemind, store.AccountID{Tenant: "acme"})
	}
	return o.purpose(c.action)
}

var actingCalls = map[string]acting{
	"Reset": {admin.ActionResetAccount, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.Reset(o.Ctx, by, target, admin.ScopeAll))
	}, event.Reset},
	"ResetMany": {admin.ActionResetAccount, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.ResetMany(o.Ctx, by, target.Tenant, []string{target.User}, admin.ScopeAll))
	}, event.BulkReset},
	"Unlock": {admin.ActionUnlockAccount, func(o *organization) { o.Freeze(ana) }, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Unlock(o.Ctx, by, target)
	}, event.Unlocked},
	"RevokeBrowser": {admin.ActionRevokeBrowser, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.RevokeBrowser(o.Ctx, by, target, first(o.Member(target).Browsers).ID)
	}, event.BrowserRevoked},
	"ExtendGrace": {admin.ActionExtendGrace, func(o *organization) {
		require.NoError(o.T, o.admin.Forget(o.Ctx, ops, anaID)) // an account that has no record may have more time, too
	}, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.ExtendGrace(o.Ctx, by, target, o.Clock.Now().Add(days(3)))
	}, event.GraceExtended},
	"Remind": {admin.ActionRemind, func(o *organization) {
		require.NoError(o.T, o.admin.Forget(o.Ctx, ops, anaID))
		o.SetPolicy("acme", policy.Policy{Mode: policy.Required, Grace: days(14)})
	}, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		outcomes, err := a.Remind(o.Ctx, by, target.Tenant, []string{target.User})
		if err == nil {
			err = outcomes[0].Err
		}
		return err
	}, event.SetupReminded},
	"Exempt": {admin.ActionExemptAccount, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.Exempt(o.Ctx, by, target, "agent"))
	}, event.Exempted},
	"EndExemption": {admin.ActionExemptAccount, func(o *organization) {
		require.NoError(o.T, servicetest.ErrorOf(o.admin.Exempt(o.Ctx, ops, anaID, "agent")))
	}, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.EndExemption(o.Ctx, by, target))
	}, event.ExemptionEnded},
	"RestoreAuthenticator": {admin.ActionRestoreAuthenticator, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.RestoreAuthenticator(o.Ctx, by, target, first(o.Member(target).Recoverable).ID))
	}, event.AuthenticatorRestored},
	"Forget": {admin.ActionForgetAccount, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Forget(o.Ctx, by, target)
	}, event.Forgotten},
	"IssueRecoveryCode": {admin.ActionIssueCode, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		var m mailbox
		err := a.IssueRecoveryCode(o.Ctx, by, target, m.Deliver)
		require.Equal(o.T, err == nil, len(m.Got) == 1, "a code is delivered with success, and only then")
		return err
	}, event.RecoveryIssued},
	"Import": {admin.ActionImport, func(o *organization) {
		require.NoError(o.T, o.admin.Forget(o.Ctx, ops, anaID))
	}, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		outcomes, err := a.Import(o.Ctx, by, []admin.Imported{{ID: target, Key: rfcKey(o.T)}})
		for _, o := range outcomes {
			err = errors.Join(err, o.Err)
		}
		return err
	}, event.Imported},
	"AssignPhone": {admin.ActionAssignPhone, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.AssignPhone(o.Ctx, by, target, mobile))
	}, event.PhoneAssigned},
	"SetPolicy": {admin.ActionSetPolicy, nil, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.SetPolicy(o.Ctx, by, target.Tenant, policy.Policy{Mode: policy.Required})
	}, event.PolicySet},
	"Approve": {admin.ActionApprove, asksToExempt, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return servicetest.ErrorOf(a.Approve(o.Ctx, by, target.Tenant, o.pending(target.Tenant)))
	}, event.ApprovalGranted},
	"Withdraw": {admin.ActionApprove, asksToExempt, func(o *organization, a admin.Admin, by admin.Actor, target store.AccountID) error {
		return a.Withdraw(o.Ctx, by, target.Tenant, o.pending(target.Tenant))
	}, event.ApprovalWithdrawn},
}

// first returns the first element, or the zero value.
func first[T any](all []T) (one T) {
	if len(all) > 0 {
		one = all[0]
	}
	return one
}

// asksToExempt has the deputy ask for the action that becomes pending.
func asksToExempt(o *organization) {
	o.SetPolicy("acme", policy.Policy{Mode: policy.Optional, TwoAdministrators: true})
	err := servicetest.ErrorOf(o.admin.Exempt(o.Ctx, o.By(o.deputy, admin.ActionExemptAccount), anaID, "agent"))
	require.ErrorIs(o.T, err, admin.ErrApproval)
}

// pending returns the id of the one pending request of a tenant; "none" if there is none.
func (o *organization) pending(tenant string) string {
	o.T.Helper()
	st, err := o.admin.Tenant(o.Ctx, ops, tenant)
	require.NoError(o.T, err)
	if len(st.Pending) == 0 {
		return "none"
	}
	return st.Pending[0].ID
}

// prepared returns an organization in which a call can succeed: ana has a phone that she
// replaced a moment ago, and a trusted browser.
func prepared(t *testing.T, c acting) *organization {
	t.Helper()
	o := newOrganization(t)
	phone, _ := o.Enroll(ana)
	phone, _ = o.EnrollBy(o.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
	o.TrustBrowserOf(ana, phone)
	if c.needs != nil {
		c.needs(o)
	}
	return o
}

// Each call of Admin is in one of the tables above.
func TestEveryCallIsInATable(t *testing.T) {
	table := servicetest.Names(actingCalls)
	looking := []string{"Status", "Member", "List", "ListPage", "Tally", "Tenant", "PreviewPolicy", "PreviewImport", "PreviewTidy", "Export", "SharedSecrets"}
	operators := []string{"Reseal", "AfterDatabaseRestore", "Check", "Tidy", "RemindDue"}
	windows := []string{"OpenWindow", "WindowRest", "CloseWindow"} // in window_test.go
	servicetest.RequireEveryMethod(t, admin.Admin{}, map[string]bool{}, slices.Concat(table, looking, operators, windows)...)
	for i := range reflect.TypeFor[admin.Admin]().NumMethod() {
		m := reflect.TypeFor[admin.Admin]().Method(i)
		require.Equal(t, reflect.TypeFor[context.Context](), m.Type.In(1), m.Name)
	}
}

// A chain of tenants that cannot be read lets nobody act across tenants, and does not
// prevent anybody from acting within their own.
func TestChainThatCannotBeRead(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	errChain := errors.New("the directory is down")
	var log bytes.Buffer
	s := o.Open(func(c *totpflow.Config) { // here the host sets the policy
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.ParentTenants = func(context.Context, string) ([]string, error) { return nil, errChain }
	})
	by := o.By(o.provider, admin.ActionUnlockAccount)
	o.Unchanged(func() {
		err := admin.New(s, letAll).Unlock(o.Ctx, by, anaID)
		require.ErrorIs(t, err, errChain)
		require.ErrorIs(t, err, totpflow.ErrPolicy)
		require.Contains(t, log.String(), "the directory is down", "for the operator")
	})
	require.NoError(t, admin.New(s, letAll).Unlock(o.Ctx, o.By(o.boss, admin.ActionUnlockAccount), anaID))
	flat := o.Open(func(c *totpflow.Config) { c.ParentTenants = nil })
	require.ErrorIs(t, admin.New(flat, letAll).Unlock(o.Ctx, o.By(o.provider, admin.ActionUnlockAccount), anaID), admin.ErrNotAllowed)
}

// An administrator without an authenticator cannot require one of others, or do anything
// else to them: they have no code to prove the call with.
func TestAdministratorWithoutAnAuthenticator(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	plain := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "plain"}}
	next, err := o.SignIn(o.Ctx, plain)
	require.NoError(t, err)
	require.Equal(t, totpflow.Passed, next.Step)
	for name, call := range actingCalls {
		_, err := o.Account(plain).VerifyCode(o.Ctx, call.action.On(""), "123456")
		require.ErrorIs(t, err, totpflow.ErrNotEnrolled, name)
	}
	o.Unchanged(func() {
		err := o.admin.SetPolicy(o.Ctx, admin.Administrator{User: plain, Proof: next.Proof}, "acme", policy.Policy{Mode: policy.Required})
		require.ErrorIs(t, err, totpflow.ErrProof)
	})
}

// The administrator's own record must be the one that the host remembers.
func TestAdministratorWhoseRecordIsLost(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.By(o.boss, admin.ActionUnlockAccount)
	by.User.Generation = 1000
	o.Events.Kinds()
	require.ErrorIs(t, o.admin.Unlock(o.Ctx, by, anaID), totpflow.ErrRecordLost)
	require.Len(t, o.EventsOf(event.RecordLost), 1, "a record that was put back is noticed")
}

// When the store fails, the call fails, and no event reports a success. The proof may be
// consumed: nothing is done twice.
func TestAdminWhenTheStoreFails(t *testing.T) {
	for name, call := range actingCalls {
		t.Run(name, func(t *testing.T) {
			o := prepared(t, call)
			o.Events.Kinds()
			s := o.Open(ofTenants, func(c *totpflow.Config) { c.Store = readOnly{o.Store} })
			before := o.Versions()
			require.ErrorIs(t, call.do(o, admin.New(s, nil), ops, anaID), store.ErrUnavailable)
			require.Equal(t, before, o.Versions())
			require.Empty(t, o.EventsOf(call.told))
			o.Clock.Advance(time.Second)
			require.NoError(t, call.do(o, o.admin, ops, anaID))
		})
	}
}

// A readOnly store refuses every write.
type readOnly struct{ store.Store }

func (readOnly) Put(context.Context, store.Record, store.Version) error {
	return errors.New("read only")
}
