package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/database"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// product makes the file as a product does when it starts.
func product(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	require.NoError(t, sqlstore.New(db, sqlstore.SQLite).Migrate(context.Background()))
	return db
}

func parse(t *testing.T, text string) database.URL {
	t.Helper()
	u, err := database.ParseURL(text)
	require.NoError(t, err)
	return u
}

func TestOpenSQLite(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "con sole?%41#.db")
	db, err := sql.Open("sqlite", "file:"+filepath.Dir(path)+"/con%20sole%3F%2541%23.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlstore.New(db, sqlstore.SQLite).Migrate(ctx))
	require.FileExists(t, path)

	d, err := database.Open(ctx, parse(t, "sqlite://"+filepath.Dir(path)+"/con%20sole%3F%2541%23.db"))
	require.NoError(t, err)
	defer d.Close()
	rec := store.Record{ID: store.AccountID{User: "ana"}, Version: store.NewVersion(), Sealed: []byte("x"), Updated: time.Unix(1, 0)}
	require.NoError(t, d.Put(ctx, rec, store.Version{}))
	got, err := sqlstore.New(db, sqlstore.SQLite).Get(ctx, rec.ID)
	require.NoError(t, err)
	require.Equal(t, rec.Version, got.Version)
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	product(t, "console.db")
	d, err := database.Open(context.Background(), parse(t, "sqlite:console.db"))
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

// The command may be from another release than the running product: it makes no file and
// no table, and does not change a schema that is not its own.
func TestOpenChangesNothing(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	_, err := database.Open(ctx, parse(t, "sqlite://"+dir+"/missing.db"))
	require.ErrorContains(t, err, "the file does not exist")
	require.NoFileExists(t, dir+"/missing.db")

	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = database.Open(ctx, parse(t, "sqlite://"+empty))
	require.ErrorIs(t, err, database.ErrSchema)
	require.ErrorContains(t, err, "Dialect.Named", "the tables may be there, under other names")
	db, err := sql.Open("sqlite", "file:"+empty)
	require.NoError(t, err)
	defer db.Close()
	var tables int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&tables))
	require.Zero(t, tables)

	newer := product(t, filepath.Join(dir, "newer.db"))
	_, err = newer.Exec(`INSERT INTO totpflow_schema (number) VALUES (1000)`)
	require.NoError(t, err)
	_, err = database.Open(ctx, parse(t, "sqlite://"+dir+"/newer.db"))
	require.ErrorIs(t, err, sqlstore.ErrSchemaNewer)

	slow := product(t, filepath.Join(dir, "slow.db"))
	_, err = slow.Exec(`DROP INDEX totpflow_accounts_state`)
	require.NoError(t, err)
	var log strings.Builder
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	d, err := database.Open(ctx, parse(t, "sqlite://"+dir+"/slow.db"))
	slog.SetDefault(was)
	require.NoError(t, err, "lists are slow without the index, and not wrong")
	require.Contains(t, log.String(), "CREATE INDEX totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id)")
	require.NoError(t, d.Close())
	require.NoError(t, slow.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name = 'totpflow_accounts_state'`).Scan(&tables))
	require.Zero(t, tables)

	garbage := filepath.Join(dir, "garbage.db")
	require.NoError(t, os.WriteFile(garbage, []byte(fmt.Sprintf("%4096s", "no database")), 0o600))
	_, err = database.Open(ctx, parse(t, "sqlite://"+garbage))
	require.Error(t, err)
	_, err = database.Open(ctx, parse(t, "sqlite://"+dir))
	require.ErrorContains(t, err, "not a file")
}

// The URL of a server may contain a password. The parser of net/url quotes what it does
// not understand.
func TestURLShowsNoPassword(t *testing.T) {
	const password = "hunter2-hunter2"
	for _, text := range []string{
		"sqlite://ana:" + password + "@host/console.db",
		"sqlite:///console.db?password=" + password,
		"sqlite:///console.db#" + password,
		"nosuchdb://ana:" + password + "@host/db",
		"sqlite://ana:" + password + "@host:port/db",
		"sqlite://ana:" + password + "%zz@host/db",
		"ana:" + password + "@tcp(host)/db",
		password, "://" + password, "", "console.db",
	} {
		u, err := database.ParseURL(text)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, u), "hunter2", text)
		}
		if err != nil {
			require.ErrorIs(t, err, database.ErrURL)
			require.NotContains(t, err.Error(), "hunter2", text)
			continue
		}
		require.True(t, u.HasPassword() || text == "sqlite:///console.db#"+password, text)
		_, err = database.Open(context.Background(), u)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "hunter2", text)
	}
	require.False(t, parse(t, "sqlite:///console.db").HasPassword())
	require.Equal(t, "sqlite:///console.db", parse(t, " sqlite:///console.db\n").String())
}
