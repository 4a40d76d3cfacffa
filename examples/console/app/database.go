package app

import (
	"database/sql"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// settings of each connection. With synchronous=FULL an acknowledged change
// survives a power cut; the store of the second factor refuses less.
const settings = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

// connections is how many a crowd of browsers opens. SQLite has one writer at a
// time, so that more of them only wait inside it, with a file each. A product on a
// server stays below its max_connections with all processes together.
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
