package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

func TestQueryStart(t *testing.T) {
	at := store.Cursor(alice)
	now := time.UnixMilli(1e12).UTC()
	due := store.Place{ID: alice, Due: now.Add(-time.Millisecond)}
	cases := []struct {
		name  string
		q     store.Query
		after store.Place
		limit int
		want  error
	}{
		{"zero", store.Query{}, store.Place{}, store.DefaultLimit, nil},
		{"capped", store.Query{Limit: store.MaxLimit + 1}, store.Place{}, store.MaxLimit, nil},
		{"one", store.Query{Limit: 1}, store.Place{}, 1, nil},
		{"negative", store.Query{Limit: -1}, store.Place{}, 0, store.ErrQuery},
		{"continued", store.Query{Tenant: "acme", Cursor: at}, store.Place{ID: alice}, store.DefaultLimit, nil},
		{"continued over all", store.Query{AllTenants: true, Cursor: at}, store.Place{ID: alice}, store.DefaultLimit, nil},
		{"a cursor does not open another tenant", store.Query{Tenant: "beta", Cursor: at}, store.Place{}, 0, store.ErrCursor},
		{"one tenant and all", store.Query{Tenant: "acme", AllTenants: true}, store.Place{}, 0, store.ErrQuery},
		{"broken cursor", store.Query{Cursor: "!"}, store.Place{}, 0, store.ErrCursor},
		{"bad tenant", store.Query{Tenant: "a\x00"}, store.Place{}, 0, store.ErrQuery},
		{"bad state", store.Query{State: strings.Repeat("x", store.MaxState+1)}, store.Place{}, 0, store.ErrQuery},
		{"due", store.Query{AllTenants: true, DueBefore: now}, store.Place{}, store.DefaultLimit, nil},
		{"due, continued", store.Query{AllTenants: true, DueBefore: now, Cursor: due.Cursor()}, due, store.DefaultLimit, nil},
		{"due, of one tenant", store.Query{Tenant: "acme", DueBefore: now}, store.Place{}, 0, store.ErrQuery},
		{"due, of the empty tenant", store.Query{DueBefore: now}, store.Place{}, 0, store.ErrQuery},
		{"due, in a state", store.Query{AllTenants: true, State: "active", DueBefore: now}, store.Place{}, 0, store.ErrQuery},
		{"due, no such year", store.Query{AllTenants: true, DueBefore: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, store.Place{}, 0, store.ErrQuery},
		{"due, with the cursor of another order", store.Query{AllTenants: true, DueBefore: now, Cursor: at}, store.Place{}, 0, store.ErrCursor},
		{"a cursor of a due time in another order", store.Query{AllTenants: true, Cursor: due.Cursor()}, store.Place{}, 0, store.ErrCursor},
		{"due, with a cursor from behind the end", store.Query{AllTenants: true, DueBefore: now, Cursor: store.Place{ID: alice, Due: now}.Cursor()}, store.Place{}, 0, store.ErrCursor},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, limit, err := c.q.Start()
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.after, after)
			require.Equal(t, c.limit, limit)
		})
	}
}

func TestQuerySelects(t *testing.T) {
	now := time.UnixMilli(1e12).UTC()
	rec := store.Record{ID: alice, State: "active", Due: now.Add(999 * time.Microsecond)}
	cases := []struct {
		name string
		q    store.Query
		want bool
	}{
		{"everything", store.Query{AllTenants: true}, true},
		{"its tenant", store.Query{Tenant: "acme"}, true},
		{"the empty tenant", store.Query{}, false},
		{"its state", store.Query{Tenant: "acme", State: "active"}, true},
		{"another state", store.Query{AllTenants: true, State: "reset"}, false},
		{"due earlier", store.Query{AllTenants: true, DueBefore: now.Add(time.Millisecond)}, true},
		{"due at that moment", store.Query{AllTenants: true, DueBefore: now}, false},
		{"due in the same millisecond", store.Query{AllTenants: true, DueBefore: now.Add(999_999)}, false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		require.Equal(t, c.want, c.q.Selects(rec), c.name)
	}
	none := store.Record{ID: alice}
	require.False(t, store.Query{AllTenants: true, DueBefore: now}.Selects(none), "a record that is never due")
	require.Equal(t, store.Place{ID: alice}, store.Query{AllTenants: true}.Place(rec))
	require.Equal(t, store.Place{ID: alice, Due: now}, store.Query{AllTenants: true, DueBefore: now}.Place(rec))
}
