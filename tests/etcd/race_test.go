package etcd_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
)

// Two processes with 64 goroutines each race for one account: each code is
// accepted exactly once, and a counter ends at the number of successes. The same
// rigs have to go red on a store that reads, compares and then writes.
func TestRace(t *testing.T) {
	for name, rig := range map[string]func(s store.Store, role, where string) error{
		"one winner":   func(s store.Store, role, where string) error { return race.Consume(s, role, where, raceRounds) },
		"sum of steps": func(s store.Store, role, where string) error { return race.Sum(s, role, where, sumRounds) },
	} {
		t.Run(name, func(t *testing.T) {
			s, where := shared(t, alone)
			require.NoError(t, rig(s, "race", where))
			require.Error(t, rig(s, "race-naive", where))
		})
	}
}

// The same where the processes talk to different members.
func TestRaceOnCluster(t *testing.T) {
	s, where := shared(t, begin(t, 3, "unsafe-no-fsync")...)
	require.NoError(t, race.Consume(s, "race", where, raceRounds/4))
}

// shared is a new store, and where children find it.
func shared(t *testing.T, members ...servers.Etcd) (s store.Store, where string) {
	client, p := dial(t, members...), prefix()
	return etcdstore.New(client, p), strings.Join(client.Endpoints(), ",") + " " + p
}
