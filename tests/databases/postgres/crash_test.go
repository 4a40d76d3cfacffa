package postgres_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// An acknowledged write is still there after the server was killed, at whatever moment. A
// power cut, which also loses what waits in the kernel, cannot be made here: fsync, on
// which Migrate insists, protects against it.
//
// The rig fails with synchronous_commit=off, which Migrate refuses.
func TestAcknowledgedSurvivesCrash(t *testing.T) {
	rounds := race.Rounds(4, 40)
	own := begin(t, "wal_writer_delay=10s") // a commit that nobody waits for reaches the disk as late as possible
	s, _ := open(t, own.DSN("postgres"))
	acknowledged, lost, err := race.Crash(s, own, rounds)
	t.Logf("PostgreSQL, server killed: %d rounds, %d writes acknowledged, %d lost", rounds, acknowledged, len(lost))
	require.NoError(t, err)
	require.Empty(t, lost)
	require.Greater(t, acknowledged, rounds)

	lazy := own.DSN("postgres") + "&synchronous_commit=off"
	db := dial(t, lazy)
	s = sqlstore.New(db, sqlstore.PostgreSQL)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	_, err = db.Exec("DELETE FROM totpflow_accounts")
	require.NoError(t, err)
	// The WAL writer passes each full page of such commits on to the kernel, which survives a kill. It stands still here, so
	// that something is lost however long the kill takes.
	var writer int
	require.NoError(t, db.QueryRow("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'").Scan(&writer))
	require.NoError(t, syscall.Kill(writer, syscall.SIGSTOP))
	_, lost, err = race.Crash(s, own, 1)
	require.NoError(t, err)
	require.NotEmpty(t, lost)

	standby(t, own)
}

// standby makes a standby of the server: its answers may be old.
func standby(t *testing.T, own servers.PostgreSQL) {
	require.NoError(t, own.Kill())
	require.NoError(t, os.WriteFile(filepath.Join(own.Dir(), "data", "standby.signal"), nil, 0o600))
	require.NoError(t, own.Start())
	s := sqlstore.New(dial(t, own.DSN("postgres")), sqlstore.PostgreSQL)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotPrimary)
	err := race.Step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorContains(t, err, "read-only")

	// target_session_attrs, as documented, does not even connect to it.
	s = sqlstore.New(dial(t, own.DSN("postgres")+"&target_session_attrs=read-write"), sqlstore.PostgreSQL)
	_, err = s.Get(t.Context(), race.Alice)
	require.ErrorContains(t, err, "read only")
}
