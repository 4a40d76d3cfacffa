package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/totpflow/totpflow/store"
)

// listCases: which records a list selects and in which order.
var listCases = []testCase{
	{"empty list", "a list of nothing is an empty page with no next one", func(ctx context.Context, s store.Store) error {
		for _, q := range []store.Query{{}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
			page, err := s.List(ctx, q)
			if err != nil || len(page.Records) != 0 || page.Next != "" {
				return fmt.Errorf("List(%+v) = %d records, next %q, %v", q, len(page.Records), page.Next, err)
			}
		}
		return nil
	}},
	{"list order", "records come ordered by tenant, then user, byte by byte", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		for _, tenant := range []string{"b", "", "B", "a b", "a", "\u00e9", "z", "\U0001f511", "\uffee"} {
			for _, user := range []string{"10", "9", "Z", "a", "b", "\u00e9", "z", "a-b", "ab", " ", "\U0001f511", "\uffee"} {
				ids = append(ids, store.AccountID{Tenant: tenant, User: user})
			}
		}
		if err := create(ctx, s, ids...); err != nil {
			return err
		}
		slices.SortFunc(ids, store.AccountID.Compare)
		if err := expectList(ctx, s, store.Query{AllTenants: true, Limit: 7}, ids); err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id store.AccountID) bool { return id.Tenant != "a" })
		return expectList(ctx, s, store.Query{Tenant: "a", Limit: 5}, ids)
	}},
	{"list of one tenant", "a list of one tenant holds nothing of another, the empty tenant included", func(ctx context.Context, s store.Store) error {
		all := []store.AccountID{{User: "a"}, {User: "b"}, {Tenant: "acme", User: "a"}, {Tenant: "acme", User: "c"}, {Tenant: "acmeb", User: "a"}, {Tenant: "beta", User: "a"}}
		if err := create(ctx, s, all...); err != nil {
			return err
		}
		for _, limit := range []int{0, 1, 2} {
			for tenant, want := range map[string][]store.AccountID{"": all[0:2], "acme": all[2:4], "acmeb": all[4:5], "beta": all[5:6], "nobody": nil, "acm": nil, "%": nil} {
				if err := expectList(ctx, s, store.Query{Tenant: tenant, Limit: limit}, want); err != nil {
					return err
				}
			}
			if err := expectList(ctx, s, store.Query{AllTenants: true, Limit: limit}, all); err != nil {
				return err
			}
		}
		return nil
	}},
	{"list by state", "a list by state holds exactly the records that are in it now", func(ctx context.Context, s store.Store) error {
		states := []string{"active", "pending", "", "Active", "active "}
		want := make(map[string][]store.AccountID)
		for i := range 20 {
			rec := draft(store.AccountID{Tenant: strconv.Itoa(i % 2), User: fmt.Sprintf("%02d", i)}, "x")
			rec.State = states[i%len(states)]
			if err := s.Put(ctx, rec, store.Version{}); err != nil {
				return err
			}
			if i == 0 { // and the first one moves on
				was := rec.Version
				rec.State, rec.Version = "pending", store.NewVersion()
				if err := s.Put(ctx, rec, was); err != nil {
					return err
				}
			}
			want[rec.State] = append(want[rec.State], rec.ID)
		}
		for _, state := range states {
			if state == "" { // no filter
				continue
			}
			slices.SortFunc(want[state], store.AccountID.Compare)
			if err := expectList(ctx, s, store.Query{AllTenants: true, State: state, Limit: 2}, want[state]); err != nil {
				return err
			}
			mine := slices.DeleteFunc(slices.Clone(want[state]), func(id store.AccountID) bool { return id.Tenant != "1" })
			if err := expectList(ctx, s, store.Query{Tenant: "1", State: state, Limit: 1}, mine); err != nil {
				return err
			}
		}
		return expectList(ctx, s, store.Query{AllTenants: true, State: "%"}, nil)
	}},
	{"list is whole", "a listed record is the stored record, all fields", func(ctx context.Context, s store.Store) error {
		rec := draft(alice, "\x00content\xff")
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			return err
		}
		for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}, {Tenant: "acme", State: "active"}} {
			page, err := s.List(ctx, q)
			if err != nil || len(page.Records) != 1 {
				return fmt.Errorf("List(%+v): %d records, %w", q, len(page.Records), errOr(err, "want one"))
			}
			if err := same(page.Records[0], rec); err != nil {
				return err
			}
		}
		return nil
	}},
}

// pagingCases: lists longer than a page.
var pagingCases = []testCase{
	{"page sizes", "a page holds no more than its limit: by default 100, never more than 1000", func(ctx context.Context, s store.Store) error {
		var ids []store.AccountID
		for i := range store.MaxLimit + 1 {
			ids = append(ids, store.AccountID{Tenant: "acme", User: fmt.Sprintf("%04d", i)})
		}
		half := len(ids) / 2
		if err := create(ctx, s, ids[half:]...); err != nil { // not in order
			return err
		}
		if err := create(ctx, s, ids[:half]...); err != nil {
			return err
		}
		for _, limit := range []int{0, 333, store.MaxLimit, store.MaxLimit + 1, 1 << 30} {
			for _, all := range []bool{false, true} {
				q := store.Query{Tenant: "acme", Limit: limit}
				if all {
					q = store.Query{AllTenants: true, Limit: limit}
				}
				if err := expectList(ctx, s, q, ids); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{"paging while writing", "a record that stays is listed exactly once, whatever comes, goes and changes meanwhile", func(ctx context.Context, s store.Store) error {
		var stay []store.AccountID
		for i := range 60 {
			stay = append(stay, store.AccountID{Tenant: "acme", User: fmt.Sprintf("%03d", 2*i+1)})
		}
		if err := create(ctx, s, stay...); err != nil {
			return err
		}
		return pageThrough(ctx, s, store.Query{Tenant: "acme"}, stay)
	}},
	{"paging over a hole", "a cursor stays valid when the record that it was made from is deleted, and when others come before it", func(ctx context.Context, s store.Store) error {
		ids := []store.AccountID{{User: "b"}, {User: "d"}, {User: "f"}, {User: "h"}}
		if err := create(ctx, s, ids...); err != nil {
			return err
		}
		page, err := s.List(ctx, store.Query{Limit: 2})
		if err != nil || len(page.Records) != 2 || page.Next == "" {
			return fmt.Errorf("first page: %d records, next %q, %w", len(page.Records), page.Next, errOr(err, "want two and a next"))
		}
		for _, rec := range page.Records {
			if err := s.Delete(ctx, rec.ID, rec.Version); err != nil {
				return err
			}
		}
		if err := create(ctx, s, store.AccountID{User: "a"}, store.AccountID{User: "c"}, store.AccountID{User: "cc"}); err != nil {
			return err
		}
		return expectList(ctx, s, store.Query{Limit: 2, Cursor: page.Next}, ids[2:])
	}},
	{"bad queries", "a query that is ambiguous, or a cursor from elsewhere, is refused and not guessed at", func(ctx context.Context, s store.Store) error {
		if err := create(ctx, s, alice, store.AccountID{Tenant: "beta", User: "bob"}); err != nil {
			return err
		}
		for _, c := range []struct {
			q    store.Query
			want error
		}{
			{store.Query{Limit: -1}, store.ErrQuery},
			{store.Query{Tenant: "acme", AllTenants: true}, store.ErrQuery},
			{store.Query{Tenant: "a\x00"}, store.ErrQuery},
			{store.Query{State: "\xff"}, store.ErrQuery},
			{store.Query{Tenant: "acme", DueBefore: noon}, store.ErrQuery},
			{store.Query{AllTenants: true, DueBefore: noon, Cursor: store.Cursor(alice)}, store.ErrCursor},
			{store.Query{Tenant: "acme", Cursor: "1"}, store.ErrCursor},
			{store.Query{Tenant: "acme", Cursor: "' OR 1=1"}, store.ErrCursor},
			{store.Query{Tenant: "acme", Cursor: store.Cursor(store.AccountID{Tenant: "beta", User: "a"})}, store.ErrCursor},
		} {
			page, err := s.List(ctx, c.q)
			if err := refused(fmt.Sprintf("List(%+v) with %d records", c.q, len(page.Records)), err, c.want); err != nil {
				return err
			}
		}
		return nil
	}},
}

// expectList pages through q and compares the ids.
func expectList(ctx context.Context, s store.Store, q store.Query, want []store.AccountID) error {
	places, err := listAll(ctx, s, q)
	if err != nil {
		return err
	}
	got := idsOf(places)
	if slices.Equal(got, want) {
		return nil
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("List(%+v): record %d is %s, want %s (%d of %d)", q, i, name(got[i]), name(want[i]), len(got), len(want))
		}
	}
	return fmt.Errorf("List(%+v): %d records, want %d", q, len(got), len(want))
}

func idsOf(places []store.Place) (ids []store.AccountID) {
	for _, p := range places {
		ids = append(ids, p.ID)
	}
	return ids
}

// listAll returns the places of all records of all pages. A list that does not end is a
// fault, and so is a record that the query does not select.
func listAll(ctx context.Context, s store.Store, q store.Query) ([]store.Place, error) {
	limit := min(q.Limit, store.MaxLimit)
	if limit == 0 {
		limit = store.DefaultLimit
	}
	var places []store.Place
	cursors := make(map[string]bool)
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("List(%+v): %w", q, err)
		}
		if len(page.Records) > limit {
			return nil, fmt.Errorf("List(%+v): a page of %d records", q, len(page.Records))
		}
		for _, rec := range page.Records {
			if !q.Selects(rec) {
				return nil, fmt.Errorf("List(%+v): %s, in state %q and due %v, is not selected", q, name(rec.ID), rec.State, rec.Due)
			}
			places = append(places, q.Place(rec))
		}
		if page.Next == "" {
			return places, nil
		}
		if cursors[page.Next] {
			return nil, fmt.Errorf("List(%+v): cursor %q came twice", q, page.Next)
		}
		cursors[page.Next] = true
		q.Cursor = page.Next
	}
}

// churn creates, changes and deletes records between those that stay.
func churn(ctx context.Context, s store.Store, begun func(), stop <-chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		id := store.AccountID{Tenant: "acme", User: fmt.Sprintf("%03d", 2*(i*37%61))}
		v, err := put(ctx, s, id, "new", store.Version{})
		if err != nil {
			return err
		}
		if v, err = put(ctx, s, id, "changed", v); err != nil {
			return err
		}
		if err := s.Delete(ctx, id, v); err != nil {
			return err
		}
		begun()
	}
}

// pageThrough reads the list a few times in small pages, while other records are
// written.
func pageThrough(ctx context.Context, s store.Store, q store.Query, stay []store.AccountID) error {
	return beside(func(begun func(), stop <-chan struct{}) error {
		return churn(ctx, s, begun, stop)
	}, func() error {
		for _, limit := range []int{1, 3, 7, 10, 59} {
			if err := listOnce(ctx, s, q, limit, stay); err != nil {
				return err
			}
		}
		return nil
	})
}
