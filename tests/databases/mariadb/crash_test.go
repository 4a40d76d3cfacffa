package mariadb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// An acknowledged write is still there after the server was killed, at whatever moment. A
// power cut, which also loses what waits in the kernel, cannot be made here: the settings
// that Migrate insists on protect against it.
//
// The rig fails with innodb_flush_log_at_trx_commit=0, which Migrate refuses.
func TestAcknowledgedSurvivesCrash(t *testing.T) {
	rounds := race.Rounds(4, 40)
	// In memory (/dev/shm) InnoDB maps its log, and a kill loses nothing whatever the settings are.
	t.Setenv("TMPDIR", "/var/tmp")
	// The longest time until a commit that nobody waits for reaches the disk.
	own := begin(t, "innodb-flush-log-at-timeout=2700")
	s, db := open(t, own.DSN("mysql"))
	acknowledged, lost, err := race.Crash(s, own, rounds)
	t.Logf("MariaDB, server killed: %d rounds, %d writes acknowledged, %d lost", rounds, acknowledged, len(lost))
	require.NoError(t, err)
	require.Empty(t, lost)
	require.Greater(t, acknowledged, rounds)

	_, err = db.Exec("DELETE FROM totpflow_accounts")
	require.NoError(t, err)
	_, err = db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
	require.NoError(t, err)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	_, lost, err = race.Crash(s, own, 1)
	require.NoError(t, err)
	require.NotEmpty(t, lost)
}
