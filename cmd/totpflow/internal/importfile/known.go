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
	k := &Known{ids: make(map[store.AccountID]bool), tenants: make(map[string]bool)}
	err := readList(r, ErrKnown, func(_ int, c cells) error {
		id := store.AccountID{Tenant: c[tenant], User: c[user]}
		k.ids[id], k.tenants[id.Tenant] = true, true
		return nil
	}, user)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// readList calls each for every line of a list of the product's accounts: CSV with the
// columns that are needed. Other columns do not count, but one of secrets is refused. The
// error is the given one, and never repeats a cell, or it is the error of each.
func readList(r io.Reader, bad error, each func(line int, c cells) error, needed ...column) error {
	table, err := open(r)
	if err != nil {
		return err
	}
	first, err := table.Read()
	if err != nil {
		return bad
	}
	var columns []column
	for _, cell := range first {
		col, _ := columnOf(cell)
		if (col == tenant || slices.Contains(needed, col)) && slices.Contains(columns, col) {
			return fmt.Errorf("%w; two headings name the %s: remove one of them", bad, headings[col][0])
		}
		columns = append(columns, col)
	}
	if slices.Contains(columns, secret) {
		return fmt.Errorf("%w; this one has a column of secrets: use the product's own list", bad)
	}
	for _, col := range needed {
		if !slices.Contains(columns, col) {
			return bad
		}
	}
	for {
		record, err := table.Read()
		if err == io.EOF {
			return nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return fmt.Errorf("%w; line %d is not CSV", bad, parse.StartLine) // without the parser's words
		}
		if err != nil {
			return err
		}
		line, _ := table.FieldPos(0)
		if err := each(line, cellsOf(record, columns)); err != nil {
			return err
		}
	}
}

// has reports whether an id is in the list, which is nil where there is none.
func (k *Known) has(id store.AccountID) bool { return k != nil && k.ids[id] }

func (k *Known) hasTenant(tenant string) bool { return k != nil && k.tenants[tenant] }
