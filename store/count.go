package store

import (
	"context"
	"errors"
	"fmt"
)

// A Counter is a [Store] with a method for counting, because its database can count
// faster than by reading a list.
type Counter interface {
	// Count returns the result of [Count], for a query that selects only a tenant or all
	// of them.
	Count(ctx context.Context, q Query) (map[string]int, error)
}

// Count returns how many records of q.Tenant, or of all tenants, are in each
// state. A state without records is not in the map. Limit and Heads have no
// meaning here; a state, a due time or a cursor is refused with [ErrQuery].
//
// The counts are for display. They are not a snapshot, and a state word is not proof of a
// record's content. Every record that can be read counts: a caller that keeps records
// which are not people's accounts gives them separate states, and adds up the states that
// it knows. A damaged record is not counted, or is counted in the state of its
// index entry.
//
// A [Counter] is asked for the counts. For any other store Count reads the heads of all
// records, a page at a time. An error of the store is wrapped in [ErrUnavailable].
func Count(ctx context.Context, s Store, q Query) (map[string]int, error) {
	if q.State != "" || q.Cursor != "" || !q.DueBefore.IsZero() {
		return nil, fmt.Errorf("%w: a count is for one tenant or for all", ErrQuery)
	}
	if err := q.validate(); err != nil {
		return nil, err
	}
	counts, err := count(ctx, s, Query{Tenant: q.Tenant, AllTenants: q.AllTenants})
	if err != nil {
		return nil, unavailable(ctx, "count", err)
	}
	return counts, nil
}

func count(ctx context.Context, s Store, q Query) (map[string]int, error) {
	if c, ok := s.(Counter); ok {
		return c.Count(ctx, q)
	}
	q.Heads, q.Limit = true, MaxLimit
	counts := make(map[string]int)
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			if !rec.Version.IsZero() { // a damaged record has no state, not the empty one
				counts[rec.State]++
			}
		}
		switch page.Next {
		case "":
			return counts, nil
		case q.Cursor: // a store that goes round in circles would be counted for ever
			return nil, errors.New("store: a list does not advance")
		}
		q.Cursor = page.Next
	}
}
