package sqlstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

// Each selection has its own statement, with an argument for each placeholder,
// in order.
func TestPage(t *testing.T) {
	alice := store.Place{ID: store.AccountID{Tenant: "acme", User: "alice"}}
	overdue := store.Place{ID: alice.ID, Due: time.UnixMilli(4).UTC()}
	first := never + 1 // the first due time that a record can have
	cases := []struct {
		query store.Query
		after store.Place
		want  listing
		args  []any
		spelt []any // how behind is written out
	}{
		{store.Query{Tenant: "acme"}, alice, listing{}, []any{"acme", "alice", 7}, nil},
		{store.Query{Tenant: "acme", State: "reset"}, alice, listing{state: true}, []any{"reset", "acme", "alice", 7}, nil},
		{store.Query{AllTenants: true}, alice, listing{all: true}, []any{"acme", "alice", 7}, []any{"acme", "acme", "alice", 7}},
		{store.Query{AllTenants: true, State: "reset"}, alice, listing{all: true, state: true},
			[]any{"reset", "acme", "alice", 7}, []any{"reset", "acme", "acme", "alice", 7}},
		{store.Query{AllTenants: true, DueBefore: time.UnixMilli(9)}, overdue, listing{all: true, due: true},
			[]any{int64(9), int64(4), "acme", "alice", 7}, []any{int64(9), int64(4), int64(4), "acme", "acme", "alice", 7}},
		{store.Query{AllTenants: true, DueBefore: time.UnixMilli(9)}, store.Place{}, listing{all: true, due: true},
			[]any{int64(9), first, "", "", 7}, []any{int64(9), first, first, "", "", "", 7}},
	}
	require.NotEmpty(t, cases)
	for _, d := range []Dialect{SQLite, PostgreSQL, MySQL} {
		s := New(nil, d)
		for _, c := range cases {
			for _, c.query.Heads = range []bool{false, true} {
				c.want.heads = c.query.Heads
				args := c.args
				if d.d.spelledOut && c.spelt != nil {
					args = c.spelt
				}
				statement, got := s.page(c.query, c.after, 7)
				require.Equal(t, s.ask.lists[c.want], statement, d)
				require.NotEmpty(t, statement, d)
				require.Equal(t, args, got, d)
				require.Equal(t, len(args), placeholders(statement), "%v: %s", d, statement)
			}
		}
	}
}
