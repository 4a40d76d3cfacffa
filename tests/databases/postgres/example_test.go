package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
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

// The driver understands the name that the package documentation shows.
func TestDocumentedName(t *testing.T) {
	const parameters = "target_session_attrs=read-write"
	doc, err := os.ReadFile("../../../store/sqlstore/doc.go")
	require.NoError(t, err)
	require.Contains(t, string(doc), "postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&"+parameters+"\n")
	config, err := pgx.ParseConfig("postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&" + parameters)
	require.NoError(t, err)
	require.Equal(t, "HOST", config.TLSConfig.ServerName)
	require.False(t, config.TLSConfig.InsecureSkipVerify)

	s, _ := open(t, database(t, parameters))
	require.NoError(t, race.Step(t.Context(), s))
}
