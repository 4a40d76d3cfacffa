package postgres_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// A host's own transactions may deadlock with ours. PostgreSQL ends one of them; a write
// that was rolled back for that is tried again.
//
// PostgreSQL looks for a deadlock once in each wait, deadlock_timeout after it began, and
// ends the transaction that looks. So our write has to wait last, and the host has to get
// what it waits for before the write tries again: a trigger holds the write up after its
// first lock, and that lock is handed on in order, which a row's is not.
func TestDeadlock(t *testing.T) {
	s, db := open(t, database(t, "deadlock_timeout=10ms"))
	require.NoError(t, race.Step(t.Context(), s))
	for _, statement := range []string{
		`CREATE TABLE logins (n int)`, `INSERT INTO logins VALUES (0)`, `CREATE SEQUENCE tries`,
		`CREATE FUNCTION count_login() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
	PERFORM nextval(''tries''); PERFORM pg_advisory_xact_lock(1); PERFORM pg_advisory_xact_lock(2);
	UPDATE logins SET n = n + 1;
	RETURN NULL; END'`,
		`CREATE TRIGGER count_login AFTER UPDATE ON totpflow_accounts FOR EACH ROW EXECUTE FUNCTION count_login()`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	transaction := func(statements ...string) *sql.Tx {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, statement := range statements {
			_, err := tx.Exec(statement)
			require.NoError(t, err)
		}
		return tx
	}

	// Our write has lock 1 and is held up by lock 2; the host has locked the table's row.
	gate := transaction(`SELECT pg_advisory_xact_lock(2)`)
	host := transaction(`UPDATE logins SET n = n + 1`, `SET LOCAL deadlock_timeout = '1h'`)
	done := make(chan error, 1)
	go func() { done <- race.Step(t.Context(), s) }()
	awaitLock(t, db, 2)

	// The host waits for lock 1, and then our write for the row.
	hosts := make(chan error, 1)
	go func() {
		_, err := host.Exec(`SELECT pg_advisory_xact_lock(1)`)
		hosts <- err
	}()
	awaitLock(t, db, 1)
	require.NoError(t, gate.Commit())
	require.NoError(t, <-hosts)
	require.NoError(t, host.Commit())
	require.NoError(t, <-done)
	require.Equal(t, uint64(2), engine.Stored(t, s))
	require.Equal(t, []string{"2"}, engine.Column(t, db, `SELECT last_value::text FROM tries`), "a sequence is not rolled back")
}

// awaitLock returns when somebody waits for the lock.
func awaitLock(t *testing.T, db *sql.DB, lock int) {
	t.Helper()
	waiting := func() bool {
		var n int
		return db.QueryRow(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted`, lock).Scan(&n) == nil && n > 0
	}
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
}

// While somebody has locked the row, a writer waits as long as its context lasts.
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
	// The write that was given up may still have happened: nobody was told that it had not.
	require.Contains(t, []uint64{2, 3}, engine.Stored(t, s))

	// A time limit of the database itself is not a lost race either.
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
