package mariadb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// Many processes start at once on an empty database.
func TestMigrateConcurrently(t *testing.T) {
	for range 3 {
		kind.MigrateTogether(t, database(t))
	}
}

// Every definition is committed separately: a process that dies between two of them is
// followed by one that continues.
func TestMigrateGoesOn(t *testing.T) {
	for _, undo := range []string{
		"DELETE FROM totpflow_schema", "DROP TABLE totpflow_schema", "DROP TABLE totpflow_schema, totpflow_accounts",
	} {
		_, db := open(t, database(t))
		_, err := db.Exec(undo)
		require.NoError(t, err)
		s := sqlstore.New(db, sqlstore.MySQL)
		require.NoError(t, s.Migrate(t.Context()), undo)
		require.Equal(t, []string{"1"}, engine.Column(t, db, `SELECT number FROM totpflow_schema`))
		require.NoError(t, race.Step(t.Context(), s))
	}
}

// While somebody has the lock, Migrate waits as long as its context lasts.
func TestMigrateWaits(t *testing.T) {
	dsn := database(t)
	db := dial(t, dsn)
	holder, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = holder.ExecContext(t.Context(), `DO GET_LOCK(CONCAT('totpflow', SHA2(DATABASE(), 224)), 0)`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s := sqlstore.New(db, sqlstore.MySQL)
	err = s.Migrate(ctx)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	other, _ := open(t, database(t)) // the lock belongs to one database
	require.NoError(t, race.Step(t.Context(), other))

	// The owner's connection ends, and with it the lock.
	require.ErrorIs(t, holder.Raw(func(any) error { return driver.ErrBadConn }), driver.ErrBadConn)
	require.NoError(t, s.Migrate(t.Context()))
}

// The schema as the server stores it, and a database made by the first version, which
// must stay readable for ever.
func TestSchemaGolden(t *testing.T) {
	kind.Golden(t, database(t), database(t, "multiStatements=true"), map[string]string{
		"columns": `SELECT CONCAT_WS(' ', table_name, column_name, column_type, IFNULL(collation_name, 'binary'), is_nullable)
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
		"indexes": `SELECT CONCAT_WS(' ', table_name, index_name, seq_in_index, column_name, non_unique)
FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index`,
		"constraints": `SELECT CONCAT_WS(' ', table_name, check_clause)
FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() ORDER BY table_name, check_clause`,
		"engines":    `SELECT CONCAT_WS(' ', table_name, engine) FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name`,
		"migrations": `SELECT number FROM totpflow_schema`,
		"record":     `SELECT CONCAT_WS(' ', tenant, user_id, HEX(version), state, HEX(sealed), updated, due) FROM totpflow_accounts`,
	})
}

// The database itself refuses these rows, should a statement ever be wrong.
func TestSchemaRefuses(t *testing.T) {
	_, db := open(t, database(t))
	for name, values := range map[string]string{
		"short version":    `'', 'a', 'x', '', '', 0, NULL`,
		"long version":     `'', 'a', REPEAT('x', 17), '', '', 0, NULL`,
		"no user":          `'', '', REPEAT('x', 16), '', '', 0, NULL`,
		"null tenant":      `NULL, 'a', REPEAT('x', 16), '', '', 0, NULL`,
		"null sealed":      `'', 'a', REPEAT('x', 16), '', NULL, 0, NULL`,
		"long user":        `'', REPEAT('x', 191), REPEAT('x', 16), '', '', 0, NULL`,
		"sealed too large": `'', 'a', REPEAT('x', 16), '', REPEAT('x', 65537), 0, NULL`,
	} {
		_, err := db.Exec(`INSERT INTO totpflow_accounts VALUES (` + values + `)`)
		// ER_CONSTRAINT_FAILED, ER_DATA_TOO_LONG, ER_BAD_NULL_ERROR
		require.Contains(t, []uint16{4025, 1406, 1048}, code(err), "%s: %v", name, err)
	}
}

func TestMigrateRefusesNewerSchema(t *testing.T) {
	s, db := open(t, database(t))
	engine.RefuseNewerSchema(t, s, db)
}

// Settings of the connection, of the table and of the server.
func TestMigrateRefusesSettings(t *testing.T) {
	for parameters, want := range map[string]error{
		"autocommit=0": sqlstore.ErrNotDurable,
		"charset=utf8mb4&character_set_client=latin1":        sqlstore.ErrEncoding,
		"innodb_snapshot_isolation=ON&clientFoundRows=false": nil,
	} {
		db := dial(t, database(t, parameters))
		require.ErrorIs(t, sqlstore.New(db, sqlstore.MySQL).Migrate(t.Context()), want, parameters)
	}
	s, db := open(t, database(t))
	for _, engine := range []string{"MyISAM", "Aria", "MEMORY"} {
		statement := `ALTER TABLE totpflow_accounts ENGINE = ` + engine
		if engine == "MEMORY" {
			statement = `ALTER TABLE totpflow_accounts MODIFY sealed VARBINARY(1000) NOT NULL, ENGINE = MEMORY`
		}
		_, err := db.Exec(statement)
		require.NoError(t, err)
		require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable, engine)
	}

	own, err := servers.StartMariaDB("log-bin=binlog") // with sync_binlog=0, MariaDB's default
	require.NoError(t, err)
	defer own.Close()
	db = dial(t, own.DSN("mysql"))
	s = sqlstore.New(db, sqlstore.MySQL)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	for _, c := range []struct {
		statement string
		want      error
	}{
		{"SET GLOBAL sync_binlog = 1", nil},
		{"SET GLOBAL innodb_flush_log_at_trx_commit = 2", sqlstore.ErrNotDurable},
		{"SET GLOBAL innodb_flush_log_at_trx_commit = 1", nil},
		{"SET GLOBAL read_only = ON", sqlstore.ErrNotPrimary},
	} {
		_, err = db.Exec(c.statement)
		require.NoError(t, err)
		require.ErrorIs(t, s.Migrate(t.Context()), c.want, c.statement)
	}
}

// Without Migrate there is no table: nobody is "never enrolled" because of it.
func TestNotMigrated(t *testing.T) {
	db := dial(t, database(t))
	s := sqlstore.New(db, sqlstore.MySQL)
	_, err := s.Get(t.Context(), race.Alice)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.Equal(t, uint16(1146), code(err), "%v", err) // ER_NO_SUCH_TABLE
	require.ErrorContains(t, err, "call Migrate first")
	require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
	for name, other := range map[string]sqlstore.Dialect{"SQLite": sqlstore.SQLite, "PostgreSQL": sqlstore.PostgreSQL} {
		require.ErrorContains(t, sqlstore.New(db, other).Migrate(t.Context()), "perhaps this database is not "+name)
	}
}

// Once somebody else has migrated, a program needs only the rights to read and write the
// two tables.
func TestFewRights(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	for _, statement := range []string{
		`CREATE OR REPLACE USER modest@'127.0.0.1'`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON totpflow_accounts TO modest@'127.0.0.1'`, `GRANT SELECT ON totpflow_schema TO modest@'127.0.0.1'`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	s, _ := open(t, strings.Replace(dsn, "root@", "modest@", 1))
	require.NoError(t, race.Step(t.Context(), s))
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), race.Alice, rec.Version))
}

// code returns the number of the driver's error inside, 0 if there is none.
func code(err error) uint16 {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return 0
	}
	return e.Number
}
