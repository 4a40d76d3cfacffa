package etcd_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A whole life leaves nothing secret in the program's output, in the server's debug log
// (which has keys and no values), under any key, in a snapshot, in the database and in
// the write-ahead log: secrets that are planted there afterwards are all found.
func TestNothingSecretLeaks(t *testing.T) {
	own := begin(t, 1, "unsafe-no-fsync", "logger=zap", "log-outputs=stderr", "log-level=debug")[0]
	life, err := canary.Live(t.Context(), etcdstore.New(dial(t, own), ""))
	require.NoError(t, err)
	places := append(takeApart(t, own), life.Said())
	require.Empty(t, life.Find(places...))

	require.NoError(t, own.Start())
	require.NoError(t, life.Plant(t.Context(), etcdstore.New(dial(t, own), "")))
	leaks := life.Find(append(takeApart(t, own), life.Said())...)
	for _, place := range []string{"what the program said", "keys", "snapshot", "data/member/snap/db", "data/member/wal/"} {
		require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
	}
	require.Empty(t, canary.Missing(leaks, "log", canary.PlantedInIDs))
	t.Logf("etcd: %s looked for in %s: none", life, canary.Size(places))
}

// takeApart returns all keys and a snapshot, and kills the server to get its log and
// files.
func takeApart(t *testing.T, own servers.Etcd) []canary.Place {
	client := dial(t, own)
	keys := canary.Place{Name: "keys", Raw: true}
	all, err := client.Get(t.Context(), "", clientv3.WithPrefix())
	require.NoError(t, err)
	for _, kv := range all.Kvs {
		keys.Data = append(append(keys.Data, kv.Key...), kv.Value...)
	}
	stream, err := client.Snapshot(t.Context())
	require.NoError(t, err)
	snapshot, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	require.NoError(t, own.Kill())
	files, err := own.Files()
	require.NoError(t, err)
	return append(canary.Places(files, "log"), keys, canary.Place{Name: "snapshot", Data: snapshot, Raw: true})
}
