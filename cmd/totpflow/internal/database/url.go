package database

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/totpflow/totpflow/store/sqlstore"
)

// ErrURL means that the text is not the URL of a known database.
var ErrURL = errors.New("not the URL of a database such as sqlite:///srv/backup/console.db")

// A URL says where a database is. It may hold a password, and shows none
// however it is printed.
type URL struct {
	row    row
	reveal func() *url.URL
}

// ParseURL reads the URL of a database. The error wraps [ErrURL] and repeats
// nothing of the text: the parser of net/url quotes parts of passwords.
func ParseURL(text string) (URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme == "" {
		return URL{}, ErrURL
	}
	i := slices.IndexFunc(rows, func(r row) bool { return slices.Contains(r.schemes, u.Scheme) })
	if i < 0 {
		return URL{}, fmt.Errorf("%w; the first word may be %s", ErrURL, strings.Join(Schemes(), ", "))
	}
	return URL{row: rows[i], reveal: func() *url.URL { return u }}, nil
}

// String returns the URL without user, password and settings.
func (u URL) String() string {
	if u.reveal == nil {
		return ""
	}
	bare := *u.reveal()
	bare.User, bare.RawQuery, bare.Fragment = nil, "", ""
	return bare.String()
}

// HasPassword reports whether the URL holds a password, or settings that may be
// one.
func (u URL) HasPassword() bool {
	full := u.reveal()
	_, ok := full.User.Password()
	return ok || full.RawQuery != ""
}

// Dialect returns the SQL that the database speaks.
func (u URL) Dialect() sqlstore.Dialect { return u.row.dialect }

// DialectOf returns the dialect of databases whose URLs have this scheme.
func DialectOf(scheme string) (d sqlstore.Dialect, ok bool) {
	i := slices.IndexFunc(rows, func(r row) bool { return slices.Contains(r.schemes, scheme) })
	if i < 0 {
		return d, false
	}
	return rows[i].dialect, true
}

// Schemes returns the words that a URL may begin with.
func Schemes() []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.schemes...)
	}
	return all
}

// FileURL returns the URL of a SQLite file.
func FileURL(path string) (URL, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return URL{}, err
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/data/console.db
		path = "/" + path
	}
	return ParseURL((&url.URL{Scheme: "sqlite", Path: path}).String())
}
