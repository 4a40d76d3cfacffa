package sqlstore_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// row answers a query with one row.
func row(values ...driver.Value) func() (driver.Rows, error) {
	return func() (driver.Rows, error) {
		return &fakeRows{columns: len(values), rows: [][]driver.Value{values}}, nil
	}
}

// migrated answers the questions of Migrate as a PostgreSQL or MySQL server does that was
// migrated before.
func migrated() *fake {
	return &fake{query: map[string]func() (driver.Rows, error){
		"SELECT pg_is_in_recovery()": row(false, "off", "on", "on", "", "UTF8", "UTF8"),
		"SHOW SESSION VARIABLES":     variables(nil),
		"SELECT count(*)":            value(int64(1)),
		"SELECT coalesce(max":        value(int64(1)),
		"SELECT relpersistence":      value("p"),
		"WITH policies":              value(false),
		"SELECT coalesce(engine":     value("InnoDB"),
	}}
}

// newborn answers as a new database does: it has no ledger, and has the table of accounts
// after that was made.
func newborn(f *fake) func() (driver.Rows, error) {
	return func() (driver.Rows, error) {
		args := f.last()
		name, _ := args[len(args)-1].Value.(string)
		made := slices.ContainsFunc(f.asked, func(s string) bool {
			return strings.Contains(s, "CREATE TABLE") && strings.Contains(s, "accounts (")
		})
		if strings.HasSuffix(name, "schema") || strings.HasSuffix(name, "accounts") && !made {
			return value(int64(0))()
		}
		return value(int64(1))()
	}
}

// variables returns those of a MySQL server, with changes; an empty one is unknown to the
// server.
func variables(changes map[string]string) func() (driver.Rows, error) {
	all := map[string]string{
		"read_only": "OFF", "innodb_read_only": "OFF", "autocommit": "ON", "innodb_flush_log_at_trx_commit": "1",
		"innodb_flush_method": "O_DIRECT", "log_bin": "OFF", "sync_binlog": "0", "character_set_client": "utf8mb4", "character_set_connection": "utf8mb4",
	}
	maps.Copy(all, changes)
	return func() (driver.Rows, error) {
		rows := &fakeRows{columns: 2}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if all[name] != "" {
				rows.rows = append(rows.rows, []driver.Value{name, all[name]})
			}
		}
		return rows, nil
	}
}

func TestMigratePostgreSQLSettings(t *testing.T) {
	cases := []struct {
		name string
		row  []driver.Value
		want error
	}{
		{"as installed", []driver.Value{false, "off", "on", "on", "", "UTF8", "UTF8"}, nil},
		{"synchronous_commit local", []driver.Value{false, "off", "on", "local", "", "UTF8", "UTF8"}, nil},
		{"synchronous_commit local with standbys", []driver.Value{false, "off", "on", "local", "*", "UTF8", "UTF8"}, sqlstore.ErrNotDurable},
		{"synchronous_commit on with standbys", []driver.Value{false, "off", "on", "on", "*", "UTF8", "UTF8"}, nil},
		{"synchronous_commit remote_apply", []driver.Value{false, "off", "on", "remote_apply", "", "UTF8", "UTF8"}, nil},
		{"synchronous_commit off", []driver.Value{false, "off", "on", "off", "", "UTF8", "UTF8"}, sqlstore.ErrNotDurable},
		{"fsync off", []driver.Value{false, "off", "off", "on", "", "UTF8", "UTF8"}, sqlstore.ErrNotDurable},
		{"standby", []driver.Value{true, "off", "on", "on", "", "UTF8", "UTF8"}, sqlstore.ErrNotPrimary},
		{"read only", []driver.Value{false, "on", "on", "on", "", "UTF8", "UTF8"}, sqlstore.ErrNotPrimary},
		{"server encoding", []driver.Value{false, "off", "on", "on", "", "SQL_ASCII", "UTF8"}, sqlstore.ErrEncoding},
		{"client encoding", []driver.Value{false, "off", "on", "on", "", "UTF8", "LATIN1"}, sqlstore.ErrEncoding},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := migrated()
		f.query["SELECT pg_is_in_recovery()"] = row(c.row...)
		requireRefusal(t, sqlstore.New(f.open(t), sqlstore.PostgreSQL).Migrate(t.Context()), c.want, c.name)
	}
	for kind, want := range map[string]error{"p": nil, "u": sqlstore.ErrNotDurable, "t": sqlstore.ErrNotDurable} {
		f := migrated()
		f.query["SELECT relpersistence"] = value(kind)
		requireRefusal(t, sqlstore.New(f.open(t), sqlstore.PostgreSQL).Migrate(t.Context()), want, kind)
	}
}

// A setting that hides rows or takes a right away is refused by name; a table that is in
// the ledger but missing, or has been replaced, is lost, and not made again.
func TestMigrateRefusesTheTable(t *testing.T) {
	f := migrated()
	f.query["WITH policies"] = value(true)
	requireRefusal(t, sqlstore.New(f.open(t), sqlstore.PostgreSQL).Migrate(t.Context()), sqlstore.ErrRowSecurity, "row security")
	cases := []struct {
		dialect sqlstore.Dialect
		err     error
		want    error
	}{
		{sqlstore.PostgreSQL, pgError("42501"), sqlstore.ErrRights},
		{sqlstore.PostgreSQL, pgError("42703"), sqlstore.ErrTableLost},
		{sqlstore.MySQL, errors.New("Error 1142 (42000): DELETE command denied to user"), sqlstore.ErrRights},
		{sqlstore.MySQL, errors.New("Error 1143 (42000): UPDATE command denied to user 'Error 1054'"), sqlstore.ErrRights},
		{sqlstore.MySQL, errors.New("Error 1044 (42000): Access denied for user"), sqlstore.ErrRights},
		{sqlstore.MySQL, errors.New("Error 1054 (42S22): Unknown column 'due' in 'field list'"), sqlstore.ErrTableLost},
		{sqlstore.SQLite, errors.New("attempt to write a readonly database (8)"), sqlstore.ErrRights},
		{sqlstore.SQLite, errors.New("SQL logic error: no such column: due (1)"), sqlstore.ErrTableLost},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		for _, at := range []string{"SELECT tenant", "DELETE", "INSERT INTO totpflow_accounts", "UPDATE"} {
			f := migrated()
			maps.Copy(f.query, healthy().query)
			f.query["SELECT count(*)"] = value(int64(1))
			fail := func() (driver.Result, error) { return nil, c.err }
			f.exec = map[string]func() (driver.Result, error){at: fail}
			err := sqlstore.New(f.open(t), c.dialect).Migrate(t.Context())
			if !slices.ContainsFunc(f.asked, func(s string) bool { return strings.HasPrefix(s, at) }) {
				require.Equal(t, sqlstore.SQLite, c.dialect, "%s: its rights are the file's", at)
				continue
			}
			requireRefusal(t, err, c.want, at)
			require.ErrorIs(t, err, c.err)
		}
	}
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL, sqlstore.MySQL} {
		f := migrated()
		maps.Copy(f.query, healthy().query)
		f.query["SELECT count(*)"] = func() (driver.Rows, error) {
			args := f.last()
			if args[len(args)-1].Value == "totpflow_schema" {
				return value(int64(1))()
			}
			return value(int64(0))()
		}
		err := sqlstore.New(f.open(t), d).Migrate(t.Context())
		requireRefusal(t, err, sqlstore.ErrTableLost, d)
		require.ErrorContains(t, err, "totpflow_accounts is missing")
		require.NotContains(t, strings.Join(f.asked, ";"), "CREATE")
	}
}

func TestMigrateMySQLSettings(t *testing.T) {
	cases := []struct {
		changes map[string]string
		want    error
	}{
		{nil, nil},
		{map[string]string{"innodb_flush_log_at_trx_commit": "0"}, sqlstore.ErrNotDurable},
		{map[string]string{"innodb_flush_log_at_trx_commit": "2"}, sqlstore.ErrNotDurable},
		{map[string]string{"innodb_flush_log_at_trx_commit": "3"}, nil},
		{map[string]string{"innodb_flush_log_at_trx_commit": ""}, sqlstore.ErrNotDurable},
		{map[string]string{"innodb_flush_method": "nosync"}, sqlstore.ErrNotDurable},
		{map[string]string{"innodb_flush_method": "littlesync"}, sqlstore.ErrNotDurable},
		{map[string]string{"innodb_flush_method": "O_DSYNC"}, nil},
		{map[string]string{"innodb_flush_method": ""}, nil},
		{map[string]string{"log_bin": "ON"}, sqlstore.ErrNotDurable},
		{map[string]string{"log_bin": "ON", "sync_binlog": "1"}, nil},
		{map[string]string{"log_bin": "ON", "sync_binlog": "100"}, sqlstore.ErrNotDurable},
		{map[string]string{"autocommit": "OFF"}, sqlstore.ErrNotDurable},
		{map[string]string{"read_only": "ON"}, sqlstore.ErrNotPrimary},
		{map[string]string{"read_only": "NO_LOCK"}, sqlstore.ErrNotPrimary},
		{map[string]string{"innodb_read_only": "ON"}, sqlstore.ErrNotPrimary},
		{map[string]string{"wsrep_on": "ON", "wsrep_sync_wait": "0"}, sqlstore.ErrNotPrimary},
		{map[string]string{"wsrep_on": "ON", "wsrep_sync_wait": "6"}, sqlstore.ErrNotPrimary},
		{map[string]string{"wsrep_on": "ON"}, sqlstore.ErrNotPrimary},
		{map[string]string{"wsrep_on": "ON", "wsrep_sync_wait": "7"}, nil},
		{map[string]string{"wsrep_on": "OFF", "wsrep_sync_wait": "0"}, nil},
		{map[string]string{"character_set_client": "latin1"}, sqlstore.ErrEncoding},
		{map[string]string{"character_set_client": "latin1", "character_set_connection": "latin1"}, nil},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		f := migrated()
		f.query["SHOW SESSION VARIABLES"] = variables(c.changes)
		requireRefusal(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()), c.want, c.changes)
	}
	for engine, want := range map[string]error{"InnoDB": nil, "MyISAM": sqlstore.ErrNotDurable, "none": sqlstore.ErrNotDurable} {
		f := migrated()
		f.query["SELECT coalesce(engine"] = value(engine)
		requireRefusal(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()), want, engine)
	}
}

func requireRefusal(t *testing.T, err, want error, what any) {
	t.Helper()
	if want == nil {
		require.NoError(t, err, what)
		return
	}
	require.ErrorIs(t, err, want, what)
	require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
}

// If a setting cannot be read, it does not count as fine.
func TestMigrateCannotAsk(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL} {
		for question := range migrated().query {
			f := migrated()
			f.query[question] = func() (driver.Rows, error) { return nil, errWire }
			err := sqlstore.New(f.open(t), d).Migrate(t.Context())
			if !slices.ContainsFunc(f.asked, func(s string) bool { return strings.HasPrefix(s, question) }) {
				require.NoError(t, err, "the other database's question")
				continue
			}
			require.ErrorIs(t, err, store.ErrUnavailable, question)
			require.ErrorIs(t, err, errWire, question)
		}
	}
}

// A caller who waits too long for PostgreSQL's lock gives the connection back and asks
// again.
func TestMigratePostgreSQLLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, tries := migrated(), 0
		f.query["SELECT count(*)"] = newborn(f)
		f.exec = map[string]func() (driver.Result, error){"BEGIN": func() (driver.Result, error) {
			if tries++; tries < 3 {
				return nil, pgError("55P03")
			}
			return driver.RowsAffected(0), nil
		}}
		db := sql.OpenDB(f)
		defer db.Close()
		require.NoError(t, sqlstore.New(db, sqlstore.PostgreSQL).Migrate(t.Context()))
		require.Equal(t, 3, tries)
		require.Equal(t, "COMMIT", f.asked[len(f.asked)-1])
	})
}

// MySQL's lock is not a transaction. A caller who does not get it asks again; one who
// cannot give it back ends the connection, which releases it.
func TestMigrateMySQLLock(t *testing.T) {
	empty := func() *fake {
		f := migrated()
		f.query["SELECT count(*)"] = newborn(f)
		f.query["SELECT GET_LOCK"] = value(int64(1))
		return f
	}
	f := empty()
	require.NoError(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()))
	require.Zero(t, f.closed)

	f, held := empty(), 0
	f.query["SELECT GET_LOCK"] = func() (driver.Rows, error) {
		held++
		return row([]driver.Value{int64(0), nil, int64(1)}[min(held, 3)-1])()
	}
	require.NoError(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()))
	require.Equal(t, 3, held)

	f = empty()
	f.exec = map[string]func() (driver.Result, error){"DO RELEASE_LOCK": func() (driver.Result, error) { return nil, errWire }}
	require.NoError(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()))
	require.Equal(t, 1, f.closed)

	for _, at := range []string{"-- +goose Up", "-- The numbers of", "INSERT IGNORE INTO totpflow_schema"} {
		f = empty()
		f.exec = map[string]func() (driver.Result, error){at: func() (driver.Result, error) { return nil, errWire }}
		require.ErrorIs(t, sqlstore.New(f.open(t), sqlstore.MySQL).Migrate(t.Context()), errWire, at)
		require.Contains(t, f.asked[len(f.asked)-1], "RELEASE_LOCK", at)
	}
}
