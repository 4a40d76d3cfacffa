package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// Files that are not what they should be. Each is "unavailable" with the
// driver's error inside, at the start and in use, and never "never enrolled".
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
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db, err := dial(c.make(t), wal)
			require.NoError(t, err)
			defer db.Close()
			s := sqlstore.New(db, sqlstore.SQLite)
			_, got := s.Get(t.Context(), alice)
			for what, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Update": step(t.Context(), s)} {
				require.ErrorIs(t, err, store.ErrUnavailable, what)
				requireCode(t, err, c.code)
			}
			require.NotErrorIs(t, got, store.ErrNotFound)
			requireCode(t, got, c.code)
		})
	}
}

// Without Migrate there is no table: nobody is "never enrolled" because of it.
func TestNotMigrated(t *testing.T) {
	db, err := dial(file(t), wal)
	require.NoError(t, err)
	defer db.Close()
	s := sqlstore.New(db, sqlstore.SQLite)
	_, err = s.Get(t.Context(), alice)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, step(t.Context(), s), store.ErrUnavailable)
}

// A full disk and a file opened for reading refuse the write and keep the record.
func TestWriteFails(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		code     int
	}{
		"disk full": {wal + "&_pragma=max_page_count(1)", sqlite3.SQLITE_FULL}, // of a file that has grown already
		"read only": {"mode=ro&_pragma=busy_timeout(5000)", sqlite3.SQLITE_READONLY},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			healthy, _ := open(t, path, wal)
			require.NoError(t, step(t.Context(), healthy))
			db, err := dial(path, c.settings)
			require.NoError(t, err)
			defer db.Close()
			s := sqlstore.New(db, sqlstore.SQLite)
			err = store.Update(t.Context(), s, alice, func(was store.Record, found bool) (*store.Record, error) {
				require.True(t, found)
				was.Sealed = make([]byte, store.MaxSealed)
				return &was, nil
			})
			require.ErrorIs(t, err, store.ErrUnavailable)
			requireCode(t, err, c.code)
			require.Equal(t, uint64(1), stored(t, healthy))
		})
	}
}

// While somebody else holds the file, readers go on and a writer is refused
// when its patience ends; it is not told that it wrote. Then all is well again.
func TestBusy(t *testing.T) {
	path := file(t)
	s, db := open(t, path, "_pragma=busy_timeout(10)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	require.NoError(t, step(t.Context(), s))

	holder, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	err = step(t.Context(), s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NotErrorIs(t, err, store.ErrConflict)
	requireCode(t, err, sqlite3.SQLITE_BUSY)
	require.Equal(t, uint64(1), stored(t, s))
	_, err = holder.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, holder.Close())
	require.NoError(t, step(t.Context(), s))
	require.Equal(t, uint64(2), stored(t, s))
}

// A request whose client has gone does not wait for the file's lock to the end
// of the busy timeout.
func TestCancelledWhileBusy(t *testing.T) {
	s, db := open(t, file(t), "_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	require.NoError(t, step(t.Context(), s))
	holder, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer holder.Close()
	_, err = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = step(ctx, s)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 10*time.Second, "of 60")

	_, err = holder.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	// What was given up may still be written, or not: nobody was told that it
	// was. The count is at most one ahead, and the store goes on.
	require.NoError(t, step(t.Context(), s))
	require.Contains(t, []uint64{2, 3}, stored(t, s))
}

// step counts alice's record up by one.
func step(ctx context.Context, s store.Store) error {
	return store.Update(ctx, s, alice, func(was store.Record, _ bool) (*store.Record, error) {
		return counter(count(was) + 1), nil
	})
}

func requireCode(t *testing.T, err error, code int) {
	t.Helper()
	var e *sqlite.Error
	require.ErrorAs(t, err, &e, "the driver's error is inside")
	require.Equal(t, code, e.Code()&0xff, "%v", err) // the primary code of the extended one
}

// unwritable returns a directory in which this process cannot create a file,
// also where it runs as root.
func unwritable(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	probe := filepath.Join(dir, "probe")
	if os.WriteFile(probe, nil, 0o600) != nil {
		return dir
	}
	return "/proc"
}
