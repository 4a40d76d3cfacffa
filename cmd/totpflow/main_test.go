package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// binary is the command as people run it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "totpflow")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "totpflow")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server is the machine of a product: its database and its keys on disk.
type server struct{ dir string }

func newServer(t *testing.T, accounts int) server {
	t.Helper()
	s := server{t.TempDir()}
	require.Zero(t, s.run(t, "", "keys", "generate").code)
	// Not flushed to the disk: nothing here has to survive a power cut.
	db, err := sql.Open("sqlite", "file:"+s.dir+"/console.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	records := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, records.Migrate(t.Context()))
	_, err = db.Exec("PRAGMA synchronous = OFF")
	require.NoError(t, err)
	text, err := os.ReadFile(s.dir + "/keys")
	require.NoError(t, err)
	ring, err := keyring.Parse(string(text))
	require.NoError(t, err)
	silent := event.ObserverFunc(func(context.Context, event.Event) {})
	product, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: records, Keys: ring, Observer: silent})
	require.NoError(t, err)
	for i := range accounts {
		require.NoError(t, admin.New(product, nil).ExtendGrace(t.Context(), admin.Operator{Name: "test", Reason: "test"},
			store.AccountID{Tenant: "acme", User: fmt.Sprintf("user-%05d", i)}, time.Now().Add(time.Hour)))
	}
	return s
}

type result struct {
	code     int
	out, err string
}

func (s server) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(args, "--keys-file", s.dir+"/keys")...)
	cmd.Env = append(os.Environ(), "TOTPFLOW_DB=sqlite://"+s.dir+"/console.db", "TOTPFLOW_KEYS=")
	return cmd
}

func (s server) run(t *testing.T, in string, args ...string) result {
	t.Helper()
	cmd := s.command(args...)
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &err
	_ = cmd.Run()
	return result{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// The exit codes are those of docs/operations.md, and each failure is one line.
func TestExitCodes(t *testing.T) {
	s := newServer(t, 1)
	for _, c := range []struct {
		code int
		in   string
		args []string
	}{
		{0, "", []string{"list"}},
		{0, "", []string{"status", "user-00000", "--tenant", "acme", "--json"}},
		{1, "", []string{"keys", "generate"}},
		{2, "", []string{"nosuch"}},
		{2, "", []string{"status"}},
		{2, "y\n", []string{"unlock", "user-00000", "--tenant", "acme", "--reason", "x"}}, // a pipe is not a person
		{3, "", []string{"status", "nobody"}},
		{4, "user,secret\nana,short\n", []string{"import", "-", "--reason", "x", "--yes"}},
	} {
		r := s.run(t, c.in, c.args...)
		require.Equal(t, c.code, r.code, "%v\n%s%s", c.args, r.out, r.err)
		require.Equal(t, min(1, c.code), strings.Count(r.err, "\n"), r.err)
	}
	require.NoError(t, os.WriteFile(s.dir+"/keys", []byte(keyring.Generate()), 0o600))
	require.Equal(t, 5, s.run(t, "", "keys", "check").code)
}

func TestImportFromStandardInput(t *testing.T) {
	s := newServer(t, 0)
	r := s.run(t, "tenant,user,secret\nacme,ana,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n", "import", "-", "--reason", "move", "--yes")
	require.Zero(t, r.code, r.err)
	require.Equal(t, "line 2: acme/ana: kept\n1 id was never seen here. Compare them with the ids of the product (--known): under a wrong id nobody is asked for a code.\n", r.out)
	require.Contains(t, r.err, "kind=imported")
	require.Contains(t, s.run(t, "", "list").out, "enabled")
}

// A rotation is killed while it writes, again and again. It goes on each time,
// with one new key, until every record is under it.
func TestKilledRotationGoesOn(t *testing.T) {
	s := newServer(t, 1200)
	db, err := sql.Open("sqlite", "file:"+s.dir+"/console.db?_pragma=busy_timeout(60000)")
	require.NoError(t, err)
	defer db.Close()
	// It cannot end before it is killed: the write of one record never ends.
	for _, statement := range []string{
		`CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`,
		`CREATE TRIGGER stuck AFTER UPDATE ON totpflow_accounts WHEN NEW.user_id = 'user-01100' BEGIN SELECT count(*) FROM endless; END`,
	} {
		_, err = db.Exec(statement)
		require.NoError(t, err)
	}
	type journal struct{ Seen int }
	for _, after := range []int{0, 1000} {
		cmd := s.command("keys", "rotate", "--reason", "may", "--yes")
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool {
			var j journal
			text, err := os.ReadFile(s.dir + "/keys.rotate")
			return err == nil && json.Unmarshal(text, &j) == nil && j.Seen >= after
		}, time.Minute, time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}
	type check struct {
		Keys []struct {
			Role    string
			Records int
		}
		Unreadable []any
	}
	read := func() (c check) {
		r := s.run(t, "", "keys", "check", "--json")
		require.Zero(t, r.code, r.err)
		require.NoError(t, json.Unmarshal([]byte(r.out), &c))
		return c
	}
	require.NotZero(t, read().Keys[1].Records)
	_, err = db.Exec(`DROP TRIGGER stuck`)
	require.NoError(t, err)
	r := s.run(t, "", "keys", "rotate", "--resume", "--reason", "may", "--yes")
	require.Zero(t, r.code, r.err)
	c := read()
	require.Len(t, c.Keys, 2)
	require.Equal(t, 1200, c.Keys[0].Records)
	names, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	for _, name := range names {
		require.False(t, strings.HasPrefix(name.Name(), ".keys"), "%s was left behind", name.Name())
	}
}
