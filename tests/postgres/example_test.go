package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A record in PostgreSQL, from opening to reading it back.
func Example() {
	dsn := server.DSN("postgres") // postgres://user:password@host:5432/database
	db, err := sql.Open("pgx", dsn+"&target_session_attrs=read-write")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := context.Background()
	accounts := sqlstore.New(db, sqlstore.PostgreSQL)
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
