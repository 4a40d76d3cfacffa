package importfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/totpflow/totpflow/store"
)

// ErrKnown means that a list of ids is not one.
var ErrKnown = errors.New("a list of ids must be CSV whose first line names the column user and, if there are several customers, tenant")

// Known has the ids of a product's accounts. Nil means that they are not known: every id
// may be one.
type Known struct {
	ids     map[store.AccountID]bool
	tenants map[string]bool
}

// ReadKnown reads a list of ids: CSV with the columns user and tenant of [Read], of
// which tenant may be missing. Other columns do not count, but a secret is refused:
// the table that is imported vouches for nothing. The errors are [ErrKnown],
// [ErrText], [ErrLong], and that of r.
func ReadKnown(r io.Reader) (*Known, error) {
	table, err := open(r)
	if err != nil {
		return nil, err
	}
	first, err := table.Read()
	if err != nil {
		return nil, ErrKnown
	}
	var columns []column
	for _, cell := range first {
		col, _ := columnOf(cell)
		if (col == user || col == tenant) && slices.Contains(columns, col) {
			return nil, fmt.Errorf("%w; two headings name the %s: remove one of them", ErrKnown, headings[col][0])
		}
		columns = append(columns, col)
	}
	switch {
	case slices.Contains(columns, secret):
		return nil, fmt.Errorf("%w; this one has a column of secrets: use the product's own list", ErrKnown)
	case !slices.Contains(columns, user):
		return nil, ErrKnown
	}
	k := &Known{ids: make(map[store.AccountID]bool), tenants: make(map[string]bool)}
	for {
		record, err := table.Read()
		if err == io.EOF {
			return k, nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return nil, fmt.Errorf("%w; line %d is not CSV", ErrKnown, parse.StartLine) // without the parser's words
		}
		if err != nil {
			return nil, err
		}
		c := cellsOf(record, columns)
		id := store.AccountID{Tenant: c[tenant], User: c[user]}
		k.ids[id], k.tenants[id.Tenant] = true, true
	}
}

// has reports whether an id is in the list, which is nil where there is none.
func (k *Known) has(id store.AccountID) bool { return k != nil && k.ids[id] }

func (k *Known) hasTenant(tenant string) bool { return k != nil && k.tenants[tenant] }
