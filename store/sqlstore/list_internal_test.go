package sqlstore

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// Each selection has its own statement, with an argument for each placeholder,
// in order.
func TestPage(t *testing.T) {
	after := store.AccountID{Tenant: "acme", User: "alice"}
	cases := []struct {
		query store.Query
		want  func(d *dialect) string
		args  []any
		twice []any // where the tenant is wanted twice
	}{
		{store.Query{Tenant: "acme"}, func(d *dialect) string { return d.list }, []any{"acme", "alice", 7}, nil},
		{store.Query{Tenant: "acme", State: "reset"}, func(d *dialect) string { return d.listState }, []any{"reset", "acme", "alice", 7}, nil},
		{store.Query{AllTenants: true}, func(d *dialect) string { return d.listAll }, []any{"acme", "alice", 7}, []any{"acme", "acme", "alice", 7}},
		{store.Query{AllTenants: true, State: "reset"}, func(d *dialect) string { return d.listAllState },
			[]any{"reset", "acme", "alice", 7}, []any{"reset", "acme", "acme", "alice", 7}},
	}
	require.NotEmpty(t, cases)
	for _, d := range []*dialect{&sqlite, &postgres, &mysql} {
		for _, c := range cases {
			want := c.args
			if d.tenantTwice && c.twice != nil {
				want = c.twice
			}
			statement, args := d.page(c.query, after, 7)
			require.Equal(t, c.want(d), statement, d.name)
			require.Equal(t, want, args, d.name)
			require.Equal(t, len(args), strings.Count(statement, "?")+strings.Count(statement, "$"), d.name)
		}
	}
}
