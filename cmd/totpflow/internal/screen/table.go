package screen

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A Table prints rows in columns as wide as their content.
type Table struct{ w *tabwriter.Writer }

// NewTable begins a table with a line of headings; without headings there is no
// such line.
func NewTable(out io.Writer, headings ...string) *Table {
	t := &Table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	if len(headings) > 0 {
		t.Row(headings...)
	}
	return t
}

// Row adds a row. The cells are cleaned.
func (t *Table) Row(cells ...string) {
	for i, c := range cells {
		cells[i] = Clean(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// End prints the rows that are not printed yet.
func (t *Table) End() error { return t.w.Flush() }
