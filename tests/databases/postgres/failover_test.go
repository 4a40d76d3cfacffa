package postgres_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/service"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// synchronous makes the primary wait for the standby's disk before it acknowledges
// (synchronous_commit is on by default).
const synchronous = "synchronous_standby_names=*"

func TestFailoverLosesNothing(t *testing.T) {
	kind.FailoverLosesNothing(t, func(t *testing.T, waits bool) *engine.Pair {
		if waits {
			return follow(t, synchronous)
		}
		return follow(t)
	})
}

func TestFollowerGone(t *testing.T) { kind.FollowerGone(t, follow(t, synchronous)) }

// follow starts a pair.
func follow(t *testing.T, settings ...string) *engine.Pair {
	primary := begin(t, settings...)
	standby, err := primary.Standby()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, standby.Close()) })
	follower, watcher := dial(t, standby.DSN("postgres")), dial(t, primary.DSN("postgres"))
	level(t, primary)

	// As the package documents it for several hosts.
	s, db := open(t, fmt.Sprintf("postgres://totpflow@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write", primary.Addr(), standby.Addr()))
	replay, err := service.NewReplay(t.Context(), s)
	require.NoError(t, err)
	level(t, primary)
	return &engine.Pair{
		DB: db, Store: s, Replay: replay, Primary: primary,
		Waits: func() bool {
			var n int
			return watcher.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).Scan(&n) == nil && n > 0
		},
		Cut:     func() error { return cut(follower) },
		Promote: func() error { return promote(follower) },
	}
}

// level returns when the standby has on its disk everything that was written until now.
func level(t *testing.T, primary servers.PostgreSQL) {
	t.Helper()
	db := dial(t, primary.DSN("postgres"))
	var until string
	require.NoError(t, db.QueryRow(`SELECT pg_current_wal_lsn()::text`).Scan(&until))
	require.Eventually(t, func() bool {
		var there bool
		row := db.QueryRow(`SELECT coalesce(bool_or(state = 'streaming' AND flush_lsn >= $1::pg_lsn), false) FROM pg_stat_replication`, until)
		return row.Scan(&there) == nil && there
	}, time.Minute, 10*time.Millisecond)
}

// cut keeps the standby from hearing anything more, while it stays one.
func cut(follower *sql.DB) error {
	for _, statement := range []string{`ALTER SYSTEM SET primary_conninfo = ''`, `SELECT pg_reload_conf()`} {
		if _, err := follower.Exec(statement); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var receivers int
		err := follower.QueryRow(`SELECT count(*) FROM pg_stat_wal_receiver`).Scan(&receivers)
		if err != nil || receivers == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the standby does not let go")
		}
	}
}

func promote(follower *sql.DB) error {
	var done bool
	if err := follower.QueryRow(`SELECT pg_promote()`).Scan(&done); err != nil {
		return err
	}
	if !done {
		return errors.New("the standby is not promoted")
	}
	return nil
}
