package sqlstore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store/sqlstore"
)

// A reader of a WAL waits for nobody, so its caller reads without another goroutine. In
// every other case a read may wait, and its caller can leave when the context ends.
func TestReadsWithoutAnotherGoroutine(t *testing.T) {
	cases := []struct {
		name    string
		dialect sqlstore.Dialect
		journal string
		migrate bool
		same    bool
	}{
		{"a WAL", sqlstore.SQLite, "wal", true, true},
		{"a WAL before Migrate", sqlstore.SQLite, "wal", false, false},
		{"a rollback journal", sqlstore.SQLite, "delete", true, false},
		{"PostgreSQL", sqlstore.PostgreSQL, "", true, false},
		{"MySQL", sqlstore.MySQL, "", true, false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := reading(c.dialect)
		if c.journal != "" {
			f.query["PRAGMA synchronous"], f.query["PRAGMA journal_mode"] = value(int64(3)), value(c.journal)
		}
		s := sqlstore.New(f.open(t), c.dialect)
		if c.migrate {
			require.NoError(t, s.Migrate(t.Context()), c.name)
		}
		for _, name := range []string{"Get", "List", "Count"} {
			require.NoError(t, calls(s)[name](t.Context()), c.name)
			require.Equal(t, c.same, f.caller == goroutine(), "%s: %s", c.name, name)
		}
	}
}

// SQLite reads the text of each statement once for each connection. The store prepares
// nothing on a server: behind a pool that gives every transaction another connection, the
// statement would not be there.
func TestPreparesOnce(t *testing.T) {
	for _, d := range dialects() {
		f := reading(d)
		db := f.open(t)
		db.SetMaxOpenConns(1)
		s := sqlstore.New(db, d)
		require.NoError(t, s.Migrate(t.Context()))
		f.asked, f.prepared = nil, nil
		for range 3 {
			for name, call := range calls(s) {
				require.NoError(t, call(t.Context()), name)
			}
		}
		if d != sqlstore.SQLite {
			require.Empty(t, f.prepared, d)
			continue
		}
		once := slices.Sorted(slices.Values(f.asked))
		require.Len(t, once, 3*len(calls(s)))
		require.Equal(t, slices.Compact(once), slices.Sorted(slices.Values(f.prepared)))
	}
}

// reading answers the questions of Migrate and every call, as a migrated database of the
// dialect does.
func reading(d sqlstore.Dialect) *fake {
	f := failing(func() error { return nil })
	migrated := migrated()
	for question, answer := range migrated.query {
		f.query[question] = answer
	}
	if d == sqlstore.SQLite {
		for question, answer := range healthy().query {
			if !strings.HasPrefix(question, "SELECT") {
				f.query[question] = answer
			}
		}
	}
	return f
}
