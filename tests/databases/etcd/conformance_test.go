package etcd_test

import (
	"testing"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestConformance(t *testing.T) {
	client := dial(t, alone)
	storetest.Run(t, func(*testing.T) store.Store { return etcdstore.New(client, prefix()) })
}

func TestConformanceOfCluster(t *testing.T) {
	client := dial(t, begin(t, 3, "unsafe-no-fsync")...)
	storetest.Run(t, func(*testing.T) store.Store { return etcdstore.New(client, prefix()) })
}
