package sqlstore_test

import (
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// Only "ok" means that a file is whole. tests/databases/sqlite damages real ones.
func TestCheckIntegrity(t *testing.T) {
	lines := func(lines ...string) func() (driver.Rows, error) {
		return func() (driver.Rows, error) {
			r := &fakeRows{columns: 1}
			for _, line := range lines {
				r.rows = append(r.rows, []driver.Value{line})
			}
			return r, nil
		}
	}
	failing := func(err error) func() (driver.Rows, error) { return func() (driver.Rows, error) { return nil, err } }
	cases := []struct {
		name   string
		answer func() (driver.Rows, error)
		want   error
	}{
		{"whole", lines("ok"), nil},
		{"a row missing", lines("row 1 missing from index sqlite_autoindex_totpflow_accounts_1"), sqlstore.ErrCorrupt},
		{"two lines", lines("ok", "ok"), sqlstore.ErrCorrupt},
		{"no line", lines(), sqlstore.ErrCorrupt},
		{"broken off", func() (driver.Rows, error) { return &fakeRows{columns: 1, end: errWire}, nil }, store.ErrUnavailable},
		{"too damaged", failing(errors.New("database disk image is malformed (11)")), sqlstore.ErrCorrupt},
		{"something else", failing(errors.New("file is not a database (26)")), sqlstore.ErrCorrupt},
		{"no answer", failing(errWire), store.ErrUnavailable},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := &fake{query: map[string]func() (driver.Rows, error){"PRAGMA integrity_check": c.answer}}
		require.ErrorIs(t, sqlstore.New(f.open(t), sqlstore.SQLite).CheckIntegrity(t.Context()), c.want, c.name)
	}
	for _, d := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL} {
		f := new(fake)
		require.NoError(t, sqlstore.New(f.open(t), d).CheckIntegrity(t.Context()))
		require.Empty(t, f.asked)
	}
	require.ErrorIs(t, sqlstore.New(nil, sqlstore.Dialect{}).CheckIntegrity(t.Context()), sqlstore.ErrDialect)
}
