package admin_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
)

// A call takes from one to 1000 accounts: one proof covers no more.
func TestBulkBounds(t *testing.T) {
	h := newHarness(t, func(c *totpflow.Config) { c.Observer = quiet })
	for n, ok := range map[int]bool{0: false, 1: true, 1000: true, 1001: false} {
		var rows []admin.Imported
		var users []string
		for i := range n {
			rows = append(rows, row(t, "acme", strconv.Itoa(i)))
			users = append(users, strconv.Itoa(i))
		}
		outcomes, err := h.Admin(nil).Import(h.Ctx, ops, rows)
		reset, errReset := h.Admin(nil).ResetMany(h.Ctx, ops, "acme", users, admin.ScopeBrowsers)
		if !ok {
			require.ErrorIs(t, err, admin.ErrBulk)
			require.ErrorIs(t, errReset, admin.ErrBulk)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, errReset)
		require.Len(t, outcomes, n)
		require.Len(t, reset, n)
	}
}

// A call for the users u1, u2 and u3 of acme, who have authenticators, or a preparation
// of one.
type manyCall = func(context.Context) ([]admin.Outcome, error)

var threeUsers = []string{"u1", "u2", "u3"}

// approves prepares the approval of a reset, by the deputy or an operator.
func approves(operator bool) func(*organization) manyCall {
	return func(o *organization) manyCall {
		o.SetPolicy("acme", policy.Policy{Mode: policy.Required, TwoAdministrators: true})
		_, err := o.admin.ResetMany(o.Ctx, o.ByFor(o.boss, manyOfAcme), "acme", threeUsers, admin.ScopeAll)
		require.ErrorIs(o.T, err, admin.ErrApproval)
		var by admin.Actor = ops
		if !operator {
			by = o.By(o.deputy, admin.ActionApprove)
		}
		id := o.pending("acme")
		return func(ctx context.Context) ([]admin.Outcome, error) { return o.admin.Approve(ctx, by, "acme", id) }
	}
}

func resets(operator bool) func(*organization) manyCall {
	return func(o *organization) manyCall {
		var by admin.Actor = ops
		if !operator {
			by = o.ByFor(o.boss, manyOfAcme)
		}
		return func(ctx context.Context) ([]admin.Outcome, error) {
			return o.admin.ResetMany(ctx, by, "acme", threeUsers, admin.ScopeAll)
		}
	}
}

func reminds(o *organization) manyCall {
	o.SetPolicy("acme", policy.Policy{Mode: policy.Required})
	for _, user := range threeUsers {
		require.NoError(o.T, o.admin.Forget(o.Ctx, ops, store.AccountID{Tenant: "acme", User: user}))
	}
	by := o.ByFor(o.boss, admin.Purpose(admin.ActionRemind, store.AccountID{Tenant: "acme"}))
	return func(ctx context.Context) ([]admin.Outcome, error) { return o.admin.Remind(ctx, by, "acme", threeUsers) }
}

func imports(o *organization) manyCall {
	by := o.By(o.boss, admin.ActionImport)
	rows := []admin.Imported{row(o.T, "acme", "n1"), row(o.T, "acme", "n2"), row(o.T, "acme", "n3")}
	return func(ctx context.Context) ([]admin.Outcome, error) { return o.admin.Import(ctx, by, rows) }
}

// A caller who hangs up after the first of several accounts: what an administrator's proof
// or an approved request permits is done for all, since neither can be used again. An
// operator who used up nothing has interrupted the call.
func TestCallerHangsUp(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*organization) manyCall
		kind    event.Kind // of the first account
		done    int
	}{
		"an approval":            {approves(false), event.Reset, 3},
		"an operator's approval": {approves(true), event.Reset, 3},
		"a reset":                {resets(false), event.Reset, 3},
		"an operator's reset":    {resets(true), event.Reset, 1},
		"reminders":              {reminds, event.SetupReminded, 3},
		"an import":              {imports, event.Imported, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			var at event.Kind
			o := newOrganization(t, func(config *totpflow.Config) {
				config.Observer = event.ObserverFunc(func(_ context.Context, e event.Event) {
					if e.Kind == at {
						hangUp()
					}
				})
			})
			for _, user := range threeUsers {
				o.hire("acme", user)
			}
			call := c.prepare(o)
			at = c.kind
			outcomes, err := call(ctx)
			require.ErrorIs(t, ctx.Err(), context.Canceled)
			require.Len(t, outcomes, 3)
			failed := slices.DeleteFunc(outcomes, func(x admin.Outcome) bool { return x.Err == nil })
			require.NoError(t, err)
			require.Equal(t, c.done, 3-len(failed))
		})
	}
}

// A store that stops answering delays a call that nobody waits for by half a minute for
// each account, and does not hold it forever.
func TestStoreHangsAfterTheCallerHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o *organization
		var hung time.Time
		armed := false
		o = newOrganization(t, func(config *totpflow.Config) {
			config.Observer = event.ObserverFunc(func(_ context.Context, e event.Event) {
				if armed && e.Kind == event.Reset {
					hung = time.Now()
					t.Cleanup(o.Store.Hold())
				}
			})
		})
		for _, user := range threeUsers {
			o.hire("acme", user)
		}
		call := approves(false)(o)
		armed = true
		outcomes, err := call(t.Context())
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.Len(t, outcomes, 3)
		require.NoError(t, outcomes[0].Err)
		require.Equal(t, time.Minute, time.Since(hung))
	})
}
