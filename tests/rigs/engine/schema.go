package engine

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/store/storetest"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Conformance runs the suite on the database.
func (e Engine) Conformance(t *testing.T, dsn string) {
	s, db := e.Open(t, dsn)
	storetest.Run(t, func(t *testing.T) store.Store {
		require.NoError(t, Clear(t.Context(), db))
		return Damaging{Store: s, DB: db}
	})
}

// A Damaging store can make a record unreadable.
type Damaging struct {
	*sqlstore.Store
	DB    *sql.DB
	Table string // the table of accounts, totpflow_accounts if empty
}

// Damage implements [storetest.Damager], with a time of a year that no record has.
func (d Damaging) Damage(ctx context.Context, id store.AccountID) error {
	const statement = `UPDATE %s SET updated = 9223372036854775807 WHERE tenant = '%s' AND user_id = '%s'`
	_, err := d.DB.ExecContext(ctx, fmt.Sprintf(statement, cmp.Or(d.Table, "totpflow_accounts"), id.Tenant, id.User)) // the suite's own ids
	return err
}

// Files returns the statements of the exported migrations, as a tool reads them.
func (Engine) Files(t testing.TB, d sqlstore.Dialect) (statements []string) {
	files, err := d.Migrations()
	require.NoError(t, err)
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		for statement := range strings.SplitSeq(string(b), ";\n") {
			if strings.TrimSpace(statement) != "" {
				statements = append(statements, statement)
			}
		}
	}
	require.NotEmpty(t, statements)
	return statements
}

// MigrateTogether has many processes start at once on the empty database.
func (e Engine) MigrateTogether(t *testing.T, dsn string) {
	require.NoError(t, race.Together("migrate", dsn, 4), dsn)
	s, db := e.Open(t, dsn)
	var number int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT MAX(number) FROM totpflow_schema`).Scan(&number))
	require.Equal(t, 1, number)
	require.NoError(t, s.Migrate(t.Context()), "again")
}

// migrator is a child: eight goroutines, each with its own pool.
func (e Engine) migrator(where string) error {
	return race.AtOnce(8, func() error {
		db, err := sql.Open(e.Driver, where)
		if err != nil {
			return err
		}
		defer db.Close()
		return sqlstore.New(db, e.Dialect).Migrate(context.Background())
	})
}

// Golden compares the schema of the one database, by queries of one column, with that of
// the other, into which testdata/v1.sql is read: a database made by the first version,
// which must stay readable for ever.
func (e Engine) Golden(t *testing.T, dsn, first string, queries map[string]string) {
	s, db := e.Open(t, dsn)
	rec := store.Record{
		ID: race.Alice, State: "active", Sealed: []byte("sealed\x00"),
		Version: store.Version{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Updated: time.Date(2026, 2, 28, 12, 0, 0, 123456000, time.UTC),
		Due:     time.Date(2026, 2, 28, 12, 2, 0, 123000000, time.UTC),
	}
	require.NoError(t, s.Put(t.Context(), rec, store.Version{}))
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.sql"))
	require.NoError(t, err)

	old := e.Dial(t, first)
	_, err = old.ExecContext(t.Context(), string(golden))
	require.NoError(t, err)
	for what, query := range queries {
		require.Equal(t, Column(t, old, query), Column(t, db, query), what)
	}
	s = sqlstore.New(old, e.Dialect)
	require.NoError(t, s.Migrate(t.Context()))
	back, err := s.Get(t.Context(), rec.ID)
	require.NoError(t, err)
	require.Equal(t, rec, back)
}

// RefuseNewerSchema checks that a schema newer than the code is refused.
func RefuseNewerSchema(t *testing.T, s *sqlstore.Store, db *sql.DB) {
	_, err := db.ExecContext(t.Context(), `INSERT INTO totpflow_schema VALUES (2)`)
	require.NoError(t, err)
	err = s.Migrate(t.Context())
	require.ErrorIs(t, err, sqlstore.ErrSchemaNewer)
	require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
}
