// Package command_test runs the operator's command, as installed, on the servers that it
// supports.
package command_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

// binary is the command as people run it.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "operator")
	if err == nil {
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "totpflow")
		build := exec.Command("go", "build", "-o", binary, ".")
		build.Dir = "../../../cmd/totpflow"
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

const password = "hunter2 & @/:%"

func TestPostgreSQL(t *testing.T) {
	s, err := servers.StartPostgreSQL()
	require.NoError(t, err)
	defer s.Close()
	db, err := sql.Open("pgx", s.DSN("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE ROLE olga LOGIN PASSWORD '` + password + `'; GRANT ALL ON SCHEMA public TO olga`)
	require.NoError(t, err)
	u := url.URL{Scheme: "postgres", User: url.UserPassword("olga", password), Host: s.Addr(), Path: "/postgres", RawQuery: "sslmode=disable"}
	tables := `SELECT count(*) FROM pg_catalog.pg_class WHERE relname LIKE 'totpflow%'`
	operate(t, db, u, sqlstore.PostgreSQL, tables, `GRANT ALL ON ALL TABLES IN SCHEMA public TO olga`)
}

func TestMariaDB(t *testing.T) {
	s, err := servers.StartMariaDB()
	require.NoError(t, err)
	defer s.Close()
	root, err := sql.Open("mysql", s.DSN("mysql"))
	require.NoError(t, err)
	defer root.Close()
	for _, statement := range []string{`CREATE DATABASE backup`, `CREATE USER olga@'%' IDENTIFIED BY '` + password + `'`, `GRANT ALL ON backup.* TO olga@'%'`} {
		_, err = root.Exec(statement)
		require.NoError(t, err)
	}
	db, err := sql.Open("mysql", s.DSN("backup"))
	require.NoError(t, err)
	defer db.Close()
	u := url.URL{Scheme: "mysql", User: url.UserPassword("olga", password), Host: s.Addr(), Path: "/backup"}
	tables := `SELECT count(*) FROM information_schema.tables WHERE table_schema = 'backup'`
	operate(t, db, u, sqlstore.MySQL, tables, `SELECT 1`)
}

// operate takes the command through its work on a server.
func operate(t *testing.T, db *sql.DB, u url.URL, d sqlstore.Dialect, tables, grant string) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	require.NoError(t, os.WriteFile(keys, []byte(keyring.Generate()), 0o600))
	from := filepath.Join(dir, "url")
	require.NoError(t, os.WriteFile(from, []byte(u.String()+"\n"), 0o600))
	totpflow := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.Command(binary, append(args, "--keys-file", keys, "--db-file", from)...)
		out, _ := cmd.CombinedOutput()
		require.Equal(t, code, cmd.ProcessState.ExitCode(), "%v\n%s", args, out)
		require.NotContains(t, string(out), "hunter2")
		return string(out)
	}

	// The command makes no table: it may be from another release than the product.
	require.Contains(t, totpflow(1, "list"), "start the product once")
	var n int
	require.NoError(t, db.QueryRow(tables).Scan(&n))
	require.Zero(t, n)
	require.NoError(t, sqlstore.New(db, d).Migrate(context.Background()))
	_, err := db.Exec(grant)
	require.NoError(t, err)

	table := filepath.Join(dir, "secrets.csv")
	require.NoError(t, os.WriteFile(table, []byte("tenant,user,secret\nacme,ana,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nacme,ben,ORXXI4DGNRXXOLLFPBQW24DMMUWTAMBR\n"), 0o600))
	totpflow(0, "import", table, "--reason", "move", "--yes")
	require.Contains(t, totpflow(0, "status", "ana", "--tenant", "acme"), "enabled")
	totpflow(0, "keys", "rotate", "--reason", "may", "--yes")
	require.Regexp(t, `(?m)^\w+ +newest +2$`, totpflow(0, "keys", "check"))
	totpflow(0, "reset", "ana", "--tenant", "acme", "--reason", "lost", "--yes")
	require.Contains(t, totpflow(0, "list"), "2 accounts; 1 of 2 has set it up")
	totpflow(0, "restored", "--at", "2025-01-01T00:00:00Z", "--reason", "disk", "--yes")
	totpflow(3, "status", "nobody")

	// A wrong password is reported, and not printed.
	wrong := u
	wrong.User = url.UserPassword("nobody", password+"x")
	require.NoError(t, os.WriteFile(from, []byte(wrong.String()), 0o600))
	require.Equal(t, 1, strings.Count(totpflow(1, "list"), "\n"))
	require.NoError(t, os.Chmod(from, 0o644))
	require.Contains(t, totpflow(1, "list"), "chmod 600")

	_, err = db.Exec(`INSERT INTO totpflow_schema (number) VALUES (1000)`)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(from, 0o600))
	require.NoError(t, os.WriteFile(from, []byte(u.String()), 0o600))
	require.Contains(t, totpflow(1, "list"), "newer than this program")
}
