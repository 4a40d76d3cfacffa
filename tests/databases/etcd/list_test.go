package etcd_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/paging"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Every record of a list comes once and in order, in memory that does not grow, for one
// tenant and for all.
func TestListToTheEnd(t *testing.T) {
	// The long form takes many minutes: for each page, etcd counts all the keys that
	// follow.
	n := race.Rounds(100_000, 1_000_000)
	client := dial(t, begin(t, 1, "unsafe-no-fsync", "max-txn-ops=5000")...)
	const batch = 5000
	for first := 1; first <= n; first += batch {
		var puts []clientv3.Op
		for i := range batch {
			puts = append(puts, put(first+i))
		}
		_, err := client.Txn(t.Context()).Then(puts...).Commit()
		require.NoError(t, err)
	}
	s := etcdstore.New(client, "")
	for _, q := range []store.Query{{Tenant: "acme"}, {AllTenants: true}} {
		seen, err := paging.Through(t.Context(), s, q, n)
		require.NoError(t, err)
		t.Logf("etcd: %v", seen)
	}
}

// put makes a record with the numbers of package paging, in the documented layout.
func put(n int) clientv3.Op {
	id := paging.ID(n)
	value := bytes.Repeat([]byte{1}, 16+1)    // version and format
	value = append(value, make([]byte, 8)...) // never due
	value = binary.BigEndian.AppendUint64(value, uint64(n))
	value = append(value, "\x06active"...)
	value = append(value, make([]byte, 100)...)
	return clientv3.OpPut("totpflow/account\x00"+id.Tenant+"\x00"+id.User, string(value))
}
