package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/totpflow/totpflow/store"
)

// A Damager can make a stored record unreadable, as a broken disk or a foreign program
// does. If a store that [Run] or [Check] is given has this method, the case "damaged
// record" checks what the store then answers; otherwise that case passes. An adapter's
// test adds the method in a type that embeds the store.
type Damager interface {
	// Damage makes the record of id unreadable, and leaves its entries in indexes.
	Damage(ctx context.Context, id store.AccountID) error
}

// damageCases: a record that cannot be read.
var damageCases = []testCase{
	{"damaged record", "a record that cannot be read is an error of Get and never absent; it hides no other record of a list, is in no list by state or due time, and has no version in the others", func(ctx context.Context, s store.Store) error {
		d, ok := s.(Damager)
		if !ok {
			return nil
		}
		var all, whole []store.AccountID
		for _, user := range []string{"a", "b", "c", "d", "e"} {
			all = append(all, store.AccountID{Tenant: "acme", User: user})
		}
		if err := create(ctx, s, all...); err != nil {
			return err
		}
		bad := map[store.AccountID]bool{all[1]: true, all[4]: true} // one between others, one at the end
		for id := range bad {
			if err := d.Damage(ctx, id); err != nil {
				return fmt.Errorf("Damage(%s): %w", name(id), err)
			}
			if err := expectDamaged(ctx, s, id); err != nil {
				return err
			}
		}
		whole = slices.DeleteFunc(slices.Clone(all), func(id store.AccountID) bool { return bad[id] })
		for _, c := range []struct {
			q    store.Query
			want []store.AccountID
		}{
			{store.Query{Tenant: "acme"}, all}, {store.Query{AllTenants: true}, all},
			{store.Query{Tenant: "acme", State: "active"}, whole}, {store.Query{AllTenants: true, State: "active"}, whole},
			{dueBefore(later, 0), whole},
		} {
			for _, c.q.Heads = range []bool{false, true} {
				for _, c.q.Limit = range []int{0, 1, 2} {
					if err := listDamaged(ctx, s, c.q, c.want, bad); err != nil {
						return err
					}
				}
			}
		}
		counts, err := count(ctx, s)
		delete(counts, "active") // in which an index may still count it
		if err != nil || len(counts) > 0 {
			return fmt.Errorf("Count with damaged records: %v in states that no record has, %w", counts, errOr(err, "want none"))
		}
		return nil
	}},
}

// expectDamaged reads and writes a damaged record, which stays in its place.
func expectDamaged(ctx context.Context, s store.Store, id store.AccountID) error {
	if rec, err := s.Get(ctx, id); err == nil || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("Get(%s) of a damaged record = version %s, %w", name(id), short(rec.Version), errOr(err, "no error"))
	}
	if _, err := put(ctx, s, id, "new", store.Version{}); err == nil {
		return fmt.Errorf("Put(%s) created a record over a damaged one", name(id))
	}
	if err := s.Delete(ctx, id, store.Version{}); err == nil {
		return fmt.Errorf("Delete(%s) removed a damaged record under the zero version", name(id))
	}
	return nil
}

// listDamaged pages through q, which must hold the records of want, the damaged ones
// without a version.
func listDamaged(ctx context.Context, s store.Store, q store.Query, want []store.AccountID, bad map[store.AccountID]bool) error {
	var got []store.AccountID
	for range 3 * (len(want) + len(bad)) {
		page, err := s.List(ctx, q)
		if err != nil {
			return fmt.Errorf("List(%+v) beside damaged records: %w", q, err)
		}
		for _, rec := range page.Records {
			switch {
			case bad[rec.ID]:
				if !rec.Version.IsZero() || rec.State != "" || len(rec.Sealed) > 0 || !rec.Updated.IsZero() || !rec.Due.IsZero() {
					return fmt.Errorf("List(%+v): the damaged %s has version %s, state %q, due %v; want its id alone", q, name(rec.ID), short(rec.Version), rec.State, rec.Due)
				}
			case rec.Version.IsZero():
				return fmt.Errorf("List(%+v): %s has no version", q, name(rec.ID))
			}
			got = append(got, rec.ID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("List(%+v) beside damaged records: %d records %v, want %d", q, len(got), got, len(want))
	}
	return nil
}
