package importfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The errors for a wrong first line. Nothing of the file is imported then.
var (
	ErrHeader  = errors.New("the first line must name the columns: user and secret, and optionally tenant, name, digits, period, algorithm, type")
	ErrHeading = errors.New("not known")
)

// A column is the meaning of a cell of the file.
type column int

const (
	ignored column = iota
	user
	tenant
	name
	secret
	digits
	period
	algorithm
	kind
	counter
)

// headings are the words for a column, in lower case and with spaces for "_" and
// "-", the first of them ours. The others are found in exports of other systems.
var headings = map[column][]string{
	user:      {"user", "user id", "userid", "id", "username", "user name", "login", "email", "e mail", "account", "upn"},
	tenant:    {"tenant", "tenant id", "customer"},
	name:      {"name", "authenticator", "device"},
	secret:    {"secret", "secret or uri", "uri", "url", "otpauth", "otpauth uri", "otpauth url", "key", "secret key"},
	digits:    {"digits", "otp length"},
	period:    {"period", "period seconds", "step", "interval", "time interval"},
	algorithm: {"algorithm", "algo", "hash"},
	kind:      {"type"},
	counter:   {"counter"},
	// Columns that name the maker of a token, or are for people, change no key.
	ignored: {"", "issuer", "manufacturer", "model", "serial", "serial number", "note", "notes", "comment", "comments", "icon", "image",
		"color", "group", "folder", "tags", "favorite", "created", "updated"},
}

const knownHeadings = "user, tenant, name, secret, digits, period, algorithm, type"

// columnOf returns which column a word names.
func columnOf(word string) (column, bool) {
	word = strings.Join(strings.Fields(strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(word))), " ")
	for col, words := range headings {
		if slices.Contains(words, word) {
			return col, true
		}
	}
	return ignored, false
}

// parseHeader returns which column each cell of the first line names, for a table
// that must have those that are needed.
func parseHeader(first []string, needed ...column) ([]column, error) {
	columns := make([]column, len(first))
	unknown, named := -1, false
	for i, cell := range first {
		var found bool
		switch columns[i], found = columnOf(cell); {
		case !found && unknown < 0:
			unknown = i
		case columns[i] != ignored:
			named = true
			if j := slices.Index(columns[:i], columns[i]); j >= 0 {
				return nil, fmt.Errorf("%w; headings %d and %d name the same column (%s): remove one of them", ErrHeader, j+1, i+1, headings[columns[i]][0])
			}
		}
	}
	switch {
	case unknown >= 0 && named:
		return nil, fmt.Errorf("heading %d%s is %w: known headings are %s; remove the column if it does not affect codes",
			unknown+1, quotable(first[unknown]), ErrHeading, knownHeadings)
	case unknown >= 0:
		return nil, fmt.Errorf("%w%s", ErrHeader, looks(first))
	}
	for _, col := range needed {
		if !slices.Contains(columns, col) {
			return nil, fmt.Errorf("%w; %s is missing", ErrHeader, headings[col][0])
		}
	}
	return columns, nil
}

// looks describes what a first line without headings looks like.
func looks(first []string) string {
	for i, cell := range first {
		if f := formOf(cell); f != "" {
			return fmt.Sprintf("; cell %d looks like %s", i+1, f)
		}
	}
	return ""
}

var heading = regexp.MustCompile(`^[a-zA-Z]{1,15}([ _-][a-zA-Z]{1,15}){0,2}$`)

// quotable repeats a heading that is not known, if it can be nothing but a heading: in a
// file without a line of headings it may be somebody's secret.
func quotable(cell string) string {
	cell = strings.TrimSpace(cell)
	if !heading.MatchString(cell) || formOf(cell) != "" {
		return ""
	}
	return " (`" + cell + "`)"
}
