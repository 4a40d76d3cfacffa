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

func Example_postgreSQL() {
	// import _ "github.com/jackc/pgx/v5/stdlib"
	const dsn = "postgres://app:secret@db.example:5432/app?sslmode=verify-full&target_session_attrs=read-write"
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	accounts := sqlstore.New(db, sqlstore.PostgreSQL)
	if err := accounts.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	// totpflow.New(totpflow.Config{Store: accounts, …})
}

func Example_mySQL() {
	// import _ "github.com/go-sql-driver/mysql"
	const dsn = "app:secret@tcp(db.example:3306)/app?tls=true&rejectReadOnly=true"
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	accounts := sqlstore.New(db, sqlstore.MySQL) // MariaDB as well
	if err := accounts.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	// totpflow.New(totpflow.Config{Store: accounts, …})
}
