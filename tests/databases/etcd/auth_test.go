package etcd_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"

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
// default after five minutes, is renewed by the next call. The client's own password does
// the same with a server from 3.5 on; with an older one every call runs into its deadline.
func TestTokenExpires(t *testing.T) { tokenExpires(t, begin) }

func tokenExpires(t *testing.T, begin starter) {
	server := begin(t, 1, "unsafe-no-fsync", "auth-token-ttl=1")[0]
	status, err := dial(t, server).Status(t.Context(), server.Addr())
	require.NoError(t, err)
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

	awaitForgotten(t, ctx, server)
	made := uint64(2)
	if strings.HasPrefix(status.Version, "3.4.") {
		short, stop := context.WithTimeout(ctx, 2*time.Second)
		defer stop()
		_, err = own.Get(short, "totpflow/x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	} else {
		require.NoError(t, race.Step(ctx, etcdstore.New(own, "totpflow/")))
		made++
	}

	var over sync.WaitGroup
	answers := make([]error, 8)
	for i := range answers {
		over.Go(func() { answers[i] = race.Step(ctx, s) })
	}
	over.Wait()
	require.NoError(t, errors.Join(answers...))
	require.Equal(t, made+uint64(len(answers)), steps(t, s))

	wrong := config
	wrong.Username, wrong.Password, wrong.DialOptions = "", "", etcdstore.Password("totpflow", "wrong")
	other, err := clientv3.New(wrong)
	require.NoError(t, err)
	defer other.Close()
	_, err = etcdstore.New(other, "totpflow/").Get(ctx, race.Alice)
	require.ErrorIs(t, err, rpctypes.ErrAuthFailed)
	require.NotErrorIs(t, err, store.ErrNotFound)
	t.Logf("etcd %s", status.Version)
}

// awaitForgotten returns when the server has forgotten the tokens that were issued and
// used before: the token of a sign-in that comes after them, and is not renewed, is refused.
func awaitForgotten(t *testing.T, ctx context.Context, server servers.Etcd) {
	anybody := dial(t, server)
	signed, err := anybody.Authenticate(ctx, "totpflow", "secret")
	require.NoError(t, err)
	for {
		time.Sleep(3 * time.Second) // a server's clock is not ours
		_, err := anybody.Get(metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, signed.Token), "totpflow/x")
		if err != nil {
			require.ErrorIs(t, err, rpctypes.ErrInvalidAuthToken)
			return
		}
	}
}

// The right that the package documents is enough, and it is no right to other keys.
func TestRights(t *testing.T) { rights(t, begin) }

func rights(t *testing.T, begin starter) {
	config, ctx := authenticate(t, begin(t, 1, "unsafe-no-fsync")[0]), t.Context()
	config.DialOptions = etcdstore.Password("totpflow", "secret")
	client, err := clientv3.New(config)
	require.NoError(t, err)
	defer client.Close()
	s := etcdstore.New(client, "totpflow/")
	require.NoError(t, s.Check(ctx))
	require.NoError(t, race.Step(ctx, s))
	page, err := s.List(ctx, store.Query{AllTenants: true})
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	require.NoError(t, s.Delete(ctx, race.Alice, page.Records[0].Version))
	_, err = etcdstore.New(client, "other/").Get(ctx, race.Alice)
	require.ErrorIs(t, err, rpctypes.ErrPermissionDenied)
}

// A user of another prefix has no right to ours, even in a database that has reached its
// quota. There, servers before 3.6 do not check rights: the user deletes a record of ours,
// and its account counts as never enrolled. For these the test only logs what it sees, so
// that a server with a fix passes too.
func TestRightsWithoutSpace(t *testing.T) { rightsWithoutSpace(t, begin) }

func rightsWithoutSpace(t *testing.T, begin starter) {
	server := begin(t, 1, "unsafe-no-fsync", "quota-backend-bytes=1048576")[0]
	status, err := dial(t, server).Status(t.Context(), server.Addr())
	require.NoError(t, err)
	require.NoError(t, race.Step(t.Context(), etcdstore.New(dial(t, server), "ours/")))
	config := authenticate(t, server)
	config.DialOptions = etcdstore.Password("totpflow", "secret")
	other, err := clientv3.New(config)
	require.NoError(t, err)
	defer other.Close()
	theirs, ours := etcdstore.New(other, "totpflow/"), "ours/account\x00acme\x00alice"

	_, err = other.Delete(t.Context(), ours)
	require.ErrorIs(t, err, rpctypes.ErrPermissionDenied)
	fill(t, theirs)
	require.ErrorIs(t, theirs.Check(t.Context()), etcdstore.ErrNoSpace)
	_, err = other.Get(t.Context(), ours)
	require.ErrorIs(t, err, rpctypes.ErrPermissionDenied)
	_, err = other.Delete(t.Context(), ours)
	_, off := other.AuthDisable(t.Context())
	t.Logf("etcd %s without space: deleting another user's key: %v; switching authentication off: %v", status.Version, err, off)
	if strings.HasPrefix(status.Version, "3.4.") || strings.HasPrefix(status.Version, "3.5.") {
		return
	}
	require.ErrorIs(t, err, rpctypes.ErrPermissionDenied)
	require.ErrorIs(t, off, rpctypes.ErrPermissionDenied)
}
