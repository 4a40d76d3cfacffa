package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

// region suite
func TestMemoryConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

// endregion

func TestZeroMemoryConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return new(store.Memory) })
}

// A page that is full and the last one says so: nobody asks for an empty one.
func TestMemoryEndsAFullPage(t *testing.T) {
	m := store.NewMemory()
	for _, user := range []string{"a", "b"} {
		id := store.AccountID{Tenant: "acme", User: user}
		require.NoError(t, store.Update(t.Context(), m, id, step))
	}
	for limit, more := range map[int]bool{1: true, 2: false, 3: false} {
		page, err := m.List(t.Context(), store.Query{Tenant: "acme", Limit: limit})
		require.NoError(t, err)
		require.Equal(t, more, page.Next != "", limit)
	}
}
