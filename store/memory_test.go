package store_test

import (
	"testing"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestMemoryConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

func TestZeroMemoryConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return new(store.Memory) })
}
