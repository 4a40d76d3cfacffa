package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

// A crowd of browsers does not open a file each.
func TestOpenBoundsConnections(t *testing.T) {
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	defer db.Close()
	require.NotZero(t, db.Stats().MaxOpenConnections)
}

// A write to a file that was removed or replaced is lost with the process, so nothing is acknowledged then.
func TestDatabaseFileIsGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be removed")
	}
	for name, lose := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"replaced": func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path+".new", text, 0o600))
			require.NoError(t, os.Rename(path+".new", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			var path string
			require.NoError(t, s.db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path))
			ask := func(path string) int {
				resp, err := http.Get(s.url + path)
				require.NoError(t, err)
				resp.Body.Close()
				return resp.StatusCode
			}
			require.Equal(t, http.StatusOK, ask("/signin"))
			lose(t, path)
			require.Equal(t, http.StatusServiceUnavailable, ask("/signin"))
			require.Equal(t, http.StatusServiceUnavailable, ask("/2fa/api/account"))
			require.Equal(t, http.StatusOK, ask("/static/console.css"))
		})
	}
}
