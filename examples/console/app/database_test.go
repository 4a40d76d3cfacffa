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

// A crowd of browsers does not open one file each.
func TestOpenBoundsConnections(t *testing.T) {
	db, err := app.Open(filepath.Join(t.TempDir(), "console.db"))
	require.NoError(t, err)
	defer db.Close()
	require.NotZero(t, db.Stats().MaxOpenConnections)
}

// path returns the file of the site's database.
func (s *site) path() (path string) {
	s.t.Helper()
	require.NoError(s.t, s.db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path))
	return path
}

// A write to a file that was removed or replaced is lost when the process ends. So nobody
// is signed in then, and a load balancer is told.
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
			path := s.path()
			b := s.browser()
			b.password(ana).redirects("/")
			b.get("/ready").is(http.StatusNoContent)
			lose(t, path)
			b.get("/ready").is(http.StatusServiceUnavailable)
			b.get("/").is(http.StatusServiceUnavailable)
			b.get("/?page=2").is(http.StatusServiceUnavailable)
			s.browser().password(ana).is(http.StatusServiceUnavailable)
			b.get("/static/console.css").is(http.StatusOK)
		})
	}
}
