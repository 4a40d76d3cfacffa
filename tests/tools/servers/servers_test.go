package servers_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/race"
	"github.com/totpflow/totpflow/tests/tools/servers"
)

func TestMain(m *testing.M) {
	race.Main(map[string]race.Role{"hold": hold})
	os.Exit(m.Run())
}

// The tests of the stores rely on a server that answers, that is gone after it was
// killed, that comes back with its port, and that leaves nothing behind.
func TestLife(t *testing.T) {
	for name, begin := range map[string]func() (*servers.Server, error){
		"PostgreSQL": func() (*servers.Server, error) { p, err := servers.StartPostgreSQL(); return p.Server, err },
		"MariaDB":    func() (*servers.Server, error) { m, err := servers.StartMariaDB(); return m.Server, err },
		"Redis":      func() (*servers.Server, error) { r, err := servers.StartRedis(); return r.Server, err },
		"etcd":       func() (*servers.Server, error) { e, err := servers.StartEtcd(); return e.Server, err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := begin()
			require.NoError(t, err)
			defer s.Close()
			require.Error(t, s.Start(), "it runs already")
			addr := s.Addr()
			require.True(t, listens(addr))
			require.NoError(t, s.Pause())
			require.NoError(t, s.Resume())
			require.NoError(t, s.Kill())
			require.False(t, listens(addr))
			require.Error(t, s.Pause(), "there is nothing to freeze")
			require.Error(t, s.Resume())
			require.NoError(t, s.Start(), s.Log())
			require.Equal(t, addr, s.Addr())
			require.True(t, listens(addr))

			require.NoError(t, s.Close())
			require.False(t, listens(addr))
			require.NoDirExists(t, s.Dir())
			require.NoError(t, s.Close(), "again")
		})
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	// Not t.TempDir, which may be in a folder that the servers' user may not enter.
	dir, err := os.MkdirTemp("", "totpflow-servers-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Setenv("TMPDIR", dir)
	_, err = servers.StartPostgreSQL("no_such_setting=1")
	require.ErrorContains(t, err, "no_such_setting")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "it leaves no folder")
}

// No server outlives its tests, however they end.
func TestEndsWithItsTests(t *testing.T) {
	child, err := race.Start("hold", "")
	require.NoError(t, err)
	answer, ok := child.Answer()
	require.True(t, ok)
	addr, dir, _ := strings.Cut(answer, " ")
	defer os.RemoveAll(dir) // nobody else removes it
	require.True(t, listens(addr))
	require.NoError(t, child.Kill())
	require.Error(t, child.End())
	require.Eventually(t, func() bool { return !listens(addr) }, time.Minute, 10*time.Millisecond)
}

// hold is the role of a child that starts a server and keeps it.
func hold(string) error {
	s, err := servers.StartMariaDB()
	if err != nil {
		return err
	}
	fmt.Println(s.Addr(), s.Dir())
	_, err = fmt.Scanln()
	return errors.Join(err, s.Close())
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
