package etcdstore_test

import (
	"context"
	"log"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store/etcdstore"
)

// A product connects to all members, and checks that they answer when it starts.
func Example() {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{"10.0.0.1:2379", "10.0.0.2:2379", "10.0.0.3:2379"},
		DialTimeout: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	accounts := etcdstore.New(client, "totpflow/")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := accounts.Check(ctx); err != nil {
		log.Fatal(err)
	}
	// totpflow.New(totpflow.Config{Store: accounts, …})
}
