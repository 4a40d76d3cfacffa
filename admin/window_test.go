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
	"github.com/totpflow/totpflow/totptest"
)

var resetOnly = []totpflow.Action{admin.ActionResetAccount}

// window returns the administrator with a window that one of their codes has opened.
func (o *organization) window(by person, actions []totpflow.Action, targets ...store.AccountID) admin.Administrator {
	o.T.Helper()
	w, err := o.admin.OpenWindow(o.Ctx, o.ByFor(by, admin.WindowPurpose(actions, targets)), actions, targets)
	require.NoError(o.T, err)
	return admin.Administrator{User: by.User, Window: w}
}

// staff enrolls n people of acme.
func (o *organization) staff(n int) (ids []store.AccountID) {
	o.T.Helper()
	for i := range n {
		ids = append(ids, o.hire("acme", fmt.Sprint("u", i)).ID)
	}
	return ids
}

// Three people are helped by one code, without waiting for the next one: each action on
// each of them once, and nothing more.
func TestWindow(t *testing.T) {
	o := newOrganization(t)
	ids := o.staff(4)
	actions := []totpflow.Action{admin.ActionResetAccount, admin.ActionIssueCode}
	by := o.window(o.boss, actions, ids[:3]...)
	opened := o.Clock.Now()
	rest, err := o.admin.WindowRest(o.Ctx, by)
	require.NoError(t, err)
	require.Equal(t, opened.Add(5*time.Minute), rest.Until)
	require.Len(t, rest.Targets, 3)
	require.True(t, rest.Permits(admin.ActionIssueCode, ids[2]))
	require.False(t, rest.Permits(admin.ActionIssueCode, ids[3]))
	require.False(t, rest.Permits(admin.ActionUnlockAccount, ids[2]))

	var m mailbox
	for _, id := range ids[:3] {
		require.NoError(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, id, admin.ScopeAll)))
		require.NoError(t, o.admin.IssueRecoveryCode(o.Ctx, by, id, m.Deliver))
		require.ErrorIs(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, id, admin.ScopeAll)), totpflow.ErrProof, "once")
	}
	require.Equal(t, opened, o.Clock.Now(), "at once")
	require.Len(t, m.Got, 3)
	require.Equal(t, "boss", o.EventsOf(event.Reset)[0].Actor)
	rest, err = o.admin.WindowRest(o.Ctx, by)
	require.NoError(t, err)
	require.Zero(t, rest)

	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, ids[3], admin.ScopeAll)), totpflow.ErrProof, "another person")
	require.Equal(t, admin.StateEnabled, o.Member(ids[3]).State)
}

// Uses that a window never permits. The account stays as it was.
func TestWindowServesForNothingElse(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.window(o.boss, admin.WindowActions(), anaID)
	before := o.Versions()[anaID]
	require.ErrorIs(t, o.admin.SetPolicy(o.Ctx, by, "acme", policy.Policy{Mode: policy.Off}), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Exempt(o.Ctx, by, anaID, "agent")), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.EndExemption(o.Ctx, by, anaID)), totpflow.ErrProof)
	require.ErrorIs(t, o.admin.Forget(o.Ctx, by, anaID), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.AssignPhone(o.Ctx, by, anaID, mobile)), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.ResetMany(o.Ctx, by, "acme", []string{ana.ID.User}, admin.ScopeAll)), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Approve(o.Ctx, by, "acme", "x")), totpflow.ErrProof)
	require.ErrorIs(t, o.admin.Withdraw(o.Ctx, by, "acme", "x"), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Import(o.Ctx, by, []admin.Imported{{ID: anaID, Key: rfcKey(t)}})), totpflow.ErrProof)
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.OpenWindow(o.Ctx, by, resetOnly, []store.AccountID{anaID})), totpflow.ErrProof)
	require.Equal(t, before, o.Versions()[anaID])
	require.NoError(t, o.admin.Unlock(o.Ctx, by, anaID), "it was open")
}

// A window that asks for more than is allowed, or for something that its code was not
// typed for, does not open.
func TestWindowOpensForItsCode(t *testing.T) {
	o := newOrganization(t)
	ids := o.staff(21)
	for name, c := range map[string]struct {
		actions []totpflow.Action
		targets []store.AccountID
		is      error
	}{
		"nobody":         {resetOnly, nil, admin.ErrWindow},
		"nothing":        {nil, ids[:1], admin.ErrWindow},
		"too many":       {resetOnly, ids, admin.ErrWindow},
		"a whole tenant": {resetOnly, []store.AccountID{{Tenant: "acme"}}, admin.ErrWindow},
		"policy":         {[]totpflow.Action{admin.ActionSetPolicy}, ids[:1], admin.ErrWindow},
		"exemption":      {[]totpflow.Action{admin.ActionExemptAccount}, ids[:1], admin.ErrWindow},
		"erasure":        {[]totpflow.Action{admin.ActionForgetAccount}, ids[:1], admin.ErrWindow},
		"approval":       {[]totpflow.Action{admin.ActionApprove}, ids[:1], admin.ErrWindow},
		"import":         {[]totpflow.Action{admin.ActionImport}, ids[:1], admin.ErrWindow},
		"a number":       {[]totpflow.Action{admin.ActionAssignPhone}, ids[:1], admin.ErrWindow},
		"a reminder":     {[]totpflow.Action{admin.ActionRemind}, ids[:1], admin.ErrWindow},
		"a window":       {[]totpflow.Action{admin.ActionOpenWindow}, ids[:1], admin.ErrWindow},
		"one of two":     {[]totpflow.Action{admin.ActionResetAccount, admin.ActionImport}, ids[:1], admin.ErrWindow},
		"oneself":        {resetOnly, []store.AccountID{o.boss.ID}, admin.ErrSelf},
		"elsewhere":      {resetOnly, []store.AccountID{o.elsewhere.ID}, admin.ErrNotAllowed},
		"a reserved id":  {resetOnly, []store.AccountID{{Tenant: "acme", User: "totpflow:tenant"}}, store.ErrID},
	} {
		_, err := o.admin.OpenWindow(o.Ctx, o.ByFor(o.boss, admin.WindowPurpose(c.actions, c.targets)), c.actions, c.targets)
		require.ErrorIs(t, err, c.is, name)
	}
	for name, p := range map[string]totpflow.Purpose{
		"other people":  admin.WindowPurpose(resetOnly, ids[:2]),
		"other actions": admin.WindowPurpose([]totpflow.Action{admin.ActionUnlockAccount}, ids[:1]),
		"one reset":     admin.Purpose(admin.ActionResetAccount, ids[0]),
	} {
		_, err := o.admin.OpenWindow(o.Ctx, o.ByFor(o.boss, p), resetOnly, ids[:1])
		require.ErrorIs(t, err, totpflow.ErrProof, name)
	}
	rest, err := o.admin.WindowRest(o.Ctx, o.window(o.boss, resetOnly, ids[:20]...))
	require.NoError(t, err)
	require.Len(t, rest.Targets, 20)
	require.Equal(t, admin.WindowPurpose(resetOnly, []store.AccountID{ids[0], ids[1]}), admin.WindowPurpose(resetOnly, []store.AccountID{ids[1], ids[0], ids[1]}))
}

// What is named twice counts once, towards the limit too.
func TestWindowOfRepeatedNames(t *testing.T) {
	o := newOrganization(t)
	ids := o.staff(admin.MaxTargets)
	actions := append(admin.WindowActions(), admin.WindowActions()...)
	by := o.window(o.boss, actions, append(ids, ids...)...)
	rest, err := o.admin.WindowRest(o.Ctx, by)
	require.NoError(t, err)
	require.Len(t, rest.Targets, admin.MaxTargets)
	require.Equal(t, admin.WindowTarget{ID: ids[0], Actions: admin.WindowActions()}, rest.Targets[0])
	require.Equal(t, "[window]", fmt.Sprint(by.Window))
}

// Everything that ends an administrator's sessions, proofs or account closes the window,
// and so do its end and the sign-out.
func TestWindowCloses(t *testing.T) {
	for name, c := range map[string]struct {
		then func(o *organization)
		open bool
	}{
		"nothing":         {func(*organization) {}, true},
		"nearly its time": {func(o *organization) { o.Clock.Advance(admin.WindowLifetime - time.Millisecond) }, true},
		"its time":        {func(o *organization) { o.Clock.Advance(admin.WindowLifetime) }, false},
		"signed out":      {func(o *organization) { require.NoError(o.T, o.admin.CloseWindow(o.Ctx, o.boss.User)) }, false},
		"a new password": {func(o *organization) {
			require.NoError(o.T, servicetest.ErrorOf(o.Account(o.boss.User).PasswordChanged(o.Ctx)))
		}, false},
		"signed out everywhere": {func(o *organization) {
			require.NoError(o.T, servicetest.ErrorOf(o.Account(o.boss.User).EndSessions(o.Ctx)))
		}, false},
		"it was not me": {func(o *organization) { o.Freeze(o.boss.User) }, false},
		"reset":         {func(o *organization) { o.Reset(o.boss.ID) }, false},
		"frozen and unlocked": {func(o *organization) {
			o.Freeze(o.boss.User)
			require.NoError(o.T, o.Admin(nil).Unlock(o.Ctx, ops, o.boss.ID))
		}, false},
		"turned off": {func(o *organization) {
			proof := o.Prove(o.boss.User, totpflow.ActionDisable, o.boss.Phone)
			require.NoError(o.T, servicetest.ErrorOf(o.Account(o.boss.User).Disable(o.Ctx, proof)))
		}, false},
		"exempted": {func(o *organization) {
			require.NoError(o.T, servicetest.ErrorOf(o.admin.Exempt(o.Ctx, ops, o.boss.ID, "x")))
		}, false},
		"erased":      {func(o *organization) { require.NoError(o.T, o.admin.Forget(o.Ctx, ops, o.boss.ID)) }, false},
		"a new epoch": {func(o *organization) { o.RaiseEpoch(); o.admin = admin.New(o.Open(ofTenants), letAll) }, false},
		"another window": {func(o *organization) {
			o.window(o.boss, resetOnly, o.deputy.ID)
		}, false},
		"a browser revoked": {func(o *organization) { require.NoError(o.T, o.Account(o.boss.User).RevokeBrowsers(o.Ctx)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrganization(t)
			o.Enroll(ana)
			by := o.window(o.boss, resetOnly, anaID)
			c.then(o)
			rest, err := o.admin.WindowRest(o.Ctx, by)
			require.NoError(t, err)
			require.Equal(t, c.open, rest.Permits(admin.ActionResetAccount, anaID))
			err = servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll))
			if c.open {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, totpflow.ErrProof)
			require.Equal(t, admin.StateEnabled, o.Member(anaID).State)
		})
	}
}

// A sign-out that could not close the window says so, and one without a window writes nothing.
func TestCloseWindow(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	o.Unchanged(func() { require.NoError(t, o.admin.CloseWindow(o.Ctx, o.boss.User)) })
	by := o.window(o.boss, resetOnly, anaID)
	o.Store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	require.ErrorIs(t, o.admin.CloseWindow(o.Ctx, o.boss.User), store.ErrUnavailable)
	o.Store.SetFaults(totptest.Faults{})
	rest, err := o.admin.WindowRest(o.Ctx, by)
	require.NoError(t, err)
	require.True(t, rest.Permits(admin.ActionResetAccount, anaID))
}

// Another open session of the administrator cannot use the window, and neither can
// another administrator or a text that is not a window's name.
func TestWindowIsOfItsBrowser(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.window(o.boss, resetOnly, anaID)
	other := o.window(o.deputy, resetOnly, anaID)
	for name, c := range map[string]struct {
		actor admin.Administrator
		is    error
	}{
		"no name":               {admin.Administrator{User: o.boss.User}, totpflow.ErrProof},
		"another's":             {admin.Administrator{User: o.boss.User, Window: other.Window}, totpflow.ErrProof},
		"by somebody else":      {admin.Administrator{User: o.deputy.User, Window: by.Window}, totpflow.ErrProof},
		"not a name":            {admin.Administrator{User: o.boss.User, Window: "x"}, totpflow.ErrProof},
		"a longer name":         {admin.Administrator{User: o.boss.User, Window: by.Window + "A"}, totpflow.ErrProof},
		"with line ends":        {admin.Administrator{User: o.boss.User, Window: by.Window + "\n"}, totpflow.ErrProof},
		"line ends for letters": {admin.Administrator{User: o.boss.User, Window: by.Window[:20] + "\n\n"}, totpflow.ErrProof},
		"beside a proof":        {admin.Administrator{User: o.boss.User, Window: by.Window, Proof: "x"}, totpflow.ErrProof},
		"of an older user":      {admin.Administrator{User: totpflow.User{ID: o.boss.ID, Generation: 99}, Window: by.Window}, totpflow.ErrRecordLost},
		"of the person":         {admin.Administrator{User: totpflow.User{ID: anaID}, Window: by.Window}, admin.ErrSelf},
	} {
		err := servicetest.ErrorOf(o.admin.Reset(o.Ctx, c.actor, anaID, admin.ScopeAll))
		require.ErrorIs(t, err, c.is, name)
		require.Equal(t, admin.StateEnabled, o.Member(anaID).State, name)
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", by, by.Window, by.Window, by.LogValue()), string(by.Window))
	require.NoError(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll)))
}

// The host's rule and the tenants are asked when the window is used, not only when it is
// opened.
func TestWindowIsJudgedAsOfNow(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.window(o.boss, resetOnly, anaID)
	none := o.Admin(func(_ context.Context, _ totpflow.User, a totpflow.Action, _ store.AccountID) error {
		if a == admin.ActionResetAccount {
			return errSays
		}
		return nil
	})
	require.ErrorIs(t, servicetest.ErrorOf(none.Reset(o.Ctx, by, anaID, admin.ScopeAll)), errSays)
	require.NoError(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll)), "and nothing was used up")
}

// Resets in a window count as others do: the sixth within an hour needs a second
// administrator.
func TestWindowCountsResets(t *testing.T) {
	o := byTwo(t)
	ids := o.staff(8)
	by := o.window(o.boss, resetOnly, ids...)
	for i, id := range ids {
		err := servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, id, admin.ScopeAll))
		if i < admin.MaxResets {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, admin.ErrApproval)
		require.Equal(t, enroll.Active, o.Member(id).Enrollment)
	}
	// Resets that had a code of their own count with them.
	err := servicetest.ErrorOf(o.admin.Reset(o.Ctx, o.ByFor(o.boss, admin.Purpose(admin.ActionResetAccount, ids[7])), ids[7], admin.ScopeAll))
	require.ErrorIs(t, err, admin.ErrApproval)
}

// A server's clock was a minute ahead while the administrator's browser was trusted. The
// first look at the window after that drops the browser, which makes it decide twice. It
// still lists each person once.
func TestWindowRestAfterAClockWasAhead(t *testing.T) {
	o := newOrganization(t)
	ids := o.staff(2)
	by := o.window(o.boss, resetOnly, ids...)
	right := o.Clock.Now()
	o.Clock.Advance(time.Minute)
	o.TrustBrowserOf(o.boss.User, o.boss.Phone)
	o.Clock.Set(right)
	rest, err := o.admin.WindowRest(o.Ctx, by)
	require.NoError(t, err)
	require.Len(t, rest.Targets, 2)
}

// Two calls that use the same part of a window at the same time, over two services: one
// of them does it.
func TestWindowInARace(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.window(o.boss, resetOnly, anaID)
	services := []admin.Admin{o.admin, admin.New(o.Open(ofTenants), letAll), admin.New(o.Open(ofTenants), letAll)}
	won := make([]error, len(services))
	together(len(services), func(i int) {
		won[i] = servicetest.ErrorOf(services[i].Reset(o.Ctx, by, anaID, admin.ScopeBrowsers))
	})
	n := 0
	for _, err := range won {
		if err == nil {
			n++
			continue
		}
		require.ErrorIs(t, err, totpflow.ErrProof)
	}
	require.Equal(t, 1, n)
}

// The record of the administrator who uses a window is the one that the host remembers. An
// older one that was put back in the database is refused, and reported.
func TestWindowOfARecordThatIsLost(t *testing.T) {
	o := newOrganization(t)
	o.Enroll(ana)
	by := o.window(o.boss, resetOnly, anaID)
	by.User.Generation = o.Member(o.boss.ID).Generation + 1
	o.Events.Kinds()
	require.ErrorIs(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll)), totpflow.ErrRecordLost)
	require.Len(t, o.EventsOf(event.RecordLost), 1)
	require.Equal(t, admin.StateEnabled, o.Member(anaID).State)
	by.User.Generation--
	require.NoError(t, servicetest.ErrorOf(o.admin.Reset(o.Ctx, by, anaID, admin.ScopeAll)))
}
