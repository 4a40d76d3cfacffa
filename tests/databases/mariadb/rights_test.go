package mariadb_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/engine"
)

// define runs statements, all of which succeed.
func define(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
}

// A user that lacks a right is refused when the product starts, not at the first sign-in.
func TestMissingRights(t *testing.T) {
	dsn := database(t)
	_, db := open(t, dsn)
	rights := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	for _, lacks := range append(rights, "ledger") {
		define(t, db, `CREATE OR REPLACE USER poor@'127.0.0.1'`)
		for _, right := range rights {
			if right != lacks {
				define(t, db, `GRANT `+right+` ON totpflow_accounts TO poor@'127.0.0.1'`)
			}
		}
		if lacks != "ledger" {
			define(t, db, `GRANT SELECT ON totpflow_schema TO poor@'127.0.0.1'`)
		}
		s := sqlstore.New(dial(t, strings.Replace(dsn, "root@", "poor@", 1)), sqlstore.MySQL)
		err := s.Migrate(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrRights, lacks)
		require.NotErrorIs(t, err, store.ErrUnavailable, lacks)
	}
}

// A table that is gone, or that is not the one that was made, is not made again:
// otherwise nobody would have a second factor.
func TestLostTable(t *testing.T) { losses.Tables(t) }

// An index that is gone is made again: without it lists are slow, and not wrong.
func TestLostIndex(t *testing.T) { losses.Remade(t) }

var losses = engine.Losses{
	Dialect: sqlstore.MySQL,
	Open:    func(t *testing.T) (*sqlstore.Store, *sql.DB) { return open(t, database(t)) },
	Indexes: `SELECT CONCAT_WS(' ', table_name, index_name, seq_in_index, column_name, non_unique)
FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index`,
	DropIndex: []string{`DROP INDEX totpflow_accounts_state ON totpflow_accounts`, `DROP INDEX totpflow_accounts_due ON totpflow_accounts`},
	Remakes:   true,
}

// The tables may have other names, be in another database, and be made by somebody
// else from the exported files; then Migrate needs no right to define anything.
func TestNames(t *testing.T) {
	dsn := database(t)
	db := dial(t, dsn)
	define(t, db, `CREATE DATABASE auth`, `CREATE OR REPLACE USER clerk@'127.0.0.1'`, `GRANT SELECT ON mysql.help_topic TO clerk@'127.0.0.1'`)
	named := sqlstore.MySQL.Named("auth", "acme_")
	define(t, db, kind.Files(t, named)...)
	define(t, db, `GRANT SELECT, INSERT, UPDATE, DELETE ON auth.acme_accounts TO clerk@'127.0.0.1'`, `GRANT SELECT ON auth.acme_schema TO clerk@'127.0.0.1'`)
	config := strings.Replace(dsn, "root@", "clerk@", 1)
	s := sqlstore.New(dial(t, config[:strings.LastIndexByte(config, '/')+1]+"mysql"), named)
	require.NoError(t, s.Migrate(t.Context()))
	storetest.Run(t, func(t *testing.T) store.Store {
		define(t, db, `DELETE FROM auth.acme_accounts`)
		return engine.Damaging{Store: s, DB: db, Table: "auth.acme_accounts"}
	})
	plain := sqlstore.New(db, sqlstore.MySQL)
	require.NoError(t, plain.Migrate(t.Context()), "another store on the same server")
	define(t, db, `DROP INDEX acme_accounts_due ON auth.acme_accounts`)
	missing := engine.Warned(func() { require.NoError(t, s.Migrate(t.Context()), "lists are slow, and not wrong") })
	require.Contains(t, missing, "CREATE INDEX acme_accounts_due ON")
	require.Empty(t, engine.Warned(func() { require.NoError(t, sqlstore.New(db, named).Migrate(t.Context()), "the owner makes it") }))
	require.Empty(t, engine.Warned(func() { require.NoError(t, s.Migrate(t.Context())) }))
	define(t, db, `ALTER TABLE auth.acme_accounts ENGINE = Aria`)
	require.ErrorIs(t, s.Migrate(t.Context()), sqlstore.ErrNotDurable)
	require.NoError(t, plain.Migrate(t.Context()))
}
