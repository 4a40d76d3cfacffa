package store_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/totpflow/totpflow/store"
)

// A voucher that can be used once, stored like the code of a second factor: the answer
// "accepted" exists only after the store has acknowledged that it is used.
func Example() {
	ctx := context.Background()
	vouchers := store.NewMemory() // sqlstore.New(db, sqlstore.SQLite) in production
	errUsed := errors.New("already used")

	redeem := func(customer string) error {
		id := store.AccountID{Tenant: "acme", User: customer}
		return store.Update(ctx, vouchers, id, func(was store.Record, found bool) (*store.Record, error) {
			if found && was.State == "used" {
				return nil, errUsed
			}
			return &store.Record{State: "used"}, nil
		})
	}
	fmt.Println(redeem("alice"))
	fmt.Println(redeem("alice"))
	fmt.Println(redeem("bob"))
	// Output:
	// <nil>
	// already used
	// <nil>
}

// Only an empty Next ends a list.
func ExampleStore_list() {
	ctx := context.Background()
	var s store.Store = store.NewMemory()
	for _, user := range []string{"carol", "alice", "bob"} {
		rec := store.Record{ID: store.AccountID{Tenant: "acme", User: user}, Version: store.NewVersion(), State: "active"}
		if err := s.Put(ctx, rec, store.Version{}); err != nil {
			fmt.Println(err)
		}
	}
	q := store.Query{Tenant: "acme", State: "active", Limit: 2}
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, rec := range page.Records {
			fmt.Println(rec.ID.User)
		}
		if page.Next == "" {
			return
		}
		q.Cursor = page.Next
	}
	// Output:
	// alice
	// bob
	// carol
}
