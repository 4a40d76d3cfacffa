package etcd_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/etcdstore"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// One order of all requests of two processes, about one record and one account, explains
// the answers that they got.
func TestHistoryOfRace(t *testing.T) {
	s, where := shared(t, alone)
	saw, err := history.Race(s, "history", where, race.Rounds(10, 200))
	t.Logf("etcd, history of a race: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Refused)
}

// The same if the connection breaks off, or goes silent, anywhere: a process without an
// answer may have written, or not, or still will.
func TestHistoryOfCuts(t *testing.T) {
	s, where := shared(t, alone)
	cable, err := race.NewCable(alone.Addr())
	require.NoError(t, err)
	defer cable.Close()
	saw, err := history.Cut(s, cable, honest, strings.Replace(where, alone.Addr(), cable.Addr(), 1), race.Rounds(61, 5))
	t.Logf("etcd, history of cuts: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Unavailable)
}

// The same if the server is killed and started again.
func TestHistoryOfCrashes(t *testing.T) {
	server := begin(t, 1)[0]
	saw, err := history.Crash(etcdstore.New(dial(t, server), ""), server, race.Rounds(2, 15), false)
	t.Logf("etcd, history of crashes: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Successes)
}
