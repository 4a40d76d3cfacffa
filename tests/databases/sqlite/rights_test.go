package sqlite_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/engine"
)

// A file that can only be read is refused when the product starts, not at the first
// sign-in.
func TestMissingRights(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		path := file(t)
		d.open(t, path, wal)
		db, err := d.dial(path, "mode=ro&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
		require.NoError(t, err)
		defer db.Close()
		err = sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrRights)
		require.NotErrorIs(t, err, store.ErrUnavailable)
	})
}

// A table that is gone, or that is not the one that was made, is not made again:
// otherwise nobody would have a second factor.
func TestLostTable(t *testing.T) {
	each(t, func(t *testing.T, d driver) { d.losses().Tables(t) })
}

// An index that is gone is made again: without it lists are slow, and not wrong.
func TestLostIndex(t *testing.T) {
	each(t, func(t *testing.T, d driver) { d.losses().Remade(t) })
}

func (d driver) losses() engine.Losses {
	return engine.Losses{
		Dialect: sqlstore.SQLite,
		Open:    func(t *testing.T) (*sqlstore.Store, *sql.DB) { return d.open(t, file(t), wal) },
		Indexes: `SELECT coalesce(sql, name) FROM sqlite_schema WHERE type = 'index' ORDER BY name`, DropIndex: []string{`DROP INDEX totpflow_accounts_state`, `DROP INDEX totpflow_accounts_due`},
	}
}

// The tables may have other names, and be made by somebody else from the exported
// files.
func TestNames(t *testing.T) {
	db, err := modernc.dial(file(t), wal)
	require.NoError(t, err)
	defer db.Close()
	named := sqlstore.SQLite.Named("", "acme_")
	for _, statement := range (engine.Engine{}).Files(t, named) {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	s := sqlstore.New(db, named)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()), "another store in the same file")
	storetest.Run(t, func(t *testing.T) store.Store {
		_, err := db.Exec(`DELETE FROM acme_accounts`)
		require.NoError(t, err)
		return engine.Damaging{Store: s, DB: db, Table: "acme_accounts"}
	})
}
