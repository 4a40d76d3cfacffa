package mariadb_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "github.com/go-sql-driver/mysql"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A record in MySQL or MariaDB, from opening to reading it back.
func Example() {
	dsn := server.DSN("mysql") + "?rejectReadOnly=true" // user:password@tcp(host:3306)/database?rejectReadOnly=true
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := context.Background()
	accounts := sqlstore.New(db, sqlstore.MySQL)
	if err := accounts.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	id := store.ID{Tenant: "acme", User: "alice"}
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
