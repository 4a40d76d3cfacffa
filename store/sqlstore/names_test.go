package sqlstore_test

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 40)
	cases := []struct {
		dialect        sqlstore.Dialect
		schema, prefix string
		says           string // empty: taken
	}{
		{sqlstore.PostgreSQL, "", "", ""},
		{sqlstore.PostgreSQL, "auth", "acme_2fa_", ""},
		{sqlstore.PostgreSQL, long, long, ""},
		{sqlstore.MySQL, "auth", "", ""},
		{sqlstore.SQLite, "", "acme_", ""},
		{sqlstore.SQLite, "main", "", "schema"},
		{sqlstore.PostgreSQL, "Auth", "", "schema"},
		{sqlstore.PostgreSQL, "a.b", "", "schema"},
		{sqlstore.PostgreSQL, "", `x"; DROP TABLE users; --`, "prefix"},
		{sqlstore.MySQL, "", "`", "prefix"},
		{sqlstore.MySQL, "", "2fa_", "prefix"},
		{sqlstore.MySQL, "", long + "x", "prefix"},
		{sqlstore.MySQL, "", "a\n", "prefix"},
	}
	require.NotEmpty(t, cases)
	for _, c := range cases {
		d := c.dialect.Named(c.schema, c.prefix)
		require.Equal(t, c.dialect.String(), d.String())
		files, err := d.Migrations()
		if c.says == "" {
			require.NoError(t, err)
			require.NotNil(t, files)
			continue
		}
		require.ErrorIs(t, err, sqlstore.ErrNames)
		require.ErrorContains(t, err, c.says)
		for name, call := range calls(sqlstore.New(nil, d)) {
			require.ErrorIs(t, call(t.Context()), sqlstore.ErrNames, name)
		}
		require.ErrorIs(t, sqlstore.New(nil, d).Migrate(t.Context()), sqlstore.ErrNames)
	}
	_, err := sqlstore.Dialect{}.Named("", "acme_").Migrations()
	require.ErrorIs(t, err, sqlstore.ErrDialect)
}

// Every statement uses the given names of the tables.
func TestStatementsHaveTheNames(t *testing.T) {
	f := failing(func() error { return nil })
	s := sqlstore.New(f.open(t), sqlstore.PostgreSQL.Named("auth", "acme_"))
	all := calls(s)
	all["list by due time"] = func(ctx context.Context) error {
		_, err := s.List(ctx, store.Query{AllTenants: true, DueBefore: time.Unix(1, 0)})
		return err
	}
	for name, call := range all {
		f.asked = nil
		require.NoError(t, call(t.Context()), name)
		require.Len(t, f.asked, 1, name)
		require.Contains(t, f.asked[0], " auth.acme_accounts ", name)
		require.NotContains(t, f.asked[0], "totpflow", name)
	}
}

// The files are those that Migrate runs, with the given names, and each is a file that a
// tool can open and as long as it says.
func TestMigrationFiles(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL, sqlstore.MySQL} {
		files, err := d.Named("", "acme_").Migrations()
		require.NoError(t, err)
		plain, err := d.Migrations()
		require.NoError(t, err)
		names, err := fs.Glob(files, "*.sql")
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			f, err := files.Open(name)
			require.NoError(t, err)
			opened, err := io.ReadAll(f)
			require.NoError(t, err)
			info, err := f.Stat()
			require.NoError(t, err)
			require.Equal(t, int64(len(opened)), info.Size())
			require.NoError(t, f.Close())
			read, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			require.Equal(t, string(opened), string(read))
			before, err := fs.ReadFile(plain, name)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(string(before), "totpflow_", "acme_"), string(read))
			require.NotContains(t, string(read), "totpflow")
			require.True(t, strings.HasPrefix(string(read), "-- +goose Up\n"))
			for line := range strings.Lines(string(read)) {
				_, comment, found := strings.Cut(line, "--")
				require.False(t, found && strings.Contains(comment, ";"), "a tool that splits at semicolons: %s", line)
			}
		}
		_, err = files.Open("none.sql")
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	files, err := sqlstore.PostgreSQL.Named("auth", "acme_").Migrations()
	require.NoError(t, err)
	b, err := fs.ReadFile(files, "0001_accounts.sql")
	require.NoError(t, err)
	require.Contains(t, string(b), "CREATE TABLE auth.acme_accounts (")
	require.Contains(t, string(b), "CREATE INDEX acme_accounts_state ON auth.acme_accounts (")
	require.Contains(t, string(b), "CREATE TABLE auth.acme_schema (")
}
