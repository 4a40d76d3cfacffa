package redisstore_test

import (
	"context"
	"errors"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/totpflow/totpflow/store/redisstore"
)

// A product checks the server when it starts. Create is for the person or program that
// sets up the database, once, such as a deployment script.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer client.Close()
	accounts := redisstore.New(client, redisstore.Options{})
	if err := accounts.Check(context.Background()); err != nil {
		log.Fatal(err)
	}
	// totpflow.New(totpflow.Config{Store: accounts, …})
}

// Servers that Sentinel watches: the client finds the primary. A majority of the primary
// and its two replicas has every code that was accepted.
func ExampleOptions_sentinel() {
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    "totpflow",
		SentinelAddrs: []string{"10.0.0.1:26379", "10.0.0.2:26379", "10.0.0.3:26379"},
	})
	defer client.Close()
	accounts := redisstore.New(client, redisstore.Options{Replicas: 1})
	if err := accounts.Check(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// An operator's command, for use after a planned restart.
func ExampleStore_Release() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer client.Close()
	accounts := redisstore.New(client, redisstore.Options{})
	err := accounts.Release(context.Background())
	if errors.Is(err, redisstore.ErrNotCreated) {
		log.Fatal("the database is empty: do not release, restore it")
	}
}
