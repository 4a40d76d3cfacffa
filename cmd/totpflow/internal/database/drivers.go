package database

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go

	"github.com/totpflow/totpflow/store/sqlstore"
)

// A row is one kind of database.
type row struct {
	schemes []string // of its URLs
	driver  string   // as it is registered with database/sql
	dialect sqlstore.Dialect
	// source makes the driver's data source name. What is opened for looking
	// only must refuse every change.
	source func(u *url.URL, lookOnly bool) (string, error)
}

// rows are the databases that the command knows.
var rows = []row{
	{[]string{"sqlite"}, "sqlite", sqlstore.SQLite, sqliteSource},
}

// sqliteSettings are those of the package documentation of sqlstore: an
// acknowledged change survives a power cut. A file that is not there is not made.
const sqliteSettings = "mode=rw&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

func sqliteSource(u *url.URL, lookOnly bool) (string, error) {
	path := u.Opaque // sqlite:console.db
	if path == "" {
		path = u.Path
	}
	if unescaped, err := url.PathUnescape(u.Opaque); u.Opaque != "" && err == nil {
		path = unescaped
	}
	if runtime.GOOS == "windows" { // sqlite:///C:/data/console.db
		path = strings.TrimPrefix(path, "/")
	}
	switch {
	case u.Host != "" || u.User != nil:
		return "", errors.New("the URL of a file has three slashes, sqlite:///srv/backup/console.db")
	case path == "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the URL of a file has a path and nothing after it")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", errors.New("there is no such file, or it cannot be reached")
	case !info.Mode().IsRegular():
		return "", errors.New("that is no file")
	}
	source := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + sqliteSettings
	if lookOnly {
		source += "&_pragma=query_only(1)"
	}
	return source, nil
}
