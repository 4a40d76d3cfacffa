package importfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// What is wrong with a file as a whole. Nothing of it is imported then.
var (
	ErrHeader = errors.New("the first line must name the columns: user and secret, and if wanted tenant, name, digits, period, algorithm")
	ErrText   = errors.New("the file is not text in UTF-8; save it as CSV UTF-8")
	ErrLong   = errors.New("the file is longer than 64 MiB; split it")
)

// maxFile bounds the memory that a file can take: an open quote makes the rest
// of it one cell.
const maxFile = 64 << 20

// A column is what a cell of the file means.
type column int

const (
	user column = iota
	tenant
	name
	secret
	digits
	period
	algorithm
)

// headings are the words for a column, in lower case, the first of them ours.
// The others are found in exports of other systems.
var headings = map[column][]string{
	user:      {"user", "user_id", "userid", "id", "username", "login"},
	tenant:    {"tenant", "tenant_id", "customer"},
	name:      {"name", "authenticator", "device"},
	secret:    {"secret", "secret-or-uri", "secret_or_uri", "uri", "url", "otpauth", "otpauth_uri", "otpauth_url"},
	digits:    {"digits", "otp_length"},
	period:    {"period", "period_seconds", "step", "interval"},
	algorithm: {"algorithm", "algo", "hash"},
}

// Read returns the rows of a table. A row that cannot be used has an error and
// ends nothing. The error of a file that cannot be used as a whole is
// [ErrHeader], [ErrText] or [ErrLong], or that of r.
//
// Columns have the headings that the package comment names, in upper or lower
// case. Also understood are user_id, userid, id, username, login; tenant_id,
// customer; authenticator, device; uri, url, otpauth, otpauth_uri, otpauth_url,
// secret-or-uri; otp_length; period_seconds, step, interval; algo, hash. Other
// columns are refused: one may be a setting that makes another key.
func Read(r io.Reader) (iter.Seq[Row], error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, ErrLong
	case !utf8.Valid(text):
		return nil, ErrText
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // Excel's
	table := csv.NewReader(bufio.NewReader(bytes.NewReader(text)))
	table.Comma = separator(text)
	table.ReuseRecord = true
	first, err := table.Read()
	if err != nil {
		return nil, ErrHeader // not with the parser's words, which may hold a cell
	}
	columns, err := parseHeader(first)
	if err != nil {
		return nil, err
	}
	return func(yield func(Row) bool) { rows(table, columns, yield) }, nil
}

// rows reads until the end, and refuses accounts that come twice: the second
// secret would not be imported over the first, and nobody knows which is right.
func rows(table *csv.Reader, columns []column, yield func(Row) bool) {
	seen := make(map[store.AccountID]bool)
	for {
		record, err := table.Read()
		if err == io.EOF {
			return
		}
		row := Row{}
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			row.Line, row.Err = parse.StartLine, parse.Err
		case err != nil:
			row.Err = err
		default:
			line, _ := table.FieldPos(0)
			row = parseRow(record, columns)
			row.Line = line
			if row.Err == nil && seen[row.ID] {
				row.Err, row.Key = ErrTwice, totp.Key{}
			}
			seen[row.ID] = seen[row.ID] || row.Err == nil
		}
		if !yield(row) {
			return
		}
	}
}

func parseRow(record []string, columns []column) Row {
	c := make(cells, len(columns))
	for i, text := range record {
		c[columns[i]] = text
	}
	for _, col := range []column{digits, period, algorithm} {
		c[col] = strings.TrimSpace(c[col])
	}
	return c.row()
}

// parseHeader returns which column each cell of the first line names. Its words
// are not repeated: without a line of headings they are somebody's secret.
func parseHeader(first []string) ([]column, error) {
	columns := make([]column, len(first))
	for i, cell := range first {
		word := strings.ToLower(strings.TrimSpace(cell))
		found := false
		for col, words := range headings {
			if slices.Contains(words, word) {
				columns[i], found = col, true
			}
		}
		switch {
		case !found:
			return nil, fmt.Errorf("%w; heading %d is none of them", ErrHeader, i+1)
		case slices.Contains(columns[:i], columns[i]):
			return nil, fmt.Errorf("%w; heading %d names a column for the second time", ErrHeader, i+1)
		}
	}
	if !slices.Contains(columns, user) || !slices.Contains(columns, secret) {
		return nil, ErrHeader
	}
	return columns, nil
}

// separator is what stands between the headings, none of which contains any of
// the three.
func separator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for _, r := range ";\t" {
		if bytes.ContainsRune(line, r) {
			return r
		}
	}
	return ','
}
