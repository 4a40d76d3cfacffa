package sqlite_test

import (
	"testing"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestConformance(t *testing.T) {
	for name, settings := range journals {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for the disk, not for each other
			storetest.Run(t, func(t *testing.T) store.Store {
				s, _ := open(t, file(t), settings)
				return s
			})
		})
	}
}
