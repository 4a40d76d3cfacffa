package importfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Further errors of a file as a whole. Nothing of it is imported then.
var (
	ErrText    = errors.New("the file is not text in UTF-8; save it as CSV UTF-8")
	ErrLong    = errors.New("the file is longer than 64 MiB; split it")
	ErrSecrets = errors.New("a column looks like secrets")
)

// maxFile bounds the memory that a file can take: an open quote makes the rest
// of it one cell.
const maxFile = 64 << 20

// Read returns the rows of a table. A row that cannot be used has an error, and the
// others are read nevertheless. The error of a file that cannot be used as a whole is
// [ErrHeader], [ErrHeading], [ErrText], [ErrLong] or [ErrSecrets], or that of r.
//
// Where known is not nil, accounts that it does not list are refused, and those that
// it lists may look like secrets.
func Read(r io.Reader, known *Known) ([]Row, error) {
	table, err := open(r)
	if err != nil {
		return nil, err
	}
	first, err := table.Read()
	if err != nil {
		return nil, ErrHeader // not with the parser's words, which may hold a cell
	}
	columns, err := parseHeader(first, user, secret)
	if err != nil {
		return nil, err
	}
	rows, err := readRows(table, columns, known)
	if err != nil {
		return nil, err
	}
	settle(rows)
	return rows, nil
}

// open returns the lines of a table, the first of which has the headings.
func open(r io.Reader) (*csv.Reader, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, ErrLong
	case !utf8.Valid(text):
		return nil, ErrText
	}
	text, comma := separator(bytes.TrimPrefix(text, []byte("\ufeff"))) // Excel's
	table := csv.NewReader(bytes.NewReader(text))
	table.Comma = comma
	table.FieldsPerRecord = -1
	return table, nil
}

func readRows(table *csv.Reader, columns []column, known *Known) ([]Row, error) {
	var rows []Row
	users, tenants := doubt{}, doubt{}
	for {
		record, err := table.Read()
		if err == io.EOF {
			break
		}
		row := Row{}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			row.Line, row.Err = parse.StartLine, parse.Err
		case err != nil:
			return nil, err
		default:
			line, _ := table.FieldPos(0)
			row = parseRow(record, columns, known)
			row.Line = line
			c := cellsOf(record, columns)
			users.count(c[user], c.formOfUser(known))
			tenants.count(c[tenant], c.formOfTenant(known))
		}
		rows = append(rows, row)
	}
	for _, col := range []struct {
		name  string
		doubt doubt
	}{{"user", users}, {"tenant", tenants}} {
		if col.doubt.reasonable() {
			return nil, fmt.Errorf("%w: the %s column, in %d of %d lines (like %s). Are two headings exchanged? If these are ids, --known lists them",
				ErrSecrets, col.name, col.doubt.like, col.doubt.all, col.doubt.form)
		}
	}
	return rows, nil
}

// A doubt is how much of a column looks like secrets.
type doubt struct {
	all, like int
	form      string // the form of the first one
}

func (d *doubt) count(cell, form string) {
	if strings.TrimSpace(cell) != "" {
		d.all++
	}
	if form != "" {
		if d.like++; d.form == "" {
			d.form = form
		}
	}
}

// reasonable reports whether half of the column or more looks like secrets. The other
// half may be secrets that look like nothing known.
func (d doubt) reasonable() bool { return d.like > 0 && 2*d.like >= d.all }

var sep = regexp.MustCompile(`^"?[sS][eE][pP]=([,;\t|])"?\r?(\n|$)`)

// separator returns the character between the cells, and the text without the line in
// which Excel names it. The lines keep their numbers.
func separator(text []byte) ([]byte, rune) {
	if m := sep.FindSubmatch(text); m != nil {
		return append([]byte("\n"), text[len(m[0]):]...), rune(m[1][0])
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for _, r := range ";\t" {
		if bytes.ContainsRune(line, r) {
			return text, r
		}
	}
	return text, ','
}
