package admin_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
)

// No call of administrators is missing from the metrics. An iterator is one flow per page
// or account, so that the time of the loop around it does not count.
func TestEveryCallIsAFlow(t *testing.T) {
	var heard servicetest.Flows
	h := newHarness(t, func(c *totpflow.Config) { c.Flows = &heard })
	office := admin.New(h.Service, nil)
	want := servicetest.CallAll(h.Ctx, office, "admin.")
	for _, lazy := range []string{"admin.status", "admin.list", "admin.check"} {
		i := slices.Index(want, lazy)
		require.GreaterOrEqual(t, i, 0)
		want = slices.Delete(want, i, i+1)
	}
	var got []string
	for _, f := range heard.Take() {
		got = append(got, f.Name)
	}
	require.Equal(t, want, got)

	h.Enroll(ana)
	heard.Take()
	once(t, office.Status(h.Ctx, ops, anaID))
	once(t, office.List(h.Ctx, ops, store.Query{AllTenants: true}))
	once(t, office.Check(h.Ctx, ops))
	got = nil
	for _, f := range heard.Take() {
		got = append(got, f.Name)
		require.Equal(t, event.OutcomeOK, f.Outcome)
	}
	require.Equal(t, []string{"admin.member", "admin.list_page", "admin.check"}, got)
}

func once[T any](t *testing.T, all iter.Seq2[T, error]) {
	for _, err := range all {
		require.NoError(t, err)
		return
	}
}

// A rule that panics counts as a flow that failed, and the panic goes on.
func TestPanickingRuleIsAFlow(t *testing.T) {
	var heard servicetest.Flows
	h := newHarness(t, func(c *totpflow.Config) { c.Flows = &heard })
	office := admin.New(h.Service, func(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { panic("no such role") })
	require.PanicsWithValue(t, "no such role", func() { _, _ = office.Member(h.Ctx, admin.Administrator{User: agent}, anaID) })
	all := heard.Take()
	require.Len(t, all, 1)
	require.Equal(t, event.OutcomeFailed, all[0].Outcome)
}
