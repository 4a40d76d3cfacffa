package admin_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// row returns a new account of a tenant.
func row(t testing.TB, tenant, user string) admin.Imported {
	t.Helper()
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	return admin.Imported{ID: store.AccountID{Tenant: tenant, User: user}, Key: key}
}

// A row that the administrator may not import does not block the others, and its outcome
// says so. The rule is asked about all rows before the first is written; each event has
// the administrator's name as the row's own tenant knows it; and everything done by one
// proof is one call.
func TestImportLeavesOutWhatIsRefused(t *testing.T) {
	o := newOrganization(t)
	rows := []admin.Imported{
		row(t, "globex", "first"),
		row(t, "acme/unit", "below"),
		row(t, "acme", "new"),
		{ID: o.boss.ID, Key: rfcKey(t)},
		row(t, "provider", "above"),
		row(t, "acme", "chief"),
		row(t, "closed", "one"),
		{ID: store.AccountID{Tenant: "acme", User: "no key"}},
		row(t, "acme", "last"),
	}
	want := []error{admin.ErrNotAllowed, nil, nil, admin.ErrSelf, admin.ErrNotAllowed, errSays, errSays, totp.ErrNoKey, nil}
	before := o.Versions()
	asked := map[store.AccountID]int{}
	// A rule that refuses every import into the tenant "closed" as a whole.
	servicetest.Parents["closed"] = []string{"acme"}
	defer delete(servicetest.Parents, "closed")
	adm := o.Admin(func(_ context.Context, _ totpflow.User, _ totpflow.Action, id store.AccountID) error {
		require.Equal(t, before, o.Versions(), "%v is asked for after something was written", id)
		asked[id]++
		if id.User == "chief" || id == (store.AccountID{Tenant: "closed"}) {
			return errSays
		}
		return nil
	})
	by := o.By(o.boss, admin.ActionImport)
	before = o.Versions()
	o.Events.Kinds()
	outcomes, err := adm.Import(o.Ctx, by, rows)
	require.NoError(t, err)
	require.Len(t, outcomes, len(rows))
	after := o.Versions()
	for i, out := range outcomes {
		require.Equal(t, rows[i].ID, out.ID)
		if want[i] == nil {
			require.NoError(t, out.Err, out.ID)
			require.NotZero(t, after[out.ID])
			continue
		}
		require.ErrorIs(t, out.Err, want[i], out.ID)
		if out.ID != o.boss.ID { // only their own record has the proof as spent
			require.Equal(t, before[out.ID], after[out.ID], out.ID)
		}
	}
	require.Len(t, o.Status(o.boss.User).Authenticators, 1)
	actors := map[string]string{}
	for _, e := range o.EventsOf(event.Imported) {
		actors[e.User] = e.Actor
	}
	require.Equal(t, map[string]string{"below": "acme/boss", "new": "boss", "last": "boss"}, actors)
	require.Equal(t, 1, asked[rows[2].ID])
	require.Zero(t, asked[rows[0].ID], "the library's own checks come first")

	before = o.Versions()
	_, err = adm.Import(o.Ctx, by, rows)
	require.ErrorIs(t, err, totpflow.ErrProof, "one proof, one call")
}

// If nothing can be imported, no proof is consumed. An administrator who may import at
// all learns which rows are wrong; one who may not is refused.
func TestImportOfNothing(t *testing.T) {
	o := newOrganization(t)
	by := o.By(o.boss, admin.ActionImport)
	own, other := admin.Imported{ID: o.boss.ID, Key: rfcKey(t)}, row(t, "globex", "x")
	o.Unchanged(func() {
		outcomes, err := o.admin.Import(o.Ctx, by, []admin.Imported{own, other})
		require.NoError(t, err)
		require.Len(t, outcomes, 2)
		require.Equal(t, admin.Outcome{ID: own.ID, Err: admin.ErrSelf}, outcomes[0])
		require.Equal(t, other.ID, outcomes[1].ID)
		require.ErrorIs(t, outcomes[1].Err, admin.ErrNotAllowed)
	})
	none := o.Admin(func(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return errSays })
	for name, c := range map[string]struct {
		adm admin.Admin
		by  admin.Actor
		is  error
	}{
		"a rule against it": {none, by, errSays},
		"no rule":           {o.Admin(nil), by, admin.ErrNotAllowed},
		"no leave":          {o.admin, nil, admin.ErrNotAllowed},
		"no reason":         {o.admin, admin.Operator{Name: "root"}, admin.ErrNotAllowed},
	} {
		o.Unchanged(func() {
			for _, r := range []admin.Imported{own, other, row(t, "acme", "new")} {
				outcomes, err := c.adm.Import(o.Ctx, c.by, []admin.Imported{r})
				require.ErrorIs(t, err, c.is, name)
				require.Empty(t, outcomes, name)
			}
		})
	}
	outcomes, err := o.admin.Import(o.Ctx, by, []admin.Imported{row(t, "acme", "new")})
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err, "the proof is still good")
}

// An administrator imports into a tenant below although the rule does not let them import
// into their own. A refused row stays refused for that reason, even where its secret is
// another's.
func TestImportBelowOnly(t *testing.T) {
	o := newOrganization(t)
	below, refused := row(t, "acme/unit", "below"), row(t, "globex", "x")
	refused.Key = below.Key
	adm := o.Admin(func(_ context.Context, _ totpflow.User, a totpflow.Action, id store.AccountID) error {
		if a == admin.ActionImport && id.Tenant == "acme" {
			return errSays
		}
		return nil
	})
	by := o.By(o.boss, admin.ActionImport)
	outcomes, err := adm.PreviewImport(o.Ctx, by, []admin.Imported{below, refused})
	require.NoError(t, err)
	require.ErrorIs(t, outcomes[0].Err, admin.ErrSharedSecret)
	require.ErrorIs(t, outcomes[1].Err, admin.ErrNotAllowed)
	outcomes, err = adm.Import(o.Ctx, by, []admin.Imported{below})
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err)
}

// The rule may be a query to the host's database: it is asked about each row, and about a
// tenant once, however many of its rows there are, and not where all of them are refused.
func TestImportAsksTheRuleOncePerTenant(t *testing.T) {
	o := newOrganization(t)
	var asked []store.AccountID
	answer := error(nil)
	adm := o.Admin(func(_ context.Context, _ totpflow.User, _ totpflow.Action, id store.AccountID) error {
		asked = append(asked, id)
		return answer
	})
	by := o.By(o.boss, admin.ActionImport)
	a, b, c := row(t, "acme", "a"), row(t, "acme", "b"), row(t, "acme/unit", "c")
	tenant := store.AccountID{Tenant: "acme"}
	_, err := adm.PreviewImport(o.Ctx, by, []admin.Imported{a, b, c})
	require.NoError(t, err)
	require.Equal(t, []store.AccountID{a.ID, tenant, b.ID, c.ID, {Tenant: "acme/unit"}}, asked)

	asked, answer = nil, errSays
	_, err = adm.PreviewImport(o.Ctx, by, []admin.Imported{a, c})
	require.ErrorIs(t, err, errSays)
	require.Equal(t, []store.AccountID{a.ID, c.ID, tenant}, asked, "at last whether this administrator may import at all")
}

// How many rows there may be.
func TestImportOfMany(t *testing.T) {
	h := newHarness(t)
	rows := slices.Repeat([]admin.Imported{row(t, "acme", "one")}, admin.MaxAccounts)
	outcomes, err := h.Admin(nil).PreviewImport(h.Ctx, ops, rows)
	require.NoError(t, err)
	require.Len(t, outcomes, admin.MaxAccounts)
	_, err = h.Admin(nil).Import(h.Ctx, ops, append(rows, rows[0]))
	require.ErrorIs(t, err, admin.ErrBulk)
}

// A chain of tenants that cannot be read does not decide about a row: the call fails.
func TestImportWhereTheChainFails(t *testing.T) {
	gone := errors.New("gone")
	o := newOrganization(t, func(c *totpflow.Config) {
		c.ParentTenants = func(_ context.Context, tenant string) ([]string, error) {
			if tenant == "elsewhere" {
				return nil, gone
			}
			return servicetest.Parents[tenant], nil
		}
	})
	by := o.By(o.boss, admin.ActionImport)
	o.Unchanged(func() {
		outcomes, err := o.admin.Import(o.Ctx, by, []admin.Imported{row(t, "acme", "new"), row(t, "elsewhere", "x")})
		require.ErrorIs(t, err, gone)
		require.ErrorIs(t, err, totpflow.ErrPolicy)
		require.Empty(t, outcomes)
	})
}

// A rule that failed has not refused: nothing is imported, and the call returns the
// error.
func TestImportWhereTheRuleCannotSay(t *testing.T) {
	o := newOrganization(t)
	rows := []admin.Imported{row(t, "acme", "one"), row(t, "acme", "two")}
	for _, down := range []error{store.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		adm := o.Admin(func(_ context.Context, _ totpflow.User, _ totpflow.Action, id store.AccountID) error {
			if id.User == "two" {
				return down
			}
			return nil
		})
		by := o.By(o.boss, admin.ActionImport)
		o.Unchanged(func() {
			outcomes, err := adm.Import(o.Ctx, by, rows)
			require.ErrorIs(t, err, down)
			require.Empty(t, outcomes)
		})
	}
}
