package etcd_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// Two processes with 64 goroutines each race for one account: each code is accepted
// exactly once, and a counter ends at the number of successes. The same rigs must fail on
// a store that reads, compares and then writes.
func TestRace(t *testing.T) { raceFor(t, 200, alone) }

func raceFor(t *testing.T, rounds int, members ...servers.Etcd) {
	for _, rig := range race.Rigs(rounds) {
		t.Run(rig.Name, func(t *testing.T) {
			s, where := shared(t, members...)
			saw, err := rig.Run(s, "race", where)
			t.Logf("etcd, %s: %v", rig.Name, saw)
			require.NoError(t, err)
			_, err = rig.Run(s, "race-naive", where)
			require.Error(t, err)
		})
	}
}

// The same if the processes talk to different members.
func TestRaceOnCluster(t *testing.T) {
	s, where := shared(t, begin(t, 3, calm...)...)
	saw, err := race.Consume(s, "race", where, race.Rounds(10, 200))
	t.Logf("etcd, three members, one code: %v", saw)
	require.NoError(t, err)
}

// shared returns a new store, and where children find it.
func shared(t *testing.T, members ...servers.Etcd) (s store.Store, where string) {
	client, p := dial(t, members...), prefix()
	return etcdstore.New(client, p), strings.Join(client.Endpoints(), ",") + " " + p
}
