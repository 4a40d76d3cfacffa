package sqlstore_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/totpflow/totpflow/store/sqlstore"
)

// A program opens the database with a driver of its choice, here
// modernc.org/sqlite, and migrates when it starts.
func Example() {
	// import _ "modernc.org/sqlite"
	const dsn = "file:totpflow.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	accounts := sqlstore.New(db, sqlstore.SQLite)
	if err := accounts.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	// totpflow.New(totpflow.Config{Store: accounts, …})
}
