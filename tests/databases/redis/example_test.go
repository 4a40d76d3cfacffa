package redis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
)

// A record in Redis, from setting up the database to reading it back.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: shared.Addr()})
	defer client.Close()

	ctx := context.Background()
	accounts := redisstore.New(client, redisstore.Options{})
	if err := accounts.Create(ctx); err != nil { // once, where the database is set up
		log.Fatal(err)
	}
	if err := accounts.Check(ctx); err != nil { // at every start
		log.Fatal(err)
	}
	id := store.AccountID{Tenant: "acme", User: "alice"}
	err := store.Update(ctx, accounts, id, func(store.Record, bool) (*store.Record, error) {
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
