package servers_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/servers"
)

// What the tests of the stores rely on: a server that answers, that is gone when
// it was killed, that comes back with its port, and that leaves nothing behind.
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
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.Chmod(os.TempDir(), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(os.TempDir()), 0o755))
	_, err := servers.StartPostgreSQL("no_such_setting=1")
	require.ErrorContains(t, err, "no_such_setting")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "it leaves no folder")
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
