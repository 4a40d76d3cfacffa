package etcd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

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

// A list by due time reads entries, and then their records. A record that was moved in
// between is not shown under its old entry, not even if its new due time is selected too.
func TestMovedBetweenEntryAndRecord(t *testing.T) {
	client, p := dial(t, alone), prefix()
	writer := etcdstore.New(dial(t, alone), p)
	soon := func(n int64) time.Time { return time.UnixMilli(n).UTC() }
	next := map[string]time.Time{"earlier": soon(1), "later": soon(99), "never": {}, "not yet": soon(100)}
	was := make(map[string]store.Record)
	for i, user := range []string{"deleted", "earlier", "later", "never", "not yet", "stays"} {
		rec := store.Record{ID: store.AccountID{User: user}, Version: store.NewVersion(), Due: soon(10 + int64(i)), Updated: soon(0), Sealed: []byte("x")}
		require.NoError(t, writer.Put(t.Context(), rec, store.Version{}))
		was[user] = rec
	}
	client.KV = &movingKV{KV: client.KV, move: func() {
		require.NoError(t, writer.Delete(t.Context(), was["deleted"].ID, was["deleted"].Version))
		for user, due := range next {
			rec := was[user]
			rec.Version, rec.Due = store.NewVersion(), due
			require.NoError(t, writer.Put(t.Context(), rec, was[user].Version))
		}
	}}
	page, err := etcdstore.New(client, p).List(t.Context(), store.Query{AllTenants: true, DueBefore: soon(100)})
	require.NoError(t, err)
	require.Equal(t, []store.Record{was["stays"]}, page.Records)
}

// A movingKV calls move before its first transaction, which reads the records of a page.
type movingKV struct {
	clientv3.KV
	move func()
}

func (kv *movingKV) Txn(ctx context.Context) clientv3.Txn {
	if kv.move != nil {
		kv.move()
		kv.move = nil
	}
	return kv.KV.Txn(ctx)
}
