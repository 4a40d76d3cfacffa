package mariadb_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
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
	const name = "USER:PASSWORD@tcp(HOST:3306)/DATABASE?tls=true&rejectReadOnly=true"
	doc, err := os.ReadFile("../../../store/sqlstore/doc.go")
	require.NoError(t, err)
	require.Contains(t, string(doc), name+"\n")
	config, err := mysql.ParseDSN(name)
	require.NoError(t, err)
	require.Equal(t, "HOST", config.TLS.ServerName)
	require.False(t, config.TLS.InsecureSkipVerify)
	require.True(t, config.RejectReadOnly)

	s, _ := open(t, database(t, "rejectReadOnly=true"))
	require.NoError(t, race.Step(t.Context(), s))
}
