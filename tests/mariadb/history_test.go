package mariadb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/history"
	"github.com/totpflow/totpflow/tests/race"
	"github.com/totpflow/totpflow/tests/servers"
)

// One order of everything that two processes asked, of one record and of one
// account, explains what they were answered.
func TestHistoryOfRace(t *testing.T) {
	dsn := database(t)
	s, _ := open(t, dsn)
	saw, err := history.Race(s, "history", dsn, race.Rounds(10, 200))
	t.Logf("MariaDB, history of a race: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Refused)
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
	t.Logf("MariaDB, history of cuts: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Unavailable)
}

// The same where the server is killed and started again. What was seen of a write
// that nobody had acknowledged by then may be gone: without leaving that out,
// the checker finds that InnoDB shows it too early.
func TestHistoryOfCrashes(t *testing.T) {
	own, err := servers.StartMariaDB()
	require.NoError(t, err)
	defer own.Close()
	s, _ := open(t, own.DSN("mysql"))
	saw, err := history.Crash(s, own, race.Rounds(2, 40), true)
	t.Logf("MariaDB, history of crashes: %v", saw)
	require.NoError(t, err)
	require.NotZero(t, saw.Successes)
}
