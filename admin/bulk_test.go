package admin_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
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
