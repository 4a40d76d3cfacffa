package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
)

// A window that has read its files before somebody opened the folder to others says what is
// wrong with the folder, and not that the mark could not be written.
func TestLockNamesTheFaultOfTheFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "agent")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Chmod(folder, 0o777))
	a := &agent{
		asker: newAsker(System{Getenv: func(string) string { return "" }, In: strings.NewReader(""), Out: new(strings.Builder), Err: new(strings.Builder)}),
		files: files{folder: folder, mine: mine}, account: &account{Server: "http://127.0.0.1:1"}, vault: new(applock.Vault),
	}
	err := a.lock(t.Context(), nil)
	require.ErrorIs(t, err, errForeign)
	require.NotErrorIs(t, err, errUnmarked)
}
