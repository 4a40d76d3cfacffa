package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/store"
)

// countCases: reads that need no sealed bytes.
var countCases = []testCase{
	{"heads", "a list of heads holds the same records in every field but Sealed, which is empty", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		want := make(map[store.AccountID]store.Record)
		for i := range 7 {
			rec := draft(store.AccountID{Tenant: "acme", User: strconv.Itoa(i)}, "content")
			if i == 3 {
				rec.Due = time.Time{}
			} else {
				ids = append(ids, rec.ID)
			}
			if err := s.Put(ctx, rec, store.Version{}); err != nil {
				return err
			}
			rec.Sealed = nil
			want[rec.ID] = rec
		}
		all := slices.Insert(slices.Clone(ids), 3, store.AccountID{Tenant: "acme", User: "3"})
		for _, c := range []struct {
			q    store.Query
			want []store.AccountID
		}{
			{store.Query{Tenant: "acme", Limit: 3}, all}, {store.Query{AllTenants: true, Limit: 3}, all},
			{store.Query{Tenant: "acme", State: "active", Limit: 3}, all}, {store.Query{AllTenants: true, State: "active", Limit: 3}, all},
			{dueBefore(later, 3), ids},
		} {
			c.q.Heads = true
			if err := expectList(ctx, s, c.q, c.want); err != nil {
				return err
			}
			page, err := s.List(ctx, c.q)
			if err != nil {
				return fmt.Errorf("List(%+v): %w", c.q, err)
			}
			for _, rec := range page.Records {
				if err := same(rec, want[rec.ID]); err != nil {
					return fmt.Errorf("List(%+v): %w", c.q, err)
				}
			}
		}
		return expectContent(ctx, s, store.AccountID{Tenant: "acme", User: "0"}, "content")
	}},
	{"counts", "counts by state are those of the records that a list would hold, of one tenant and of all", func(ctx context.Context, s store.Store) error {
		if err := expectCount(ctx, s, store.Query{AllTenants: true}, nil); err != nil {
			return err
		}
		states := []string{"active", "pending", "", "Active", "active "}
		var last store.Record
		for i := range 20 {
			last = draft(store.AccountID{Tenant: []string{"", "acme", "acmeb", "%"}[i%4], User: fmt.Sprintf("%02d", i)}, "x")
			last.State = states[i%len(states)]
			if err := s.Put(ctx, last, store.Version{}); err != nil {
				return err
			}
		}
		each := map[string]int{"active": 1, "pending": 1, "": 1, "Active": 1, "active ": 1}
		if err := expectCount(ctx, s, store.Query{AllTenants: true}, map[string]int{"active": 4, "pending": 4, "": 4, "Active": 4, "active ": 4}); err != nil {
			return err
		}
		for tenant, want := range map[string]map[string]int{"": each, "acme": each, "acmeb": each, "%": each, "acm": nil, "_": nil} {
			if err := expectCount(ctx, s, store.Query{Tenant: tenant}, want); err != nil {
				return err
			}
		}
		was := last.Version
		last.Version, last.State = store.NewVersion(), "frozen"
		if err := s.Put(ctx, last, was); err != nil {
			return err
		}
		if err := expectCount(ctx, s, store.Query{Tenant: "%"}, map[string]int{"active": 1, "pending": 1, "": 1, "Active": 1, "frozen": 1}); err != nil {
			return err
		}
		if err := s.Delete(ctx, last.ID, last.Version); err != nil {
			return err
		}
		return expectCount(ctx, s, store.Query{AllTenants: true}, map[string]int{"active": 4, "pending": 4, "": 4, "Active": 4, "active ": 3})
	}},
}

func expectCount(ctx context.Context, s store.Store, q store.Query, want map[string]int) error {
	got, err := store.Count(ctx, s, q)
	if err != nil {
		return err
	}
	for state, n := range got {
		if n != want[state] || n == 0 {
			return fmt.Errorf("Count(%+v): %d in state %q, want %d", q, n, state, want[state])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("Count(%+v): %d states, want %d", q, len(got), len(want))
	}
	return nil
}
