package sqlstore_test

import (
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// A caller who forgot Migrate gets a hint beside the driver's own error; nobody else
// does. The words are those of the drivers, see tests/databases/sqlite,
// tests/databases/postgres and tests/databases/mariadb.
func TestForgottenMigrate(t *testing.T) {
	cases := []struct {
		dialect sqlstore.Dialect
		err     error
		absent  bool
	}{
		{sqlstore.SQLite, errors.New("SQL logic error: no such table: totpflow_accounts (1)"), true},
		{sqlstore.SQLite, errors.New("no such table: totpflow_accounts"), true},
		{sqlstore.SQLite, errors.New("database is locked (5) (SQLITE_BUSY)"), false},
		{sqlstore.PostgreSQL, pgError("42P01"), true},
		{sqlstore.PostgreSQL, pgError("42501"), false}, // insufficient_privilege: the table exists
		{sqlstore.MySQL, errors.New("Error 1146 (42S02): Table 'app.totpflow_accounts' doesn't exist"), true},
		{sqlstore.MySQL, errors.New("Error 1142 (42000): SELECT command denied to user"), false},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		for name, call := range calls(sqlstore.New(failing(func() error { return c.err }).open(t), c.dialect)) {
			err := call(t.Context())
			require.ErrorIs(t, err, c.err, name)
			require.ErrorContains(t, err, c.err.Error(), name)
			require.NotErrorIs(t, err, store.ErrNotFound, name)
			if c.absent {
				require.ErrorContains(t, err, "call Migrate first", name)
			} else {
				require.NotContains(t, err.Error(), "Migrate", name)
			}
		}
	}
}

// A database that does not understand the first questions may not be of the kind that New
// was given.
func TestWrongDialect(t *testing.T) {
	cases := []struct {
		dialect sqlstore.Dialect
		err     error
		says    string // empty: nothing
	}{
		{sqlstore.PostgreSQL, errors.New("SQL logic error: no such function: pg_is_in_recovery (1)"), "not PostgreSQL"},
		{sqlstore.PostgreSQL, errors.New("Error 1305 (42000): FUNCTION app.pg_is_in_recovery does not exist"), "not PostgreSQL"},
		{sqlstore.MySQL, errors.New(`SQL logic error: near "SHOW": syntax error (1)`), "not MySQL"},
		{sqlstore.MySQL, pgError("42601"), "not MySQL"},
		{sqlstore.SQLite, pgError("42601"), "not SQLite"},
		{sqlstore.SQLite, errors.New("Error 1064 (42000): You have an error in your SQL syntax"), "not SQLite"},
		{sqlstore.PostgreSQL, pgError("08006"), ""},
		{sqlstore.MySQL, errors.New("Error 1045 (28000): Access denied"), ""},
		{sqlstore.SQLite, errors.New("file is not a database (26)"), ""},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := &fake{query: map[string]func() (driver.Rows, error){"": func() (driver.Rows, error) { return nil, c.err }}}
		err := sqlstore.New(f.open(t), c.dialect).Migrate(t.Context())
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, err, c.err)
		if c.says == "" {
			require.NotContains(t, err.Error(), "perhaps", c.err)
			continue
		}
		require.ErrorContains(t, err, "perhaps this database is "+c.says)
	}
}
