package store

import (
	"encoding/base64"
	"errors"
	"fmt"
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
}

// A Page is a part of the answer to a [Query].
type Page struct {
	Records []Record
	// Next is the Cursor of the page that follows and empty at the end. Only
	// that ends a list: a page may be short, or even empty, before it.
	Next string
}

// Start resolves a query for an implementation of [Store.List]: the id after
// which the page begins (the zero ID at the start, which sorts before every
// valid one) and the number of records wanted, 1 to [MaxLimit].
//
// It refuses with [ErrQuery] a negative limit, a tenant given together with
// AllTenants (to guess which was meant could widen the list to other people's
// customers) and a tenant or state that no record can have; with [ErrCursor] a
// cursor that no page returned or that belongs to another tenant.
func (q Query) Start() (after AccountID, limit int, err error) {
	switch {
	case q.Limit < 0:
		return AccountID{}, 0, fmt.Errorf("%w: negative limit", ErrQuery)
	case q.AllTenants && q.Tenant != "":
		return AccountID{}, 0, fmt.Errorf("%w: one tenant and all tenants", ErrQuery)
	}
	if err := validText("tenant", q.Tenant, MaxID); err != nil {
		return AccountID{}, 0, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if err := validText("state", q.State, MaxState); err != nil {
		return AccountID{}, 0, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if q.Cursor != "" {
		if after, err = ParseCursor(q.Cursor); err != nil {
			return AccountID{}, 0, err
		}
		if !q.AllTenants && after.Tenant != q.Tenant {
			return AccountID{}, 0, fmt.Errorf("%w: of another tenant", ErrCursor)
		}
	}
	limit = min(q.Limit, MaxLimit)
	if limit == 0 {
		limit = DefaultLimit
	}
	return after, limit, nil
}

// Cursor returns the cursor of the page that begins after id. It names a place
// in the order and not a count of records, so records that come and go before
// it neither repeat nor skip others.
func Cursor(id AccountID) string {
	b := make([]byte, 0, 1+len(id.Tenant)+len(id.User))
	b = append(b, byte(len(id.Tenant))) // a length, as no separator is safe in an id; MaxID fits a byte
	b = append(b, id.Tenant...)
	b = append(b, id.User...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor returns the id in a cursor made by [Cursor], and [ErrCursor] for
// anything else. A cursor comes back from a browser: it is hostile input, and
// not a permission.
func ParseCursor(s string) (AccountID, error) {
	if len(s) > base64.RawURLEncoding.EncodedLen(1+2*MaxID) {
		return AccountID{}, fmt.Errorf("%w: too long", ErrCursor)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return AccountID{}, fmt.Errorf("%w: not base64url", ErrCursor)
	}
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return AccountID{}, fmt.Errorf("%w: too short", ErrCursor)
	}
	end := 1 + int(b[0])
	id := AccountID{Tenant: string(b[1:end]), User: string(b[end:])}
	// The decoder skips line ends; only the spelling that Cursor makes counts.
	if id.Validate() != nil || Cursor(id) != s {
		return AccountID{}, fmt.Errorf("%w: not made by a list", ErrCursor)
	}
	return id, nil
}
