package admin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// An administrator who resets people one by one needs the second administrator as for a
// call about many; a few resets an hour are enough to help people who lost their phone.
func TestResetsOneByOne(t *testing.T) {
	o := byTwo(t)
	var users []totpflow.AccountID
	for i := range 20 {
		u := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: fmt.Sprint("u", i)}}
		o.Enroll(u)
		users = append(users, u.ID)
	}
	reset := func(by person, id totpflow.AccountID, what admin.Scope) error {
		o.Clock.Advance(30 * time.Second)
		return servicetest.ErrorOf(o.admin.Reset(o.Ctx, o.ByFor(by, admin.Purpose(admin.ActionResetAccount, id)), id, what))
	}
	done, asked := 0, 0
	for _, id := range users {
		switch err := reset(o.boss, id, admin.ScopeAll); {
		case err == nil:
			done++
		default:
			require.ErrorIs(t, err, admin.ErrApproval)
			require.Equal(t, admin.StateEnabled, o.Member(id).State)
			asked++
		}
	}
	require.Equal(t, 5, done)
	require.Equal(t, 15, asked)
	st, err := o.admin.Tenant(o.Ctx, ops, "acme")
	require.NoError(t, err)
	require.Equal(t, []string{"u5"}, st.Pending[0].Targets)
	require.Equal(t, admin.ScopeAll, st.Pending[0].Scope)

	last := users[len(users)-1]
	require.NoError(t, reset(o.boss, last, admin.ScopeBrowsers), "takes no factor away")
	require.NoError(t, reset(o.deputy, last, admin.ScopeAll), "each has their own count")
	o.Events.Kinds()
	require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, o.ByFor(o.deputy, admin.ActionApprove.On(st.Pending[0].ID)), "acme", st.Pending[0].ID)))
	approved := o.EventsOf(event.Reset)
	require.Len(t, approved, 1)
	require.Equal(t, string(admin.ScopeAll), approved[0].Action, "as it was asked for")
	require.ErrorIs(t, reset(o.boss, users[6], admin.ScopeAll), admin.ErrApproval)
	require.NoError(t, o.admin.Unlock(o.Ctx, o.ByFor(o.deputy, admin.Purpose(admin.ActionUnlockAccount, o.boss.ID)), o.boss.ID))
	require.ErrorIs(t, reset(o.boss, users[6], admin.ScopeAll), admin.ErrApproval, "otherwise two accounts of one person reset everybody by turns")
	require.NoError(t, o.admin.Unlock(o.Ctx, ops, o.boss.ID))
	require.NoError(t, reset(o.boss, users[6], admin.ScopeAll), "an operator ends what a clock that was ahead has left")
	o.Clock.Advance(time.Hour)
	require.NoError(t, reset(o.boss, users[7], admin.ScopeAll))

	o.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for _, id := range users {
		require.NoError(t, reset(o.boss, id, admin.ScopeAll), "where one is enough")
	}
}

// factors returns what lets the person in beside the password.
func (o *organization) factors(id store.AccountID) (all []string) {
	o.T.Helper()
	m := o.Member(id)
	for _, app := range m.Apps {
		all = append(all, app.ID)
	}
	for _, p := range m.Numbers {
		all = append(all, p.ID)
	}
	return all
}

// spend has the boss reset n people.
func (o *organization) spend(n int) {
	o.T.Helper()
	for i := range n {
		id := o.hire("acme", fmt.Sprint("spent", i)).ID
		by := o.ByFor(o.boss, admin.Purpose(admin.ActionResetAccount, id))
		require.NoError(o.T, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, id, admin.ScopeAll)))
	}
}

// No other call lets an administrator do to people one by one what a reset does: once the
// resets of an hour are used up, no call of the table removes a factor, except the phone
// of a person who has an app as well.
func TestNoCallResetsACrowd(t *testing.T) {
	asked := map[string]bool{}
	for name, call := range actingCalls {
		if name == "Approve" || name == "SetPolicy" {
			continue // two administrators have asked for it, and it removes no factor
		}
		for _, of := range []string{"an app", "a phone", "both"} {
			t.Run(name+"/"+of, func(t *testing.T) {
				var sent provider
				o := newOrganization(t, withPhones(&sent, ofTenants)...)
				o.SetPolicy("acme", policy.Policy{Mode: policy.Required, Methods: everyMethod})
				if of == "a phone" {
					o.EnrollPhone(ana, &sent)
				} else {
					phone, _ := o.Enroll(ana)
					phone, _ = o.EnrollBy(o.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
					o.TrustBrowserOf(ana, phone)
					if of == "both" {
						o.AddPhone(o.Prove(ana, totpflow.ActionAddPhone, phone), mobile, &sent)
					}
				}
				if call.needs != nil {
					call.needs(o)
				}
				o.SetPolicy("acme", policy.Policy{Mode: policy.Required, Methods: everyMethod, TwoAdministrators: true})
				o.spend(admin.MaxResets)
				before := o.factors(anaID)
				err := call.do(o, o.admin, o.ByFor(o.boss, call.purpose(o)), anaID)
				if name == "Import" || name == "EndExemption" || name == "ExtendGrace" || name == "Remind" {
					require.Empty(t, before) // calls for people who have no factor
					return
				}
				require.Len(t, before, map[string]int{"an app": 1, "a phone": 1, "both": 2}[of])
				if name == "AssignPhone" && of == "both" { // which is not counted: the app stays
					before = before[:1]
				}
				require.Equal(t, before, o.factors(anaID), err)
				require.NotEqual(t, enroll.ResetPending, o.Member(anaID).Enrollment)
				asked[name] = asked[name] || errors.Is(err, admin.ErrApproval)
			})
		}
	}
	require.Equal(t, map[string]bool{
		"Reset": true, "ResetMany": true, "Exempt": true, "Forget": true, "RestoreAuthenticator": true, "AssignPhone": true,
		"Unlock": false, "RevokeBrowser": false, "IssueRecoveryCode": false, "Withdraw": false,
	}, asked)
}

// Restoring an authenticator and assigning a number that leaves no other factor count as
// a reset; the second administrator sees what they would do, and does it.
func TestOtherCallsCount(t *testing.T) {
	for name, c := range map[string]struct {
		action totpflow.Action
		want   func(o *organization) string // what the request must name
		done   func(o *organization) bool
	}{
		"RestoreAuthenticator": {admin.ActionRestoreAuthenticator, func(o *organization) string { return o.Member(anaID).Recoverable[0].ID },
			func(o *organization) bool { return len(o.EventsOf(event.AuthenticatorRestored)) == 1 }},
		"AssignPhone": {admin.ActionAssignPhone, func(*organization) string { return mobile.E164() },
			func(o *organization) bool {
				return o.Member(anaID).Enrollment == enroll.ResetPending && o.Status(ana).Assigned == mobile
			}},
	} {
		call := actingCalls[name]
		after := func(t *testing.T, resets int) *organization {
			var sent provider
			o := newOrganization(t, withPhones(&sent, ofTenants)...)
			o.SetPolicy("acme", policy.Policy{Mode: policy.Required, Methods: everyMethod, TwoAdministrators: true})
			if name == "AssignPhone" {
				o.EnrollPhone(ana, &sent)
			} else {
				phone, _ := o.Enroll(ana)
				o.EnrollBy(o.Prove(ana, totpflow.ActionReplaceAuthenticator, phone))
			}
			o.spend(resets)
			return o
		}
		t.Run(name+" is counted", func(t *testing.T) {
			o := after(t, admin.MaxResets-1)
			require.NoError(t, call.do(o, o.admin, o.ByFor(o.boss, call.purpose(o)), anaID))
			require.True(t, c.done(o))
			id := o.hire("acme", "last").ID
			by := o.ByFor(o.boss, admin.Purpose(admin.ActionResetAccount, id))
			require.ErrorIs(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, id, admin.ScopeAll)), admin.ErrApproval)
		})
		t.Run(name+" is asked for", func(t *testing.T) {
			o := after(t, admin.MaxResets)
			want := c.want(o)
			require.ErrorIs(t, call.do(o, o.admin, o.ByFor(o.boss, call.purpose(o)), anaID), admin.ErrApproval)
			st, err := o.admin.Tenant(o.Ctx, ops, "acme")
			require.NoError(t, err)
			q := st.Pending[0]
			require.Equal(t, []any{c.action, []string{ana.ID.User}, want}, []any{q.Action, q.Targets, q.Name})
			require.False(t, c.done(o))
			approve := o.ByFor(o.deputy, admin.ActionApprove.On(q.ID))
			require.NoError(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, approve, "acme", q.ID)))
			require.True(t, c.done(o))
		})
	}
}

// A reset that exceeds the limit, and whose proof could not be consumed, is neither done nor
// asked for.
func TestResetWhoseProofIsNotConsumed(t *testing.T) {
	o := byTwo(t)
	o.spend(admin.MaxResets)
	adm := admin.New(o.Open(ofTenants, func(c *totpflow.Config) { c.Store = readOnlyFor{c.Store, o.boss.ID} }), letAll)
	by := o.ByFor(o.boss, admin.Purpose(admin.ActionResetAccount, anaID))
	require.ErrorIs(t, servicetest.ErrorOf(adm.Reset(o.Ctx, by, anaID, admin.ScopeAll)), store.ErrUnavailable)
	require.Equal(t, admin.StateEnabled, o.Member(anaID).State)
	require.Equal(t, "none", o.pending("acme"))
}

// A readOnlyFor store writes every record but one.
type readOnlyFor struct {
	store.Store
	id store.AccountID
}

func (s readOnlyFor) Put(ctx context.Context, rec store.Record, was store.Version) error {
	if rec.ID == s.id {
		return errors.New("read only")
	}
	return s.Store.Put(ctx, rec, was)
}

// An administrator cannot remove a phone by choosing a number a moment before the person
// verified it: that change was not counted as a reset.
func TestPhoneVerifiedMeanwhile(t *testing.T) {
	var sent provider
	o := newOrganization(t, withPhones(&sent, ofTenants)...)
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required, Methods: everyMethod, TwoAdministrators: true})
	asked := 0
	verifies := func(_ context.Context, _ totpflow.User, a totpflow.Action, _ store.AccountID) error {
		if asked++; a == admin.ActionAssignPhone && asked == 2 { // after the call has looked
			o.EnrollPhone(ana, &sent)
		}
		return nil
	}
	by := o.ByFor(o.boss, admin.Purpose(admin.ActionAssignPhone, anaID))
	require.ErrorIs(t, servicetest.ErrorOf(o.Admin(verifies).AssignPhone(o.Ctx, by, anaID, mobile)), totpflow.ErrProof)
	require.Equal(t, 1, o.Member(anaID).Phones)
}

// If the person's factors cannot be read, nothing is assigned, and the proof is not
// consumed.
func TestPhoneOfAnAccountThatCannotBeRead(t *testing.T) {
	o := newOrganization(t)
	blind := admin.New(o.Open(ofTenants, func(c *totpflow.Config) { c.Store = servicetest.Unreadable{Store: c.Store, ID: anaID} }), letAll)
	purpose := admin.Purpose(admin.ActionAssignPhone, anaID)
	by := o.ByFor(o.boss, purpose)
	require.Error(t, servicetest.ErrorOf(blind.AssignPhone(o.Ctx, by, anaID, mobile)))
	require.NoError(t, o.Account(o.boss.User).ConsumeProof(o.Ctx, by.Proof, purpose))
}
