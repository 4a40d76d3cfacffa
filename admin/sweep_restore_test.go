package admin_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// backup copies the records of the store; putBack restores them, as an operator restores
// a database.
func (h *harness) backup() []store.Record {
	h.T.Helper()
	page, err := h.Memory.List(h.Ctx, store.Query{AllTenants: true, Limit: store.MaxLimit})
	require.NoError(h.T, err)
	return page.Records
}

func (h *harness) putBack(records []store.Record) {
	h.T.Helper()
	for id, v := range h.Versions() {
		require.NoError(h.T, h.Memory.Delete(h.Ctx, id, v))
	}
	for _, r := range records {
		require.NoError(h.T, h.Memory.Put(h.Ctx, r, store.Version{}))
	}
}

// The database was put back to an earlier state, as documented: epoch raised, and
// Restored run. Nothing that was used since the backup can be used again, nothing that
// was ended since comes back, and the person goes on with the app.
func TestRestored(t *testing.T) {
	h := newHarness(t)
	phone, codes := h.Enroll(ana)
	oldBrowser := h.TrustBrowserOf(ana, phone)
	require.NoError(t, h.Account(ana).RecoveryCodesSaved(h.Ctx))
	h.Clock.Advance(time.Hour)
	challenge, proof := h.Challenge(ana), h.Prove(ana, "delete backup", phone)
	session, taken, records := h.Mark(ana), h.Clock.Now(), h.backup()

	h.Clock.Advance(time.Minute)
	code := phone.Code()
	_, err := h.VerifyCode(h.Ctx, challenge, code)
	require.NoError(t, err)
	require.NoError(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")))
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.NoError(t, err)
	require.NoError(t, h.Account(ana).RevokeBrowsers(h.Ctx))
	shown := phone.Code()
	phone.SetDrift(30 * time.Second)
	ahead := phone.Peek()
	phone.SetDrift(0)

	h.putBack(records)
	h.RaiseEpoch()
	h.Service = h.Open()
	h.Events.Kinds()
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, taken, "", nil))
	require.Subset(t, h.Events.Kinds(), []event.Kind{event.EpochRaised, event.RecoveryCodesVoided})

	for name, again := range map[string]func() (totpflow.Decision, error){
		"the challenge":                      func() (totpflow.Decision, error) { return h.VerifyCode(h.Ctx, challenge, shown) },
		"the code that was used":             func() (totpflow.Decision, error) { return h.VerifyCode(h.Ctx, h.Challenge(ana), code) },
		"a code of a phone that is ahead":    func() (totpflow.Decision, error) { return h.VerifyCode(h.Ctx, h.Challenge(ana), ahead) },
		"a code that was only shown":         func() (totpflow.Decision, error) { return h.VerifyCode(h.Ctx, h.Challenge(ana), shown) },
		"the recovery code that was used":    func() (totpflow.Decision, error) { return h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0]) },
		"any recovery code, for that matter": func() (totpflow.Decision, error) { return h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[1]) },
	} {
		d, err := again()
		require.Error(t, err, name)
		require.Zero(t, d, name)
	}
	require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, proof, totpflow.Action("delete backup").On("")), totpflow.ErrProof)
	next, err := h.SignIn(h.Ctx, ana, oldBrowser)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step)
	require.Equal(t, []totpflow.Method{totpflow.MethodCode}, next.Methods)
	require.False(t, h.SessionStands(ana, session))
	require.Empty(t, h.Status(ana).Browsers)

	h.Clock.Advance(time.Minute) // codes may seem to be used for that long
	h.PassByCode(ana, phone)
	fresh := h.NewRecoveryCodes(ana, phone)

	// Once more, as if the first run were thought to have failed: everything made since
	// then stays, except the sessions.
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, taken, "", nil))
	_, err = h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), fresh[0])
	require.NoError(t, err)
	h.Clock.Advance(time.Minute)
	h.PassByCode(ana, phone)
}

// A code that was issued before the backup and redeemed after it is not redeemed again. The
// event says who has raised the epoch, and why.
func TestRestoredEndsIssuedCodes(t *testing.T) {
	h := newHarness(t)
	h.Enroll(ana)
	code := h.IssueCode(anaID)
	records := h.backup()
	require.NoError(t, servicetest.ErrorOf(h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)))

	h.putBack(records)
	h.RaiseEpoch()
	h.Service = h.Open()
	h.Events.Kinds()
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, h.Clock.Now(), "", nil))
	told := h.EventsOf(event.EpochRaised)
	require.Len(t, told, 1)
	require.Equal(t, []string{"operator root", "ticket 7"}, []string{told[0].Actor, told[0].Reason})
	d, err := h.VerifyIssuedCode(h.Ctx, h.Challenge(ana), code)
	refused(t, d, err, totpflow.ErrRejected)
}

// The epoch of the account stays as it was in the backup: a host that remembers a later
// change of factors still finds out that it was lost, even after the sweep and whatever
// the person does.
func TestRestoredKeepsTheGeneration(t *testing.T) {
	h := newHarness(t)
	phone, _ := h.Enroll(ana)
	records := h.backup()
	was := h.Status(ana).Generation
	h.EnrollBy(h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)) // because the phone was stolen
	remembers := ana
	remembers.Generation = h.Status(ana).Generation
	require.Greater(t, remembers.Generation, was)

	h.putBack(records)
	h.RaiseEpoch()
	h.Service = h.Open()
	for range 3 {
		require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, start, "", nil))
	}
	require.Equal(t, was, h.Status(ana).Generation)
	d, err := h.SignIn(h.Ctx, remembers)
	refused(t, d, err, totpflow.ErrRecordLost)
}

// Which recovery codes a restore voids: those that may have been used since the backup.
// An operator who does not know when it was made voids them all.
func TestRestoredVoids(t *testing.T) {
	for name, c := range map[string]struct {
		backup time.Time
		voids  bool
	}{
		"made before the backup":      {start.Add(time.Hour), true},
		"made at the same moment":     {start, true},
		"made after it":               {start.Add(-time.Second), false},
		"nobody knows when it was":    {time.Time{}, true},
		"the backup is of the future": {start.Add(days(1000)), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.Enroll(ana)
			h.Clock.Advance(time.Hour)
			require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, c.backup, "", nil))
			require.Equal(t, c.voids, h.Status(ana).RecoveryCodes.Left == 0)
		})
	}
}

// A restore leaves everything else alone: the policies of tenants, machine accounts, a
// freeze, a grace period, the count of wrong codes.
func TestRestoredLeavesTheRest(t *testing.T) {
	h := newHarness(t, ofTenants)
	h.SetPolicy("acme", fortnight)
	h.exempts(agentID)
	ben := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "ben"}}
	until := func() time.Time {
		next, err := h.SignIn(h.Ctx, ben)
		require.NoError(t, err)
		return next.GraceUntil
	}
	grace := until()
	phone, _ := h.Enroll(ana)
	h.Clock.Advance(time.Hour)
	for range 5 {
		_, err := h.VerifyCode(h.Ctx, h.Challenge(ana), phone.WrongCode())
		require.ErrorIs(t, err, totpflow.ErrRejected)
	}
	eve := totpflow.User{ID: totpflow.AccountID{Tenant: "acme", User: "eve"}}
	h.Enroll(eve)
	h.Freeze(eve)
	tenant := h.Versions()[store.AccountID{Tenant: "acme", User: "totpflow:tenant"}]
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, start, "", nil))
	require.Equal(t, tenant, h.Versions()[store.AccountID{Tenant: "acme", User: "totpflow:tenant"}])
	d, err := h.SignInMachine(h.Ctx, agent, h.Mark(agent))
	require.NoError(t, err)
	require.Equal(t, totpflow.ReasonMachine, d.Reason)
	require.Equal(t, grace, until())
	d, err = h.SignIn(h.Ctx, eve)
	refused(t, d, err, totpflow.ErrFrozen)
	d, err = h.VerifyCode(h.Ctx, h.Challenge(ana), phone.Code())
	refused(t, d, err, throttle.ErrThrottled)
}

// It may run while people sign in: a person whose account is not swept yet may pass once
// more, one whose account is swept passes with a later code, and after
// the sweep no code passes twice.
func TestRestoredWhilePeopleSignIn(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	key := rfcKey(t)
	require.NoError(t, h.Import(admin.Imported{ID: anaID, Key: key})[0].Err)
	h.Clock.Advance(time.Minute)
	code, err := key.Code(h.Clock.Now())
	require.NoError(t, err)
	var mu sync.Mutex
	var tokens []trust.Token
	together(9, func(i int) {
		if i == 8 {
			if err := h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, start, "", nil); err != nil {
				t.Error(err)
			}
			return
		}
		next, err := h.SignIn(h.Ctx, ana)
		if err != nil {
			t.Error(err)
			return
		}
		d, err := h.VerifyCode(h.Ctx, next.Challenge, code)
		switch {
		case err == nil:
			if b, err := h.TrustBrowser(h.Ctx, d.Proof, "x"); err == nil {
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, b.Token)
			}
		case !errors.Is(err, totpflow.ErrAlreadyUsed):
			t.Error(err)
		}
	})
	require.LessOrEqual(t, len(tokens), 1)
	d, err := h.VerifyCode(h.Ctx, h.Challenge(ana), code)
	refused(t, d, err, totpflow.ErrAlreadyUsed)
}

// Recovery codes made under a clock that was ahead count as made before the backup,
// although their time is after it: one that was used since must not be usable again.
func TestRestoredVoidsCodesOfAClockAhead(t *testing.T) {
	h := newHarness(t)
	h.Clock.Advance(days(365))
	_, codes := h.Enroll(ana)
	h.Clock.Advance(-days(365))
	taken, records := h.Clock.Now(), h.backup()
	h.Clock.Advance(time.Minute)
	require.NoError(t, servicetest.ErrorOf(h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])))

	h.putBack(records)
	h.RaiseEpoch()
	h.Service = h.Open()
	require.NoError(t, h.Admin(nil).AfterDatabaseRestore(h.Ctx, ops, taken, "", nil))
	d, err := h.VerifyRecoveryCode(h.Ctx, h.Challenge(ana), codes[0])
	require.ErrorIs(t, err, totpflow.ErrRejected)
	require.Zero(t, d)
}
