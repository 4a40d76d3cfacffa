package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Many processes start at once on an empty database, whatever isolation their connections
// have: a process that has waited must see what was done meanwhile.
func TestMigrateConcurrently(t *testing.T) {
	for _, isolation := range []string{"read%20committed", "repeatable%20read", "serializable"} {
		kind.MigrateTogether(t, database(t, "default_transaction_isolation="+isolation))
	}
}

// While somebody has the lock, Migrate waits as long as its context lasts.
func TestMigrateWaits(t *testing.T) {
	db := dial(t, database(t))
	holder, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = holder.Exec(`SELECT pg_advisory_xact_lock(8390052656918065015)`)
	require.NoError(t, err)
	s := sqlstore.New(db, sqlstore.PostgreSQL)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = s.Migrate(ctx)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, holder.Rollback())
	require.NoError(t, s.Migrate(t.Context()))
}

// The schema as PostgreSQL stores it, and a database made by the first version, which
// must stay readable for ever.
func TestSchemaGolden(t *testing.T) {
	kind.Golden(t, database(t), database(t), map[string]string{
		"columns": `SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, collation_name, is_nullable)
FROM information_schema.columns WHERE table_name LIKE 'totpflow%' ORDER BY table_name, ordinal_position`,
		"indexes":     `SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'totpflow%' ORDER BY 1`,
		"constraints": `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text LIKE 'totpflow%' ORDER BY 1`,
		"migrations":  `SELECT number::text FROM totpflow_schema`,
		"record": `SELECT format('%s %s %s %s %s %s %s', tenant, user_id, encode(version, 'hex'), state, encode(sealed, 'hex'), updated, due)
FROM totpflow_accounts`,
	})
}

// The database itself refuses these rows, should a statement ever be wrong.
func TestSchemaRefuses(t *testing.T) {
	_, db := open(t, database(t))
	for name, values := range map[string]string{
		"short version":    `'', 'a', '\x0011', '', '', 0, NULL`,
		"no user":          `'', '', decode(repeat('00', 16), 'hex'), '', '', 0, NULL`,
		"null tenant":      `NULL, 'a', decode(repeat('00', 16), 'hex'), '', '', 0, NULL`,
		"null sealed":      `'', 'a', decode(repeat('00', 16), 'hex'), '', NULL, 0, NULL`,
		"sealed too large": `'', 'a', decode(repeat('00', 16), 'hex'), '', decode(repeat('00', 65537), 'hex'), 0, NULL`,
	} {
		_, err := db.Exec(`INSERT INTO totpflow_accounts VALUES (` + values + `)`)
		require.Contains(t, []string{"23502", "23514"}, code(err), "%s: %v", name, err) // not_null_violation, check_violation
	}
}

func TestMigrateRefusesNewerSchema(t *testing.T) {
	s, db := open(t, database(t))
	engine.RefuseNewerSchema(t, s, db)
}

// Settings of the connection, of the database, of the table and of the server.
func TestMigrateRefusesSettings(t *testing.T) {
	for parameter, want := range map[string]error{
		"synchronous_commit=off":           sqlstore.ErrNotDurable,
		"default_transaction_read_only=on": sqlstore.ErrNotPrimary,
		"client_encoding=LATIN1":           sqlstore.ErrEncoding,
		"synchronous_commit=local":         nil,
	} {
		db := dial(t, database(t, parameter))
		require.ErrorIs(t, sqlstore.New(db, sqlstore.PostgreSQL).Migrate(t.Context()), want, parameter)
	}
	for statement, want := range map[string]error{
		`ALTER DATABASE %s SET synchronous_commit = off`:                         sqlstore.ErrNotDurable,
		`CREATE DATABASE %s_latin ENCODING LATIN1 LOCALE "C" TEMPLATE template0`: sqlstore.ErrEncoding,
	} {
		dsn := database(t)
		name := dsn[strings.LastIndexByte(dsn, '/')+1 : strings.IndexByte(dsn, '?')]
		_, err := dial(t, dsn).Exec(strings.ReplaceAll(statement, "%s", name))
		require.NoError(t, err)
		if want == sqlstore.ErrEncoding {
			dsn = server.DSN(name + "_latin")
		}
		require.ErrorIs(t, sqlstore.New(dial(t, dsn), sqlstore.PostgreSQL).Migrate(t.Context()), want, statement)
	}
	s, db := open(t, database(t))
	_, err := db.Exec(`ALTER TABLE totpflow_accounts SET UNLOGGED`)
	require.NoError(t, err)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	for setting, parameter := range map[string]string{"fsync=off": "", synchronous: "&synchronous_commit=local"} {
		db := dial(t, begin(t, setting).DSN("postgres")+parameter)
		require.ErrorIs(t, sqlstore.New(db, sqlstore.PostgreSQL).Migrate(t.Context()), sqlstore.ErrNotDurable, setting)
	}
}

// Without Migrate there is no table: nobody is "never enrolled" because of it.
func TestNotMigrated(t *testing.T) {
	db := dial(t, database(t))
	s := sqlstore.New(db, sqlstore.PostgreSQL)
	_, err := s.Get(t.Context(), race.Alice)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.Equal(t, "42P01", code(err), "%v", err) // undefined_table
	require.ErrorContains(t, err, "call Migrate first")
	require.ErrorIs(t, race.Step(t.Context(), s), store.ErrUnavailable)
	for name, other := range map[string]sqlstore.Dialect{"SQLite": sqlstore.SQLite, "MySQL": sqlstore.MySQL} {
		require.ErrorContains(t, sqlstore.New(db, other).Migrate(t.Context()), "perhaps this database is not "+name)
	}
}

// Once somebody else has migrated, a program needs only the rights to read and write the
// two tables.
func TestFewRights(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	for _, statement := range []string{
		`DROP ROLE IF EXISTS modest`, `CREATE ROLE modest LOGIN`, `REVOKE ALL ON SCHEMA public FROM PUBLIC`, `GRANT USAGE ON SCHEMA public TO modest`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON totpflow_accounts TO modest`, `GRANT SELECT ON totpflow_schema TO modest`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	s, _ := open(t, strings.Replace(dsn, "totpflow@", "modest@", 1))
	require.NoError(t, race.Step(t.Context(), s))
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), race.Alice, rec.Version))
}

// code returns the SQLSTATE of the driver's error inside, "" if there is none.
func code(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}
