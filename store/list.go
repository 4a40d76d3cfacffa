package store

import (
	"errors"
	"fmt"
	"time"
)

// Errors about a [Query].
var (
	ErrQuery  = errors.New("store: invalid query")
	ErrCursor = errors.New("store: invalid cursor")
)

// Limits of one page.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// A Query selects records. The zero Query is the first hundred records of the
// empty tenant.
type Query struct {
	Tenant     string // records of this tenant only, "" included
	AllTenants bool   // records of every tenant; Tenant must then be empty
	State      string // records in this state only; "" any
	Cursor     string // Page.Next of the same query; "" begins
	Limit      int    // records per page: 0 is DefaultLimit, more than MaxLimit is MaxLimit
	Heads      bool   // records without Sealed, which is then empty: for counts and filters

	// DueBefore selects the records that have a due time before this one, which is
	// taken to the millisecond, and orders them by due time, then id. The zero time does
	// not select. DueBefore requires AllTenants and no State.
	DueBefore time.Time
}

// A Page is a part of the answer to a [Query].
type Page struct {
	Records []Record
	// Next is the Cursor of the next page, empty at the end. Only an empty Next ends a
	// list: earlier pages may be short, or even empty.
	Next string
}

// Start resolves a query for an implementation of [Store.List]: it returns the place
// after which the page begins and the number of records wanted, 1 to [MaxLimit].
//
// It refuses with [ErrQuery] a negative limit, a tenant given together with
// AllTenants (a wrong guess at which was meant could include other people's customers), a
// tenant or state that no record can have, and DueBefore for anything but all records;
// with [ErrCursor] a cursor that no page returned, or that belongs to a query of another
// tenant or in another order.
func (q Query) Start() (after Place, limit int, err error) {
	if err := q.validate(); err != nil {
		return Place{}, 0, err
	}
	if q.Cursor != "" {
		if after, err = ParseCursor(q.Cursor); err != nil {
			return Place{}, 0, err
		}
		switch {
		case !q.AllTenants && after.ID.Tenant != q.Tenant:
			return Place{}, 0, fmt.Errorf("%w: of another tenant", ErrCursor)
		case q.DueBefore.IsZero() != after.Due.IsZero(), !q.DueBefore.IsZero() && !after.Due.Before(milli(q.DueBefore)):
			return Place{}, 0, fmt.Errorf("%w: of another query", ErrCursor)
		}
	}
	limit = min(q.Limit, MaxLimit)
	if limit == 0 {
		limit = DefaultLimit
	}
	return after, limit, nil
}

func (q Query) validate() error {
	switch {
	case q.Limit < 0:
		return fmt.Errorf("%w: negative limit", ErrQuery)
	case q.AllTenants && q.Tenant != "":
		return fmt.Errorf("%w: one tenant and all tenants", ErrQuery)
	case !q.DueBefore.IsZero() && (!q.AllTenants || q.State != ""):
		// One index then serves every list by due time, in every database.
		return fmt.Errorf("%w: a due time together with a tenant or a state", ErrQuery)
	case !validTime(q.DueBefore):
		return fmt.Errorf("%w: year out of range", ErrQuery)
	}
	if err := validText("tenant", q.Tenant, MaxID); err != nil {
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if err := validText("state", q.State, MaxState); err != nil {
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return nil
}

// Selects reports whether the query selects rec, wherever its page begins.
func (q Query) Selects(rec Record) bool {
	return (q.AllTenants || rec.ID.Tenant == q.Tenant) &&
		(q.State == "" || rec.State == q.State) &&
		(q.DueBefore.IsZero() || !milli(rec.Due).IsZero() && milli(rec.Due).Before(milli(q.DueBefore)))
}

// Place returns the position of rec in the query's order. The page's Next is the cursor of
// the last place that the page covers, mostly that of its last record.
func (q Query) Place(rec Record) Place {
	if q.DueBefore.IsZero() {
		return Place{ID: rec.ID}
	}
	return Place{ID: rec.ID, Due: milli(rec.Due)}
}

// milli returns t with the precision of Record.Due.
func milli(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
