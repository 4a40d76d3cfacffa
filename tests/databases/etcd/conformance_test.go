package etcd_test

import (
	"context"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/store/storetest"
)

func TestConformance(t *testing.T) {
	client := dial(t, alone)
	storetest.Run(t, func(*testing.T) store.Store { return newDamaging(client) })
}

func TestConformanceOfCluster(t *testing.T) {
	client := dial(t, begin(t, 3, "unsafe-no-fsync")...)
	storetest.Run(t, func(*testing.T) store.Store { return newDamaging(client) })
}

// A damaging store can make a record unreadable.
type damaging struct {
	*etcdstore.Store
	client *clientv3.Client
	prefix string
}

func newDamaging(client *clientv3.Client) damaging {
	p := prefix()
	return damaging{etcdstore.New(client, p), client, p}
}

// Damage implements [storetest.Damager].
func (d damaging) Damage(ctx context.Context, id store.AccountID) error {
	_, err := d.client.Put(ctx, d.prefix+"account\x00"+id.Tenant+"\x00"+id.User, "damaged")
	return err
}
