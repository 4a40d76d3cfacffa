package postgres_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// as opens a database as another role.
func as(t *testing.T, role, dsn string) *sql.DB {
	return dial(t, strings.Replace(dsn, "totpflow@", role+"@", 1))
}

// define runs statements, all of which succeed.
func define(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
}

// Row level security without a policy for the role makes everybody look as if they had
// never enrolled. Migrate refuses that, and each policy that does not let every row
// through.
func TestRowLevelSecurity(t *testing.T) {
	dsn := database(t)
	owner, db := open(t, dsn)
	require.NoError(t, race.Step(t.Context(), owner))
	define(t, db, `DROP ROLE IF EXISTS veiled`, `CREATE ROLE veiled LOGIN`, `GRANT USAGE ON SCHEMA public TO veiled`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON totpflow_accounts TO veiled`, `GRANT SELECT ON totpflow_schema TO veiled`)
	s := sqlstore.New(as(t, "veiled", dsn), sqlstore.PostgreSQL)
	require.NoError(t, s.Migrate(t.Context()))

	define(t, db, `ALTER TABLE totpflow_accounts ENABLE ROW LEVEL SECURITY`)
	_, err := s.Get(t.Context(), race.Alice)
	require.ErrorIs(t, err, store.ErrNotFound, "which is the danger")
	require.NoError(t, owner.Migrate(t.Context()), "the owner sees all")
	for _, c := range []struct {
		policies string
		want     error
	}{
		{``, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts USING (tenant = 'acme')`, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts TO CURRENT_USER USING (true)`, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts FOR SELECT USING (true)`, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts USING (true) WITH CHECK (tenant = 'acme')`, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts USING (true); CREATE POLICY q ON totpflow_accounts AS RESTRICTIVE USING (true)`, sqlstore.ErrRowSecurity},
		{`CREATE POLICY p ON totpflow_accounts USING (true)`, nil},
		{`CREATE POLICY p ON totpflow_accounts TO veiled USING (true)`, nil},
		{`CREATE POLICY p ON totpflow_accounts FOR SELECT USING (true); CREATE POLICY q ON totpflow_accounts FOR INSERT WITH CHECK (true);
CREATE POLICY r ON totpflow_accounts FOR UPDATE USING (true); CREATE POLICY s ON totpflow_accounts FOR DELETE USING (true)`, nil},
	} {
		define(t, db, `DROP POLICY IF EXISTS p ON totpflow_accounts`, `DROP POLICY IF EXISTS q ON totpflow_accounts`,
			`DROP POLICY IF EXISTS r ON totpflow_accounts`, `DROP POLICY IF EXISTS s ON totpflow_accounts`)
		if c.policies != "" {
			define(t, db, c.policies)
		}
		err := s.Migrate(t.Context())
		require.ErrorIs(t, err, c.want, c.policies)
		if c.want == nil {
			require.NoError(t, race.Step(t.Context(), s), c.policies)
			continue
		}
		require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
	}

	// With row_security=off the server says so at each statement, instead of hiding.
	define(t, db, `DROP POLICY p ON totpflow_accounts`)
	open := sqlstore.New(as(t, "veiled", dsn+"&row_security=off"), sqlstore.PostgreSQL)
	_, err = open.Get(t.Context(), race.Alice)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.Equal(t, "42501", code(err))
	require.ErrorIs(t, open.Migrate(t.Context()), sqlstore.ErrRowSecurity)
}

// A role that lacks a right is refused when the product starts, not at the first sign-in.
func TestMissingRights(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	define(t, db, `DROP ROLE IF EXISTS poor`, `CREATE ROLE poor LOGIN`, `REVOKE ALL ON SCHEMA public FROM PUBLIC`, `GRANT USAGE ON SCHEMA public TO poor`)
	rights := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	s := sqlstore.New(as(t, "poor", dsn), sqlstore.PostgreSQL)
	for _, lacks := range append(rights, "ledger") {
		define(t, db, `REVOKE ALL ON totpflow_accounts, totpflow_schema FROM poor`)
		for _, right := range rights {
			if right != lacks {
				define(t, db, `GRANT `+right+` ON totpflow_accounts TO poor`)
			}
		}
		if lacks != "ledger" {
			define(t, db, `GRANT SELECT ON totpflow_schema TO poor`)
		}
		err := s.Migrate(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrRights, lacks)
		require.NotErrorIs(t, err, store.ErrUnavailable, lacks)
		require.Equal(t, "42501", code(err), lacks)
	}
	define(t, db, `DROP TABLE totpflow_accounts, totpflow_schema`)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrRights, "none to create them")
}

// A table that is gone, or that is not the one that was made, is not made again:
// otherwise nobody would have a second factor.
func TestLostTable(t *testing.T) { losses.Tables(t) }

// An index that is gone is made again: without it lists are slow, and not wrong.
func TestLostIndex(t *testing.T) { losses.Remade(t) }

// PostgreSQL does not use an index that is not valid, such as one that CREATE INDEX
// CONCURRENTLY could not finish. Its name is taken, so it has to be dropped by hand. Nor
// does a list use an index of some of the rows.
func TestIndexOfNoUse(t *testing.T) {
	s, db := open(t, database(t))
	define(t, db, `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'totpflow_accounts_state'::regclass`)
	log := engine.Warned(func() { require.NoError(t, s.Migrate(t.Context())) })
	require.Contains(t, log, "CREATE INDEX totpflow_accounts_state ON")
	require.Contains(t, log, "already exists")
	require.NotContains(t, log, "totpflow_accounts_due")
	define(t, db, `DROP INDEX totpflow_accounts_state`, `CREATE INDEX CONCURRENTLY totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id)`)
	require.Empty(t, engine.Warned(func() { require.NoError(t, s.Migrate(t.Context())) }))

	for _, c := range []struct {
		column, where string
		serves        bool
	}{
		{"due", ``, true},
		{"due", ` WHERE due IS NOT NULL`, true},
		{"due", ` WHERE due > 5`, false},
		{"due", ` WHERE tenant = 'acme'`, false},
		{"state", ` WHERE due IS NOT NULL`, false},
	} {
		define(t, db, `DROP INDEX totpflow_accounts_`+c.column, `CREATE INDEX other ON totpflow_accounts (`+c.column+`, tenant, user_id)`+c.where)
		require.NoError(t, s.Migrate(t.Context()))
		var made bool
		require.NoError(t, db.QueryRow(`SELECT to_regclass('totpflow_accounts_`+c.column+`') IS NOT NULL`).Scan(&made))
		require.Equal(t, c.serves, !made, c)
		define(t, db, `DROP INDEX other`)
		require.NoError(t, s.Migrate(t.Context()))
	}
}

var losses = engine.Losses{
	Dialect:   sqlstore.PostgreSQL,
	Open:      func(t *testing.T) (*sqlstore.Store, *sql.DB) { return open(t, database(t)) },
	Indexes:   `SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'totpflow%' ORDER BY 1`,
	DropIndex: []string{`DROP INDEX totpflow_accounts_state`, `DROP INDEX totpflow_accounts_due`},
}

// The tables may have other names, be in another schema, and be made by somebody
// else from the exported files; then Migrate needs no right to define anything.
func TestNames(t *testing.T) {
	dsn := database(t)
	db := dial(t, dsn)
	define(t, db, `CREATE SCHEMA auth`, `DROP ROLE IF EXISTS clerk`, `CREATE ROLE clerk LOGIN`, `GRANT USAGE ON SCHEMA auth TO clerk`)
	named := sqlstore.PostgreSQL.Named("auth", "acme_")
	for _, statement := range kind.Files(t, named) {
		define(t, db, statement)
	}
	define(t, db, `GRANT SELECT, INSERT, UPDATE, DELETE ON auth.acme_accounts TO clerk`, `GRANT SELECT ON auth.acme_schema TO clerk`)
	s := sqlstore.New(as(t, "clerk", dsn), named)
	require.NoError(t, s.Migrate(t.Context()))
	storetest.Run(t, func(t *testing.T) store.Store {
		define(t, db, `DELETE FROM auth.acme_accounts`)
		return engine.Damaging{Store: s, DB: db, Table: "auth.acme_accounts"}
	})
	plain := sqlstore.New(db, sqlstore.PostgreSQL)
	require.NoError(t, plain.Migrate(t.Context()), "another store in the same database")
	require.NoError(t, sqlstore.New(db, named).Migrate(t.Context()))

	define(t, db, `DROP INDEX auth.acme_accounts_due`)
	missing := engine.Warned(func() { require.NoError(t, s.Migrate(t.Context()), "lists are slow, and not wrong") })
	require.Contains(t, missing, "CREATE INDEX acme_accounts_due ON")
	require.Empty(t, engine.Warned(func() { require.NoError(t, sqlstore.New(db, named).Migrate(t.Context()), "the owner makes it") }))
	require.Empty(t, engine.Warned(func() { require.NoError(t, s.Migrate(t.Context())) }))

	define(t, db, `ALTER TABLE auth.acme_accounts SET UNLOGGED`)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	require.NoError(t, plain.Migrate(t.Context()))
}

// Using a pgxpool takes one line.
func TestPgxpool(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), database(t))
	require.NoError(t, err)
	defer pool.Close()
	s := sqlstore.New(stdlib.OpenDBFromPool(pool), sqlstore.PostgreSQL)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, race.Step(t.Context(), s))
	require.Equal(t, uint64(1), race.Count(get(t, s)))
}

func get(t *testing.T, s store.Store) store.Record {
	rec, err := s.Get(t.Context(), race.Alice)
	require.NoError(t, err)
	return rec
}

// When all connections die at once, reads are repeated on a live one: a caller that only
// reads does not notice.
func TestDeadConnections(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn)
	admin := dial(t, server.DSN("postgres"))
	require.NoError(t, race.Step(t.Context(), s))
	for round := range 5 {
		busy := fill16(t, db) // so that there are sixteen to die
		for _, conn := range busy {
			require.NoError(t, conn.Close())
		}
		_, err := admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, nameOf(dsn))
		require.NoError(t, err)
		answers := make([]error, 8)
		var over sync.WaitGroup
		for i := range answers {
			over.Go(func() { _, answers[i] = s.Get(t.Context(), race.Alice) })
		}
		over.Wait()
		for i, err := range answers {
			require.NoError(t, err, fmt.Sprint(round, i))
		}
	}
}

// fill16 takes all connections of the pool. Dead connections that are still in the pool are
// removed from it.
func fill16(t *testing.T, db *sql.DB) (all []*sql.Conn) {
	for tried := 0; len(all) < 16; tried++ {
		require.Less(t, tried, 64)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		if conn.PingContext(t.Context()) != nil {
			_ = conn.Close() // it may be closed already
			continue
		}
		all = append(all, conn)
	}
	return all
}

func nameOf(dsn string) string {
	return dsn[strings.LastIndexByte(dsn, '/')+1 : strings.IndexByte(dsn, '?')]
}
