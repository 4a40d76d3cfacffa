package storetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

// Testing an adapter takes one line.
func ExampleRun() {
	open := func(*testing.T) store.Store { return store.NewMemory() }
	_ = func(t *testing.T) { storetest.Run(t, open) }
	// Output:
}

// A program may examine its configured store before it goes live.
func ExampleCheck() {
	failures := storetest.Check(context.Background(), func() (store.Store, error) { return store.NewMemory(), nil })
	fmt.Println(len(failures), "failures")
	// Output:
	// 0 failures
}
