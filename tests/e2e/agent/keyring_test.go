package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// desktop runs a script on a desktop of its own, with an open keyring.
const desktop = `printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
set -e
agent() { "$AGENT" "$@"; }
`

// On a desktop the session is in the system's keyring, as ciphertext; signing out removes
// it there.
func TestTheSystemsKeyring(t *testing.T) {
	ws := newWorkstation(t, false)
	for name, debian := range map[string]string{"dbus-run-session": "dbus-daemon", "gnome-keyring-daemon": "gnome-keyring"} {
		_, err := exec.LookPath(name)
		require.NoError(t, err, "install the Debian package %s", debian)
	}
	script := desktop + `printf '%s\n%s\n' "$EMAIL" "$PASSWORD" | agent signin
agent status
printf '%s\n' "$PASSWORD" | agent list
agent signout
agent status`
	home := t.TempDir()
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", script)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home,
		"AGENT_HOME="+ws.folder, "AGENT_SERVER="+ws.url, "AGENT="+program, "EMAIL="+ana.Email, "PASSWORD="+ana.Password, "LC_ALL=en_US.UTF-8")
	out, err := cmd.CombinedOutput()
	text := string(out)
	require.NoError(t, err, text)
	require.NotContains(t, text, "No keyring is available")
	require.Contains(t, text, "Stored in        the system's keyring")
	require.Contains(t, text, "ana-laptop")
	require.True(t, strings.HasSuffix(strings.TrimSpace(text), "Server           "+ws.url), text)
	require.Contains(t, text, "State            signed out")
	require.NoFileExists(t, filepath.Join(ws.folder, "vault"))
	require.NoFileExists(t, filepath.Join(ws.folder, "account.json"))
}
