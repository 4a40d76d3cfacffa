package etcd_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// authenticate switches password authentication on, with a user that may do what
// the package documents.
func authenticate(t *testing.T, server servers.Etcd) clientv3.Config {
	admin := dial(t, server)
	ctx := t.Context()
	_, err := admin.UserAdd(ctx, "root", "root")
	require.NoError(t, err)
	_, err = admin.UserGrantRole(ctx, "root", "root")
	if err != nil { // in some versions the role exists from the beginning
		_, err = admin.RoleAdd(ctx, "root")
		require.NoError(t, err)
		_, err = admin.UserGrantRole(ctx, "root", "root")
	}
	require.NoError(t, err)
	_, err = admin.RoleAdd(ctx, "totpflow")
	require.NoError(t, err)
	_, err = admin.RoleGrantPermission(ctx, "totpflow", "totpflow/", clientv3.GetPrefixRangeEnd("totpflow/"), clientv3.PermissionType(clientv3.PermReadWrite))
	require.NoError(t, err)
	_, err = admin.UserAdd(ctx, "totpflow", "secret")
	require.NoError(t, err)
	_, err = admin.UserGrantRole(ctx, "totpflow", "totpflow")
	require.NoError(t, err)
	_, err = admin.AuthEnable(ctx)
	require.NoError(t, err)
	return clientv3.Config{Endpoints: []string{server.Addr()}, DialTimeout: time.Minute, Logger: zap.NewNop()}
}

// A token that the server has forgotten, here after a second without a call and by
// default after five minutes, is renewed by the next call. With the client's own password
// every call runs into its deadline on a server before 3.5.
func TestTokenExpires(t *testing.T) {
	server := begin(t, 1, "unsafe-no-fsync", "auth-token-ttl=1")[0]
	config := authenticate(t, server)
	config.DialOptions = etcdstore.Password("totpflow", "secret")
	client, err := clientv3.New(config)
	require.NoError(t, err)
	defer client.Close()
	s := etcdstore.New(client, "totpflow/")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, race.Step(ctx, s))

	config.DialOptions, config.Username, config.Password = nil, "totpflow", "secret"
	own, err := clientv3.New(config)
	require.NoError(t, err)
	defer own.Close()
	require.NoError(t, race.Step(ctx, etcdstore.New(own, "totpflow/")))

	awaitForgotten(t, ctx, own)
	var over sync.WaitGroup
	answers := make([]error, 8)
	for i := range answers {
		over.Go(func() { answers[i] = race.Step(ctx, s) })
	}
	over.Wait()
	require.NoError(t, errors.Join(answers...))
	require.Equal(t, uint64(10), steps(t, s))

	wrong := config
	wrong.Username, wrong.Password, wrong.DialOptions = "", "", etcdstore.Password("totpflow", "wrong")
	other, err := clientv3.New(wrong)
	require.NoError(t, err)
	defer other.Close()
	_, err = etcdstore.New(other, "totpflow/").Get(ctx, race.Alice)
	require.ErrorIs(t, err, rpctypes.ErrAuthFailed)
	require.NotErrorIs(t, err, store.ErrNotFound)
}

// awaitForgotten returns when the server has forgotten the tokens of every client that
// has been idle for a while, as seen by a client that then cannot continue.
func awaitForgotten(t *testing.T, ctx context.Context, own *clientv3.Client) {
	for {
		time.Sleep(3 * time.Second) // a server's clock is not ours
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := own.Get(short, "totpflow/x")
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return
		}
	}
}
