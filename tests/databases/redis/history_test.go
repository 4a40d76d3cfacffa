package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/redisstore"
	"github.com/totpflow/totpflow/tests/rigs/history"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// One order of all requests of two processes, about one record and one account, explains
// the answers that they got. The test fails on a store that reads, compares and then
// writes.
func TestHistoryOfRace(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, _ := open(t, shared, o)
	where := shared.Addr() + " " + o.Prefix
	saw, err := history.Race(s, "history", where, race.Rounds(10, 200))
	t.Logf("Redis, history of a race: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Refused)

	o.Prefix = prefix()
	s, _ = open(t, shared, o)
	_, err = history.Race(s, "history-naive", shared.Addr()+" "+o.Prefix, 20)
	require.ErrorIs(t, err, history.ErrHistory)
}

// The same if the connection breaks off, or goes silent, anywhere: a process without an
// answer may have written, or not, or still will.
func TestHistoryOfCuts(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	s, _ := open(t, shared, o)
	cable, err := race.NewCable(shared.Addr())
	require.NoError(t, err)
	defer cable.Close()
	saw, err := history.Cut(s, cable, honest, cable.Addr()+" "+o.Prefix, race.Rounds(61, 5))
	t.Logf("Redis, history of cuts: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Unavailable)
}

// The same if the server is killed and started again.
func TestHistoryOfCrashes(t *testing.T) {
	server := begin(t)
	s, _ := open(t, server, redisstore.Options{})
	saw, err := history.Crash(s, released{server, s}, race.Rounds(2, 40), false)
	t.Logf("Redis, history of crashes: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Successes)
}
