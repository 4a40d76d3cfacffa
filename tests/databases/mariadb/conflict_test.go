package mariadb_test

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

// A host's own transactions may deadlock with ours. The server ends the transaction that
// has done less, which is ours; it was rolled back for that, and is tried again.
func TestDeadlock(t *testing.T) {
	s, db := open(t, database(t))
	require.NoError(t, race.Step(t.Context(), s))
	for _, statement := range []string{
		`CREATE TABLE logins (n INT) ENGINE = InnoDB`, `INSERT INTO logins VALUES (0)`,
		`CREATE TABLE work (n INT) ENGINE = InnoDB`,
		`CREATE TRIGGER count_login AFTER UPDATE ON totpflow_accounts FOR EACH ROW UPDATE logins SET n = n + 1`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}

	// The host locks the other table's row, our write takes alice's and waits for the
	// other, and then the host wants alice's.
	host, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for _, statement := range []string{`UPDATE logins SET n = n + 1`, `INSERT INTO work SELECT seq FROM seq_1_to_1000`} {
		_, err = host.Exec(statement)
		require.NoError(t, err)
	}
	// Not information_schema.innodb_trx: it is refreshed only if nobody has read it for
	// 0.1 s.
	waits, before := counted(t, db, "Innodb_row_lock_waits"), counted(t, db, "Innodb_deadlocks")
	done := make(chan error, 1)
	go func() { done <- race.Step(t.Context(), s) }()
	waiting := func() bool { return counted(t, db, "Innodb_row_lock_waits") > waits }
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
	_, err = host.Exec(`SELECT 1 FROM totpflow_accounts FOR UPDATE`)
	require.NoError(t, err)
	require.NoError(t, host.Commit())
	require.NoError(t, <-done)
	require.Equal(t, uint64(2), engine.Stored(t, s))
	require.Equal(t, before+1, counted(t, db, "Innodb_deadlocks"), "the test has made a deadlock")
}

// A write that waits for a lock longer than the server allows is tried again, as long as
// its context lasts.
func TestLocked(t *testing.T) {
	s, db := open(t, database(t, "innodb_lock_wait_timeout=1"))
	require.NoError(t, race.Step(t.Context(), s))
	lock := func() *sql.Tx {
		host, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = host.Exec(`SELECT 1 FROM totpflow_accounts FOR UPDATE`)
		require.NoError(t, err)
		return host
	}
	host, before := lock(), counted(t, db, "Innodb_row_lock_waits")
	done := make(chan error, 1)
	go func() { done <- race.Step(t.Context(), s) }()
	again := func() bool { return counted(t, db, "Innodb_row_lock_waits") >= before+2 }
	require.Eventually(t, again, time.Minute, 10*time.Millisecond, "a second wait, after the first has timed out")
	require.NoError(t, host.Rollback())
	require.NoError(t, <-done)
	require.Equal(t, uint64(2), engine.Stored(t, s))

	host = lock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := race.Step(ctx, s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, host.Rollback())
	require.NoError(t, race.Step(t.Context(), s))
	// The write that was given up may still have happened: nobody was told that it had not.
	require.Contains(t, []uint64{3, 4}, engine.Stored(t, s))
}

// counted returns one of the server's counters.
func counted(t *testing.T, db *sql.DB, name string) (n int) {
	require.NoError(t, db.QueryRow(`SHOW GLOBAL STATUS LIKE '`+name+`'`).Scan(&name, &n))
	return n
}
