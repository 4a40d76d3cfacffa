package etcd_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/notify"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/rigs/service"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// alone is the server of the tests that leave it as it is. What it keeps after a power
// cut does not matter to them.
var alone servers.Etcd

func TestMain(m *testing.M) {
	race.Main(roles)
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if alone, err = servers.StartEtcd("unsafe-no-fsync"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer alone.Close()
	return m.Run()
}

// A starter starts a cluster for one test.
type starter func(t *testing.T, size int, settings ...string) []servers.Etcd

// begin is the starter of Debian's server.
func begin(t *testing.T, size int, settings ...string) []servers.Etcd {
	t.Helper()
	members, err := servers.StartEtcdCluster(size, settings...)
	return closing(t, members, err)
}

// closing returns the members, which end with the test.
func closing(t *testing.T, members []servers.Etcd, err error) []servers.Etcd {
	t.Helper()
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, m := range members {
			require.NoError(t, m.Close())
		}
	})
	return members
}

// dial returns a client that knows the members.
func dial(t *testing.T, members ...servers.Etcd) *clientv3.Client {
	t.Helper()
	var addrs []string
	for _, m := range members {
		addrs = append(addrs, m.Addr())
	}
	client, err := connect(addrs)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func connect(addrs []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: addrs, DialTimeout: time.Minute, Logger: zap.NewNop()})
}

var prefixes atomic.Int64

// prefix returns one that no other test has.
func prefix() string { return "test" + strconv.FormatInt(prefixes.Add(1), 10) + "/" }

// steps returns how many steps were made.
func steps(t *testing.T, s store.Store) uint64 {
	t.Helper()
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	return race.Count(rec)
}

// roles are what this binary does when it starts itself as another process.
var roles = map[string]race.Role{
	"history": history.Player(honest),
	"race":    race.Racer(honest), "race-naive": race.Racer(naive),
	"service": service.Replica(honest),
	"notify":  notify.Victim(honest),
}

// honest returns the store of a child: where names the servers and, after a space, the
// prefix.
func honest(where string) (store.Store, func() error, error) {
	client, prefix, err := attach(where)
	if err != nil {
		return nil, nil, err
	}
	return etcdstore.New(client, prefix), client.Close, nil
}

func naive(where string) (store.Store, func() error, error) {
	client, prefix, err := attach(where)
	if err != nil {
		return nil, nil, err
	}
	s := etcdstore.New(client, prefix)
	// A value that was properly given to another key.
	overwrite := func(ctx context.Context, rec store.Record) error {
		key := prefix + "account\x00" + rec.ID.Tenant + "\x00"
		draft := rec
		draft.ID.User = "draft " + rec.Version.String()
		if err := s.Put(ctx, draft, store.Version{}); err != nil {
			return err
		}
		value, err := client.Get(ctx, key+draft.ID.User)
		if err != nil {
			return err
		}
		_, err = client.Put(ctx, key+rec.ID.User, string(value.Kvs[0].Value))
		return err
	}
	return race.Naive{Store: s, Overwrite: overwrite}, client.Close, nil
}

func attach(where string) (*clientv3.Client, string, error) {
	addrs, prefix, _ := strings.Cut(where, " ")
	client, err := connect(strings.Split(addrs, ","))
	return client, prefix, err
}
