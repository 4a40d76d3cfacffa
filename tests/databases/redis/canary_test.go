package redis_test

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// A whole life leaves nothing secret in the program's output, in MONITOR's list of all
// commands, in a DUMP of every key, in the snapshot and in the append-only file: secrets
// that are planted there afterwards are all found.
func TestNothingSecretLeaks(t *testing.T) {
	own := begin(t, "rdbcompression no", "loglevel debug") // compressed data could not be searched
	commands := monitor(t, own)
	s, _ := open(t, own, redisstore.Options{})
	life, err := canary.Live(t.Context(), s)
	require.NoError(t, err)
	places := append(takeApart(t, own), life.Said(), commands())
	require.Empty(t, life.Find(places...))

	require.NoError(t, own.Start())
	commands = monitor(t, own)
	s = redisstore.New(dial(t, own), redisstore.Options{})
	require.NoError(t, s.Release(t.Context())) // the server has restarted
	require.NoError(t, life.Plant(t.Context(), s))
	leaks := life.Find(append(takeApart(t, own), life.Said(), commands())...)
	for _, place := range []string{"what the program said", "MONITOR", "DUMP", "dump.rdb", "appendonlydir/"} {
		require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
	}
	t.Logf("Redis: %s looked for in %s: none", life, canary.Size(places))
}

// takeApart returns a DUMP, and kills the server to get its log and files.
func takeApart(t *testing.T, own servers.Redis) []canary.Place {
	client := dial(t, own)
	dump := canary.Place{Name: "DUMP", Raw: true}
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		value, err := client.Dump(t.Context(), key).Result()
		require.NoError(t, err)
		dump.Data = append(append(dump.Data, key...), value...)
	}
	require.NoError(t, client.Save(t.Context()).Err())
	require.NoError(t, own.Kill())
	files, err := own.Files()
	require.NoError(t, err)
	return append(canary.Places(files, "log"), dump)
}

// stamp is what MONITOR puts in front of a command: its digits are not ours.
var stamp = regexp.MustCompile(`(?m)^\+\d+\.\d+ \[[^\]]*\]`)

// monitor listens until the server ends.
func monitor(t *testing.T, own servers.Redis) (commands func() canary.Place) {
	conn, err := net.Dial("tcp", own.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "MONITOR\r\n")
	require.NoError(t, err)
	listens := make([]byte, len("+OK\r\n"))
	_, err = io.ReadFull(conn, listens)
	require.NoError(t, err)
	var heard bytes.Buffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(&heard, conn) // ends when the server is killed
	}()
	return func() canary.Place {
		<-ended
		return canary.Place{Name: "MONITOR", Data: stamp.ReplaceAll(heard.Bytes(), nil)}
	}
}
