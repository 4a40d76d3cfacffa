package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A record in a SQLite file, from opening to reading it back.
func Example() {
	dir, err := os.MkdirTemp("", "totpflow")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	dsn := "file:" + filepath.Join(dir, "totpflow.db") +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := context.Background()
	accounts := sqlstore.New(db, sqlstore.SQLite)
	if err := accounts.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	id := store.AccountID{Tenant: "acme", User: "alice"}
	err = store.Update(ctx, accounts, id, func(store.Record, bool) (*store.Record, error) {
		return &store.Record{State: "active", Sealed: []byte("opaque")}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	rec, err := accounts.Get(ctx, id)
	fmt.Println(rec.State, string(rec.Sealed), err)
	// Output:
	// active opaque <nil>
}
