package etcd_test

import (
	"context"
	"fmt"
	"log"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
)

// A record in etcd, from connecting to reading it back.
func Example() {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{alone.Addr()}, DialTimeout: 5 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	accounts := etcdstore.New(client, "totpflow/")
	if err := accounts.Check(ctx); err != nil {
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
