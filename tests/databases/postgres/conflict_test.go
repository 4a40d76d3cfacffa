package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A host's own transactions may meet ours in a deadlock. PostgreSQL ends one of
// them; a write that was rolled back for that is tried again, and one that waits
// too long is an error and not a lost race.
func TestDeadlock(t *testing.T) {
	s, db := open(t, database(t, "deadlock_timeout=10ms"))
	require.NoError(t, race.Step(t.Context(), s))
	for _, statement := range []string{
		`CREATE TABLE logins (n int)`, `INSERT INTO logins VALUES (0)`,
		`CREATE FUNCTION count_login() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE logins SET n = n + 1; RETURN NULL; END'`,
		`CREATE TRIGGER count_login AFTER UPDATE ON totpflow_accounts FOR EACH ROW EXECUTE FUNCTION count_login()`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}

	// The host holds the other table's row, our write takes alice's and waits for
	// the other, and then the host wants alice's. It is not the host who looks
	// for deadlocks, so it is our write that is ended.
	host, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = host.Exec(`UPDATE logins SET n = n + 1`)
	require.NoError(t, err)
	_, err = host.Exec(`SET LOCAL deadlock_timeout = '1h'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- race.Step(t.Context(), s) }()
	waiting := func() bool {
		var n int
		return db.QueryRow(`SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&n) == nil && n > 0
	}
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
	_, err = host.Exec(`SELECT 1 FROM totpflow_accounts FOR UPDATE`)
	require.NoError(t, err)
	require.NoError(t, host.Commit())
	require.NoError(t, <-done)
	require.Equal(t, uint64(2), engine.Stored(t, s))
	var deadlocks int
	ended := func() bool {
		return db.QueryRow(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks) == nil && deadlocks > 0
	}
	require.Eventually(t, ended, time.Minute, 10*time.Millisecond, "the test has made a deadlock")
}

// Somebody who holds the row keeps a writer waiting as long as its context lasts.
func TestLocked(t *testing.T) {
	s, db := open(t, database(t))
	require.NoError(t, race.Step(t.Context(), s))
	host, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = host.Exec(`SELECT 1 FROM totpflow_accounts FOR UPDATE`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = race.Step(ctx, s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, host.Rollback())
	require.NoError(t, race.Step(t.Context(), s))
	// What was given up may still have been written, by nobody's leave.
	require.Contains(t, []uint64{2, 3}, engine.Stored(t, s))

	// A bound of the database's own is no lost race either.
	s, db = open(t, database(t, "lock_timeout=20ms"))
	require.NoError(t, race.Step(t.Context(), s))
	host, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = host.Exec(`SELECT 1 FROM totpflow_accounts FOR UPDATE`)
	require.NoError(t, err)
	err = race.Step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NotErrorIs(t, err, store.ErrConflict)
	require.Equal(t, "55P03", code(err))
	require.NoError(t, host.Rollback())
	require.Equal(t, uint64(1), engine.Stored(t, s))
}
