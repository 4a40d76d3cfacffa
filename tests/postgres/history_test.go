package postgres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/history"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
)

// One order of everything that two processes asked, of one record and of one
// account, explains what they were answered. It goes red on a store that reads,
// compares and then writes.
func TestHistoryOfRace(t *testing.T) {
	dsn := database(t)
	s, _ := open(t, dsn)
	saw, err := history.Race(s, "history", dsn, race.Rounds(10, 200))
	t.Logf("PostgreSQL, history of a race: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Refused)

	_, err = history.Race(s, "history-naive", dsn, 20)
	require.ErrorIs(t, err, history.ErrHistory)
}

// The same where the connection breaks off, or goes silent, anywhere: who got no
// answer may have written, or not, or still will.
func TestHistoryOfCuts(t *testing.T) {
	dsn := database(t)
	s, _ := open(t, dsn)
	cable, err := race.NewCable(server.Addr())
	require.NoError(t, err)
	defer cable.Close()
	saw, err := history.Cut(s, cable, opener(honest), strings.Replace(dsn, server.Addr(), cable.Addr(), 1), race.Rounds(61, 5))
	t.Logf("PostgreSQL, history of cuts: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Unavailable)
}

// The same where the server is killed and started again.
func TestHistoryOfCrashes(t *testing.T) {
	own, err := servers.StartPostgreSQL()
	require.NoError(t, err)
	defer own.Close()
	s, _ := open(t, own.DSN("postgres"))
	saw, err := history.Crash(s, own, race.Rounds(2, 40), false)
	t.Logf("PostgreSQL, history of crashes: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Successes)
}
