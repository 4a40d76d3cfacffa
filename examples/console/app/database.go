package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// settings of each connection. With synchronous=FULL an acknowledged change
// survives a power cut; the store of the second factor refuses less.
const settings = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

// connections is how many a crowd of browsers opens. SQLite has one writer at a
// time, so that more of them only wait inside it, with a file each.
const connections = 16

// Open opens the database file at path. It creates the file where there is
// none, readable by its owner only: it holds password hashes and sessions.
func Open(path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// A databaseFile is the file that an open database is in.
type databaseFile struct {
	path string
	info fs.FileInfo
}

func fileOf(ctx context.Context, db *sql.DB) (f databaseFile, err error) {
	if err = db.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&f.path); err == nil {
		f.info, err = os.Stat(f.path)
	}
	return f, err
}

// check refuses when the file was removed or replaced. SQLite does not notice: it
// goes on in a file without a name, and what it acknowledges is lost when the
// process ends, such as the fact that a code is used.
func (f databaseFile) check() error {
	info, err := os.Stat(f.path)
	if err == nil && !os.SameFile(info, f.info) {
		err = errors.New("another file is in its place")
	}
	if err != nil {
		return unavailable(fmt.Errorf("the database file was removed or replaced: %w; end the console, put the file back and start it again", err))
	}
	return nil
}

// withDatabase lets a request pass while the database is in its file.
func (f databaseFile) withDatabase(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f.check(); err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
