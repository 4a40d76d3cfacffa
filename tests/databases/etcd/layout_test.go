package etcd_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
)

// The keys and values as etcd stores them, one per line, and the same read back: data of
// the first version must stay readable for ever.
func TestLayoutGolden(t *testing.T) { layoutGolden(t, begin) }

func layoutGolden(t *testing.T, begin starter) {
	client := dial(t, begin(t, 1, "unsafe-no-fsync")...)
	s := etcdstore.New(client, "")
	records := []store.Record{
		{ID: store.AccountID{User: "bob"}, Version: store.Version{1}, Updated: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), Sealed: []byte{}},
		{
			ID: store.AccountID{Tenant: "acme", User: "alice"}, State: "active", Sealed: []byte("sealed\x00\xff"),
			Version: store.Version{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255},
			Updated: time.Date(2026, 2, 28, 12, 0, 0, 123456000, time.UTC),
			Due:     time.Date(2026, 2, 28, 12, 2, 0, 123000000, time.UTC),
		},
	}
	for _, rec := range records {
		require.NoError(t, s.Put(t.Context(), rec, store.Version{}))
	}
	all, err := client.Get(t.Context(), "", clientv3.WithPrefix())
	require.NoError(t, err)
	var got strings.Builder
	for _, kv := range all.Kvs {
		require.Zero(t, kv.Lease)
		fmt.Fprintf(&got, "%+q %x\n", kv.Key, kv.Value)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.etcd"))
	require.NoError(t, err)
	require.Equal(t, string(golden), got.String())

	p := prefix()
	s = etcdstore.New(client, p)
	for line := range strings.Lines(string(golden)) {
		quoted, digits, found := strings.Cut(strings.TrimSuffix(line, "\n"), `" `)
		require.True(t, found)
		key, err := strconv.Unquote(quoted + `"`)
		require.NoError(t, err)
		value, err := hex.DecodeString(digits)
		require.NoError(t, err)
		_, err = client.Put(t.Context(), strings.Replace(key, "totpflow/", p, 1), string(value))
		require.NoError(t, err)
	}
	page, err := s.List(t.Context(), store.Query{AllTenants: true})
	require.NoError(t, err)
	require.Equal(t, records, page.Records)
	page, err = s.List(t.Context(), store.Query{AllTenants: true, DueBefore: records[1].Due.Add(time.Millisecond)})
	require.NoError(t, err)
	require.Equal(t, records[1:], page.Records)
	for _, rec := range records {
		back, err := s.Get(t.Context(), rec.ID)
		require.NoError(t, err)
		require.Equal(t, rec, back)
	}
}
