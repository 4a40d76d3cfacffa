package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// Every acknowledged write is still there after SIGKILL, whenever it comes. A power cut,
// which also loses what waits in the kernel, cannot be made here: appendfsync always, on
// which Check insists, protects against it.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	server := begin(t)
	s, _ := open(t, server, redisstore.Options{})
	rounds := race.Rounds(3, 40)
	acknowledged, lost, err := race.Crash(s, released{server, s}, rounds)
	t.Logf("Redis, server killed: %d rounds, %d writes acknowledged, %d lost", rounds, acknowledged, len(lost))
	require.NoError(t, err)
	require.Empty(t, lost)
}

// The rig fails on a server that keeps only a snapshot.
func TestCrashRigCatchesLoss(t *testing.T) {
	server := begin(t, "appendonly no", "save 3600 1")
	s, client := open(t, server, redisstore.Options{Durability: redisstore.Vouched})
	require.NoError(t, client.Save(t.Context()).Err())
	_, lost, err := race.Crash(s, released{server, s}, 1)
	require.NoError(t, err)
	require.NotEmpty(t, lost)
}

// A released server is one whose operator ends each quarantine: the disk has everything
// that there was.
type released struct {
	servers.Redis
	store *redisstore.Store
}

// Start tries until the client dials again: after some failures it answers by itself that
// there is no server, and tries again only once a second.
func (r released) Start() error {
	if err := r.Redis.Start(); err != nil {
		return err
	}
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if err = r.store.Release(context.Background()); err == nil || !errors.Is(err, store.ErrUnavailable) {
			return err
		}
	}
	return err
}
