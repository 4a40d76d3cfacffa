package sqlite_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// wal are the settings that the package documents.
const wal = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"

var alice = store.ID{Tenant: "acme", User: "alice"}

// roles are what this binary does when it starts itself as another process. A
// lock inside one process proves nothing about two.
var roles = map[string]func(path string) error{
	"race":       func(path string) error { return racer(path, honest) },
	"race-naive": func(path string) error { return racer(path, naive) },
	"write":      func(path string) error { return writer(path, writeEach) },
	"write-lazy": func(path string) error { return writer(path, writeLazily) },
	"migrate":    migrator,
}

func TestMain(m *testing.M) {
	if role := os.Getenv("TOTPFLOW_ROLE"); role != "" {
		if err := roles[role](os.Getenv("TOTPFLOW_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// dial opens the file without touching it.
func dial(path, settings string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+path+"?"+settings)
}

// open returns a migrated store on the file. When the test ends no connection
// may be left in use: a leak would stop the host after a few hours.
func open(t *testing.T, path, settings string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db, err := dial(path, settings)
	require.NoError(t, err)
	t.Cleanup(func() {
		// A cancelled statement may still be on its way back.
		idle := func() bool { return db.Stats().InUse == 0 }
		require.Eventually(t, idle, time.Minute, time.Millisecond, "connections leaked")
		require.NoError(t, db.Close())
	})
	s := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	return s, db
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "totpflow.db") }

// A child is this binary in another role.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, role, path string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "TOTPFLOW_ROLE="+role, "TOTPFLOW_PATH="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return &child{cmd, in, bufio.NewScanner(out)}
}
