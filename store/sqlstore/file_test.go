package sqlstore_test

import (
	"database/sql/driver"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// inFile returns a SQLite database in a file, and its path.
func inFile(t *testing.T) (f *fake, path string) {
	path = filepath.Join(t.TempDir(), "totpflow.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	f = healthy()
	f.query["PRAGMA database_list"] = row(int64(0), "main", path)
	for start, answer := range failing(func() error { return nil }).query {
		if start != "" {
			f.query[start] = answer
		}
	}
	f.query["SELECT tenant"] = row("acme", "alice", after[:], "active", int64(0), nil, []byte("x"))
	return f, path
}

// While the file is away, nothing is read and nothing is written: not into a file without
// a name, and not beside the file that took its place. Once it is back, the store goes
// on.
func TestFileLost(t *testing.T) {
	f, path := inFile(t)
	s := sqlstore.New(f.open(t), sqlstore.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	for name, lose := range map[string]func(){
		"removed":  func() {},
		"replaced": func() { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
	} {
		require.NoError(t, os.Rename(path, path+".away"))
		lose()
		asked := len(f.asked)
		for call, do := range calls(s) {
			require.ErrorIs(t, do(t.Context()), sqlstore.ErrFileLost, "%s: %s", name, call)
		}
		for call, do := range writes(s) {
			require.ErrorIs(t, do(t.Context()), store.ErrNotWritten, "%s: %s", name, call)
		}
		require.Len(t, f.asked, asked, name)
		err := s.Migrate(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrFileLost, "the pool has connections to the first one still")
		require.ErrorContains(t, err, "put it back")

		require.NoError(t, os.Rename(path+".away", path))
		for call, do := range calls(s) {
			require.NoError(t, do(t.Context()), "%s: %s", name, call)
		}
	}
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, sqlstore.New(f.open(t), sqlstore.SQLite).Migrate(t.Context()), sqlstore.ErrFileLost)
}

// A write is acknowledged only if the file is in its place afterwards. The write may be
// done, or lost: the error does not say "not written".
func TestFileLostInAWrite(t *testing.T) {
	for name := range writes(nil) {
		f, path := inFile(t)
		s := sqlstore.New(f.open(t), sqlstore.SQLite)
		require.NoError(t, s.Migrate(t.Context()))
		f.exec = map[string]func() (driver.Result, error){"": func() (driver.Result, error) {
			return driver.RowsAffected(1), os.Remove(path)
		}}
		err := writes(s)[name](t.Context())
		require.ErrorIs(t, err, sqlstore.ErrFileLost, name)
		require.NotErrorIs(t, err, store.ErrNotWritten, name)
	}
}
