package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Unusable files. Each is "unavailable" with the driver's error inside, at the start and
// in use, and never "never enrolled".
func TestUnusableFiles(t *testing.T) {
	cases := []struct {
		name string
		make func(t *testing.T) string
		code int
	}{
		{"unwritable directory", func(t *testing.T) string { return filepath.Join(unwritable(t), "totpflow.db") }, sqlite3.SQLITE_CANTOPEN},
		{"no such directory", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "totpflow.db") }, sqlite3.SQLITE_CANTOPEN},
		{"a directory", func(t *testing.T) string { return t.TempDir() }, sqlite3.SQLITE_CANTOPEN},
		{"no database", func(t *testing.T) string {
			path := file(t)
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("not a database. "), 512), 0o600))
			return path
		}, sqlite3.SQLITE_NOTADB},
	}
	require.NotEmpty(t, cases)
	each(t, func(t *testing.T, d driver) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				db, err := d.dial(c.make(t), wal)
				require.NoError(t, err)
				defer db.Close()
				s := sqlstore.New(db, sqlstore.SQLite)
				_, got := s.Get(t.Context(), race.Alice)
				for what, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Update": race.Step(t.Context(), s)} {
					require.ErrorIs(t, err, store.ErrUnavailable, what)
					require.Equal(t, c.code, d.code(err), "%s: %v", what, err)
				}
				require.NotErrorIs(t, got, store.ErrNotFound)
				require.Equal(t, c.code, d.code(got), "%v", got)
			})
		}
	})
}

// Without Migrate there is no table: nobody is "never enrolled" because of it.
func TestNotMigrated(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		db, err := d.dial(file(t), wal)
		require.NoError(t, err)
		defer db.Close()
		s := sqlstore.New(db, sqlstore.SQLite)
		_, err = s.Get(t.Context(), race.Alice)
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.ErrorContains(t, err, "call Migrate first")
		require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
		for name, other := range map[string]sqlstore.Dialect{"PostgreSQL": sqlstore.PostgreSQL, "MySQL": sqlstore.MySQL} {
			require.ErrorContains(t, sqlstore.New(db, other).Migrate(t.Context()), "perhaps this database is not "+name)
		}
	})
}

// A full disk and a file opened for reading refuse the write and keep the record.
func TestWriteFails(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		code     int
	}{
		"disk full": {wal + "&_pragma=max_page_count(1)", sqlite3.SQLITE_FULL}, // for a file that has already grown
		"read only": {"mode=ro&_pragma=busy_timeout(5000)", sqlite3.SQLITE_READONLY},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			healthy, _ := modernc.open(t, path, wal)
			require.NoError(t, race.Step(t.Context(), healthy))
			db, err := modernc.dial(path, c.settings)
			require.NoError(t, err)
			defer db.Close()
			s := sqlstore.New(db, sqlstore.SQLite)
			err = store.Update(t.Context(), s, race.Alice, func(was store.Record, found bool) (*store.Record, error) {
				require.True(t, found)
				was.Sealed = make([]byte, store.MaxSealed)
				return &was, nil
			})
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.Equal(t, c.code, modernc.code(err), "%v", err)
			require.Equal(t, uint64(1), engine.Stored(t, healthy))
		})
	}
}

// While somebody else has locked the file, readers go on and a writer is refused when its
// patience ends; its call does not report a write. Then everything works again.
func TestBusy(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		s, db := d.open(t, file(t), "_pragma=busy_timeout(10)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
		require.NoError(t, race.Step(t.Context(), s))

		release := hold(t, db)
		err := race.Step(t.Context(), s)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, store.ErrConflict)
		require.ErrorIs(t, err, store.ErrNotWritten)
		require.Equal(t, sqlite3.SQLITE_BUSY, d.code(err), "%v", err)
		require.Equal(t, uint64(1), engine.Stored(t, s))
		release()
		require.NoError(t, race.Step(t.Context(), s))
		require.Equal(t, uint64(2), engine.Stored(t, s))
	})
}

// A request whose client has left does not wait for the file's lock to the end of the
// busy timeout, which is an hour here.
func TestCancelledWhileBusy(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		s, db := d.open(t, file(t), "_pragma=busy_timeout(3600000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
		require.NoError(t, race.Step(t.Context(), s))

		release := hold(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := race.Step(ctx, s)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		release()
		// The write that was given up may still happen, or not: nobody was told that it
		// did. The count is at most one ahead, and the store goes on.
		require.NoError(t, race.Step(t.Context(), s))
		require.Contains(t, []uint64{2, 3}, engine.Stored(t, s))
	})
}

// With one connection, a call inside the host's own transaction, even a read, waits for
// it until the context ends: commit first.
func TestInsideTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		s, db := d.open(t, file(t), wal)
		require.NoError(t, race.Step(t.Context(), s))
		db.SetMaxOpenConns(1)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = race.Step(ctx, s)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, tx.Commit())
		require.NoError(t, race.Step(t.Context(), s))
		require.Equal(t, uint64(2), engine.Stored(t, s))
	})
}

// hold takes the file's lock for writing until it is released.
func hold(t *testing.T, db *sql.DB) (release func()) {
	holder, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() {
		_, err = holder.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, holder.Close())
	}
}

// unwritable returns a directory in which this process cannot create a file, even if it
// runs as root.
func unwritable(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	probe := filepath.Join(dir, "probe")
	if os.WriteFile(probe, nil, 0o600) != nil {
		return dir
	}
	return "/proc"
}
