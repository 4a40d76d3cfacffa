package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/engine"
	"github.com/totpflow/totpflow/tests/rigs/race"
)

// Many processes start at once on a file that does not exist yet.
func TestMigrateConcurrently(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		for range migrateRounds {
			path := file(t)
			require.NoError(t, race.Together("migrate", d.where(path), 8))
			s, db := d.open(t, path, wal)
			require.Equal(t, []string{"1"}, engine.Column(t, db, `SELECT number FROM totpflow_schema`))
			require.NoError(t, s.Migrate(t.Context()), "again")
		}
	})
}

// migrator is a child: eight goroutines, each with its own pool.
func migrator(where string) error {
	return race.AtOnce(8, func() error {
		db, err := dialWhere(where)
		if err != nil {
			return err
		}
		defer db.Close()
		return sqlstore.New(db, sqlstore.SQLite).Migrate(context.Background())
	})
}

// The schema as SQLite stores it, the record's columns, and a file made by the first
// version, which must stay readable for ever.
func TestSchemaGolden(t *testing.T) {
	s, db := modernc.open(t, file(t), wal)
	rec := store.Record{
		ID: store.AccountID{Tenant: "acme", User: "alice"}, State: "active", Sealed: []byte("sealed\x00"),
		Version: store.Version{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Updated: time.Date(2026, 2, 28, 12, 0, 0, 123456000, time.UTC),
		Due:     time.Date(2026, 2, 28, 12, 2, 0, 123000000, time.UTC),
	}
	require.NoError(t, s.Put(t.Context(), rec, store.Version{}))

	var got strings.Builder
	for _, statement := range engine.Column(t, db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`) {
		fmt.Fprintf(&got, "%s;\n", statement)
	}
	for _, row := range engine.Column(t, db, `SELECT format('INSERT INTO totpflow_schema VALUES (%d);', number) FROM totpflow_schema`) {
		fmt.Fprintln(&got, row)
	}
	for _, row := range engine.Column(t, db, `SELECT format('INSERT INTO totpflow_accounts VALUES (%Q, %Q, x''%s'', %Q, x''%s'', %d, %d);',
		tenant, user_id, lower(hex(version)), state, lower(hex(sealed)), updated, due) FROM totpflow_accounts`) {
		fmt.Fprintln(&got, row)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.sql"))
	require.NoError(t, err)
	require.Equal(t, string(golden), got.String())

	path := file(t)
	old, err := modernc.dial(path, wal)
	require.NoError(t, err)
	_, err = old.Exec(string(golden))
	require.NoError(t, err)
	require.NoError(t, old.Close())
	s, _ = modernc.open(t, path, wal)
	back, err := s.Get(t.Context(), rec.ID)
	require.NoError(t, err)
	require.Equal(t, rec, back)
}

// The file itself refuses these rows, should a statement ever be wrong.
func TestSchemaRefuses(t *testing.T) {
	_, db := modernc.open(t, file(t), wal)
	for name, values := range map[string]string{
		"text as a number": `'', 'a', zeroblob(16), '', x'', 'yesterday', NULL`,
		"text as bytes":    `'', 'a', '0123456789abcdef', '', x'', 0, NULL`,
		"short version":    `'', 'a', zeroblob(15), '', x'', 0, NULL`,
		"no user":          `'', '', zeroblob(16), '', x'', 0, NULL`,
		"null tenant":      `NULL, 'a', zeroblob(16), '', x'', 0, NULL`,
		"null sealed":      `'', 'a', zeroblob(16), '', NULL, 0, NULL`,
		"sealed too large": `'', 'a', zeroblob(16), '', zeroblob(65537), 0, NULL`,
		"time as fraction": `'', 'a', zeroblob(16), '', x'', 0.5, NULL`,
		"due as text":      `'', 'a', zeroblob(16), '', x'', 0, 'soon'`,
	} {
		_, err := db.Exec(`INSERT INTO totpflow_accounts VALUES (` + values + `)`)
		require.Equal(t, sqlite3.SQLITE_CONSTRAINT, modernc.code(err), "%s: %v", name, err)
	}
}

func TestMigrateRefusesNewerSchema(t *testing.T) {
	s, db := modernc.open(t, file(t), wal)
	engine.RefuseNewerSchema(t, s, db)
}

func TestMigrateRefusesWhatIsNotDurable(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		for _, settings := range []string{
			"_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)",
			"_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)",
			"_pragma=synchronous(NORMAL)",
			"", // the defaults of a file: a rollback journal and FULL
			"_pragma=journal_mode(MEMORY)",
			"_pragma=journal_mode(OFF)",
			"mode=memory",
		} {
			db, err := d.dial(file(t), settings)
			require.NoError(t, err)
			require.ErrorIs(t, sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()), sqlstore.ErrNotDurable, settings)
			require.NoError(t, db.Close())
		}
	})
}

// Without a busy timeout nearly all people who sign in at once would be refused.
func TestMigrateRefusesWritersThatDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, d driver) {
		db, err := d.dial(file(t), "_pragma=busy_timeout(0)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
		require.NoError(t, err)
		err = sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context())
		require.ErrorIs(t, err, sqlstore.ErrBusyTimeout)
		require.NotErrorIs(t, err, store.ErrUnavailable, "trying again does not help")
		require.NoError(t, db.Close())
	})
}
