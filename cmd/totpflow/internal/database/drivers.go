package database

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-sql-driver/mysql"   // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite", in pure Go

	"github.com/totpflow/totpflow/store/sqlstore"
)

// A row is one kind of database.
type row struct {
	schemes []string // the schemes of its URLs
	driver  string   // the name that is registered with database/sql
	dialect sqlstore.Dialect
	// source makes the driver's data source name. Its error repeats nothing of
	// the URL.
	source func(*url.URL) (string, error)
}

// rows are the databases that the command knows.
var rows = []row{
	{[]string{"sqlite"}, "sqlite", sqlstore.SQLite, sqliteSource},
	{[]string{"postgres", "postgresql"}, "pgx", sqlstore.PostgreSQL, postgresSource},
	{[]string{"mysql", "mariadb"}, "mysql", sqlstore.MySQL, mysqlSource},
}

// sqliteSettings are those of the package documentation of sqlstore: an acknowledged
// change survives a power cut. A missing file is not created.
const sqliteSettings = "mode=rw&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

func sqliteSource(u *url.URL) (string, error) {
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
		return "", errors.New("the URL of a file must have three slashes, as in sqlite:///srv/backup/console.db")
	case path == "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the URL of a file must have a path and nothing after it")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", errors.New("the file does not exist, or cannot be reached")
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a file")
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + sqliteSettings, nil
}

// postgresSource returns the URL, which the driver reads itself.
func postgresSource(u *url.URL) (string, error) {
	if u.Opaque != "" || u.Path == "" || u.Path == "/" {
		return "", errors.New("the URL must be like postgres://user:password@host:5432/database")
	}
	full := *u
	full.Scheme = "postgres"
	return full.String(), nil
}

// mysqlSource translates the URL, since the driver has its own form. The driver's
// parameters follow the "?".
func mysqlSource(u *url.URL) (string, error) {
	form := errors.New("the URL must be like mysql://user:password@host:3306/database, followed by parameters of go-sql-driver/mysql")
	name := strings.TrimPrefix(u.Path, "/")
	if u.Opaque != "" || u.Host == "" || name == "" {
		return "", form
	}
	c, err := mysql.ParseDSN("tcp(" + u.Host + ")/" + url.PathEscape(name) + "?" + u.RawQuery)
	if err != nil {
		return "", form
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	return c.FormatDSN(), nil
}
