package sqlite_test

import (
	"testing"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/engine"
)

func TestConformance(t *testing.T) {
	run := func(name string, d driver, settings string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for the disk, not for each other
			storetest.Run(t, func(t *testing.T) store.Store {
				s, db := d.open(t, file(t), settings)
				return engine.Damaging{Store: s, DB: db}
			})
		})
	}
	for name, settings := range journals {
		run(name, modernc, settings)
	}
	run("cgo", mattn, wal)
}
