package command_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

// A file of another user could name that user's server, and password and code would be
// sent there. So no command sends anything.
func TestFilesOfAnotherUser(t *testing.T) {
	commands := []string{"signin", "status", "list", "setup", "register", "delete x", "lock", "unlock", "signout"}
	h := newWorkplace(t)
	phone := h.enrolled(admin)
	h.run("register", admin.Password, phone.Code(), phone.Code()).ends(command.ExitDone)
	refuses := func(args string) {
		t.Helper()
		before := len(h.secrets.requests())
		h.run(args, admin.Email, admin.Password, phone.Peek()).ends(command.ExitFailed).notes("another user", "nothing was sent")
		require.Len(t, h.secrets.requests(), before, args)
	}
	for _, whose := range []string{filepath.Base(h.folder), ".", "account.json", "vault"} {
		h.mine = func(info fs.FileInfo) bool { return info.Name() != whose }
		for _, args := range commands {
			if whose == filepath.Base(h.folder) || (whose == "vault" && args == "lock") {
				continue
			}
			refuses(args)
		}
	}
	h.mine = func(info fs.FileInfo) bool { return info.Name() != "machine.json" }
	refuses("run")
	h.mine = nil
	for _, mode := range []fs.FileMode{0o770, 0o702, 0o777} {
		require.NoError(t, os.Chmod(h.folder, mode))
		for _, args := range append(commands, "run") {
			refuses(args)
		}
	}
	require.NoError(t, os.Chmod(h.folder, 0o700))
	for _, mode := range []fs.FileMode{0o620, 0o602} {
		require.NoError(t, os.Chmod(filepath.Join(h.folder, "machine.json"), mode))
		refuses("run")
	}
	require.NoError(t, os.Chmod(filepath.Join(h.folder, "machine.json"), 0o600))
	h.run("list", admin.Password, phone.Code()).ends(command.ExitDone)
}

// The idle time that a file or a server sets has an upper limit.
func TestIdleTimeHasACap(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	path := filepath.Join(h.folder, "account.json")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, idle := range []string{"86400", "9223372036", "9223372036854775807"} {
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), `"idle": 900`, `"idle": `+idle, 1)), 0o600))
		at := h.clock.Now().Add(time.Hour).UTC()
		h.run("unlock", ana.Password, phone.Code(), "status").ends(command.ExitDone).says("Locks            " + at.Format("2006-01-02 15:")) // at most an hour from now
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), `"idle": 900`, `"idle": -1`, 1)), 0o600))
	h.run("unlock", ana.Password, phone.Code(), "status").ends(command.ExitDone).says("State            unlocked")
}

// answers changes the console's answers to a path.
func (h *workplace) answers(path string, change func(string) string) {
	console := h.secrets.console
	h.secrets.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			console.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		console.ServeHTTP(answer, r)
		w.WriteHeader(answer.Code)
		_, _ = w.Write([]byte(change(answer.Body.String())))
	}))
}

// sessions returns the number of sessions on the server.
func (h *workplace) sessions() (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n))
	return n
}

// The name of the device becomes an argument of the keyring's program.
func TestDeviceIsAName(t *testing.T) {
	h := newWorkplace(t)
	keyring := &chain{secrets: map[string]string{}}
	h.keyring = keyring
	console := h.secrets.console
	for _, evil := range []string{"--help", "-rf", "../../../x", "a b", "A234567890123456", "a;b", "", strings.Repeat("a", 65), "abcdefghijklmnop\\n"} {
		h.secrets.wrap(console)
		h.answers("/api/applock", func(text string) string {
			return strings.Replace(text, `"device":"`, `"device":"`+evil+`","x":"`, 1)
		})
		h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense")
		require.Empty(t, keyring.secrets)
		require.Zero(t, h.sessions(), "the session has ended on the server")
	}
	h.secrets.wrap(console)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	path := filepath.Join(h.folder, "account.json")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), `"device": "`, `"device": "--`, 1)), 0o600))
	h.run("list", ana.Password).ends(command.ExitFailed).notes("damaged")
}

// A sign-in that cannot be kept leaves no session on the server, where it would last 30
// days.
func TestSignInThatCannotBeKept(t *testing.T) {
	h := newWorkplace(t)
	require.NoError(t, os.MkdirAll(filepath.Join(h.folder, "vault"), 0o700)) // takes the place of the file
	h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed)
	require.Zero(t, h.sessions())
	require.NoError(t, os.RemoveAll(filepath.Join(h.folder, "vault")))
	for _, path := range []string{"/api/profile", "/api/applock"} {
		console := h.secrets.console
		h.answers(path, func(string) string { return "<html>" })
		h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense")
		require.Zero(t, h.sessions(), path)
		h.secrets.wrap(console)
	}
	require.NoFileExists(t, filepath.Join(h.folder, "vault"))
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	require.Equal(t, 1, h.sessions())
}

// A lock's mark that cannot be read counts as a lock.
func TestMarkThatCannotBeRead(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	mark := filepath.Join(h.folder, "locked")
	for name, spoil := range map[string]func() error{
		"gone":    func() error { return os.Remove(mark) },
		"empty":   func() error { return os.WriteFile(mark, nil, 0o600) },
		"exposed": func() error { return os.Chmod(mark, 0o644) },
		"a folder": func() error {
			return errors.Join(os.Remove(mark), os.Mkdir(mark, 0o700))
		},
	} {
		w := h.window("unlock")
		w.types("Password: ", ana.Password)
		w.types("recovery code: ", phone.Code())
		w.sees("agent> ")
		require.NoError(t, spoil(), name)
		w.sees("Locked in another window.")
		w.types("agent (locked)> ", "exit")
		w.ends(command.ExitDone)
		require.NoError(t, os.RemoveAll(mark))
	}
}

// Others may know the content of a file that they can read. Every command that needs the
// session names the file and the commands that help; none reports that nobody is signed in.
func TestFilesThatOthersCanRead(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	h.private("account.json", "vault", "locked")
	account, vault := filepath.Join(h.folder, "account.json"), filepath.Join(h.folder, "vault")
	for path, mode := range map[string]fs.FileMode{account: 0o640, vault: 0o604} {
		require.NoError(t, os.Chmod(path, mode))
		for _, args := range []string{"list", "status", "status --json", "signin", "unlock"} {
			h.run(args, ana.Password).ends(command.ExitFailed).notes("others can read " + path + " (its mode must be 600), so they may know its contents; run agent signout, then agent signin\n")
		}
		require.Contains(t, h.run("shell", "list").err, "run signout, then signin\n")
		w := h.window("shell")
		w.types("agent (locked)> ", "exit")
		w.ends(command.ExitDone)
		require.NoError(t, os.Chmod(path, 0o600))
	}

	// Signing out is the way to continue, and it ends the session on the server.
	require.NoError(t, os.Chmod(account, 0o640))
	require.NoError(t, os.Chmod(vault, 0o604))
	d := h.run("signout").ends(command.ExitDone)
	require.NotContains(t, d.err, "could not be notified")
	require.Zero(t, h.sessions())
	require.Empty(t, h.disk())
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	for _, text := range []string{"{", `{"version": 2}`} {
		require.NoError(t, os.WriteFile(account, []byte(text), 0o600))
		for _, args := range []string{"list", "status"} {
			h.run(args).ends(command.ExitFailed).notes(account + " is damaged; run agent signout, then agent signin\n")
		}
	}
	h.run("signout").ends(command.ExitDone).notes("could not be notified")
	require.Empty(t, h.disk())
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
}
