package command_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

// The agent is unlocked only while it runs, and the data that it leaves is locked.
func TestClosedIsLocked(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	d := h.run("unlock", ana.Password, phone.Code(), "status", "list", "status --json").ends(command.ExitDone).
		says("Unlocked.", "State            unlocked", "Locks            2026-03-02 09:45 UTC", "ana-laptop", `"state": "unlocked"`)
	require.Equal(t, 1, strings.Count(d.err, "To unlock it"), "it asked once")
	h.run("status").ends(command.ExitDone).says("State            locked")
	h.run("list").ends(command.ExitLocked).notes("the agent is locked; unlock it with your password, and with a code if your account has a second factor")
	h.run("list", ana.Password).ends(command.ExitLocked)
	h.run("list", "nope").ends(command.ExitRefused)
	h.run("list", ana.Password, phone.WrongCode()).ends(command.ExitRefused)
	h.run("shell", "status").ends(command.ExitDone).says("State            locked")
	d = h.run("shell", "list", "nope", "status", "exit", "nonsense").notes("do not match")
	require.Equal(t, command.ExitDone, d.code, "the exit code of the last command")
	require.Equal(t, command.ExitUsage, h.run("shell", "status", "nonsense").code)
}

// The agent is locked by a command, in this window and in others, and unlocked again. The
// person continues what they were doing.
func TestLockByCommand(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("shell")
	w.types("agent (locked)> ", "list")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("ana-laptop")
	w.types("agent> ", "lock")
	w.sees("Locked.")
	w.types("agent (locked)> ", "unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("Unlocked.")

	h.clock.Advance(time.Second)
	w.sees("agent> ")
	h.run("lock").ends(command.ExitDone).says("Locked.")
	w.sees("Locked in another window.") // by itself
	w.types("agent (locked)> ", "list")
	h.clock.Advance(time.Second)
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("ana-laptop")
	w.types("agent> ", "exit")
	require.Contains(t, w.ends(command.ExitDone), "Locked.\n")
}

// An agent that nobody uses locks. Background work does not keep it unlocked.
func TestLockWhenIdle(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "list")
	h.clock.Advance(14 * time.Minute)
	w.types("agent> ", "list")
	w.sees("ana-laptop")
	h.clock.Advance(14 * time.Minute)
	w.types("agent> ", "status") // does not count as use
	w.sees("State            unlocked")
	w.sees("agent> ")
	h.clock.Advance(time.Minute)
	w.sees("Locked because the agent was not used.")
	w.types("agent (locked)> ", "list")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("ana-laptop")
	_, err := w.keys.Write([]byte{4}) // Ctrl-D
	require.NoError(t, err)
	w.ends(command.ExitDone)
}

// The files on the disk open nothing elsewhere, and nothing once they were changed.
func TestTheVaultIsOfNoUse(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	vault := filepath.Join(h.folder, "vault")
	text, err := os.ReadFile(vault)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "totpflow-vault-1:"))

	require.NoError(t, os.WriteFile(vault, []byte(strings.Replace(string(text), text2(text), "AAAA", 1)), 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut).notes("cannot be opened")
	require.NoError(t, os.WriteFile(vault, []byte("nonsense"), 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut).notes("run agent signout, then agent signin")
	h.run("status").ends(command.ExitDone).says("signed out")
	require.NoError(t, os.Remove(vault))
	h.run("list").ends(command.ExitSignedOut)
	h.run("signout").ends(command.ExitDone)
	require.Empty(t, h.disk())
	require.NoError(t, os.WriteFile(vault, text, 0o600)) // a copy from a backup
	h.run("list").ends(command.ExitSignedOut)
	h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
}

// text2 returns a part of the ciphertext.
func text2(vault []byte) string { return string(vault[60:64]) }

// The agent reports that its session has ended before it asks for a code.
func TestTheSessionIsOver(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	h.clock.Advance(31 * 24 * time.Hour)
	h.run("list", ana.Password).ends(command.ExitSignedOut).notes("your session has ended")
	h.run("status").ends(command.ExitDone).says("signed out")
	require.Empty(t, h.disk())
	h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone)
}

// Signing out ends the session on the server, even if the agent is locked. Without the
// server, the session is still removed from this machine.
func TestSignOut(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	other := *h
	other.folder = filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(other.folder, os.DirFS(h.folder)))
	require.NoError(t, os.Chmod(other.folder, 0o700))
	for _, name := range []string{"account.json", "vault", "locked"} {
		require.NoError(t, os.Chmod(filepath.Join(other.folder, name), 0o600))
	}
	h.run("signout").ends(command.ExitDone).says("Signed out.")
	require.Empty(t, h.disk())
	other.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut)
	h.run("signout").ends(command.ExitSignedOut)

	h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone)
	h.server.Close()
	h.run("list", ana.Password, phone.Code()).ends(command.ExitFailed).notes("does not answer")
	h.run("signout").ends(command.ExitDone).notes("could not be notified")
	require.Empty(t, h.disk())
}

// A window says that it was signed out, where another window has done that, and names the
// commands as the shell has them.
func TestSignOutInAnotherWindow(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	h.run("signout").ends(command.ExitDone)
	w.sees("Signed out in another window.")
	w.types("agent (signed out)> ", "list")
	w.sees("agent: you are not signed in; run signin\n")
	w.types("agent (signed out)> ", "delete")
	w.sees("agent: usage: delete ID\n")
	w.types("agent (signed out)> ", "exit")
	require.NotContains(t, w.ends(command.ExitDone), "run agent")
	h.run("list").ends(command.ExitSignedOut).notes("run agent signin")
}

// Signing out in another window ends every question, is not reported as a lock, and
// changes the prompt.
func TestSignOutEndsEveryQuestion(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("shell")
	ended := func() {
		t.Helper()
		h.run("signout").ends(command.ExitDone)
		w.sees("agent: you were signed out in another window; nothing was done\n")
		w.types("agent (signed out)> ", "list")
		w.sees("agent: you are not signed in; run signin\n")
		h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone)
	}
	w.types("agent (locked)> ", "list")
	w.sees("Password: ")
	ended()
	w.types("agent (signed out)> ", "list")
	w.types("Password: ", ana.Password)
	w.sees("recovery code: ")
	ended()
	w.types("agent (signed out)> ", "list")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	ids := done{out: w.sees("agent> ")}.backups()
	w.types("", "delete "+ids["ana-phone"])
	w.sees("recovery code: ")
	ended()

	// A locked window notices it at its prompt, and before a command asks for the password.
	w.types("agent (signed out)> ", "lock")
	w.sees("agent (locked)> ")
	h.run("signout").ends(command.ExitDone)
	w.sees("Signed out in another window.")
	w.types("agent (signed out)> ", "exit")
	w.ends(command.ExitDone)
	h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone).says("ana-phone")

	s := h.system()
	var out, errs strings.Builder
	s.Out, s.Err = &out, &errs
	s.In = &slowly{[]string{"status", "list", "exit"}, func(line string) {
		if line == "list" {
			h.run("signout").ends(command.ExitDone)
		}
	}}
	require.Equal(t, command.ExitSignedOut, command.Run(t.Context(), []string{"shell"}, s), out.String()+errs.String())
	require.Contains(t, out.String(), "State            locked")
	require.Equal(t, "agent: you are not signed in; run signin\n", errs.String())
}

// A chain is a keyring that works until a test makes it fail.
type chain struct {
	secrets map[string]string
	fails   error
}

// Get implements command.Keyring.
func (c *chain) Get(name string) (string, error) {
	secret, ok := c.secrets[name]
	if !ok {
		return "", errors.New("no such secret")
	}
	return secret, c.fails
}

// Set implements command.Keyring.
func (c *chain) Set(name, secret string) error {
	if c.fails == nil {
		c.secrets[name] = secret
	}
	return c.fails
}

// Delete implements command.Keyring.
func (c *chain) Delete(name string) error {
	delete(c.secrets, name)
	return c.fails
}

// If there is a keyring, it holds the locked vault; otherwise the vault is in a file.
func TestKeyring(t *testing.T) {
	h := newWorkplace(t)
	keyring := &chain{secrets: map[string]string{}}
	h.keyring = keyring
	d := h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	require.NotContains(t, d.err, "No keyring")
	require.NoFileExists(t, filepath.Join(h.folder, "vault"))
	require.Len(t, keyring.secrets, 1)
	for _, vault := range keyring.secrets {
		require.True(t, strings.HasPrefix(vault, "totpflow-vault-1:"))
	}
	h.run("status").ends(command.ExitDone).says("the system's keyring")
	h.run("list", ana.Password).ends(command.ExitDone).says("ana-laptop")
	h.run("signout").ends(command.ExitDone)
	require.Empty(t, keyring.secrets)

	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	keyring.fails = errors.New("no desktop")
	h.run("list", ana.Password).ends(command.ExitSignedOut)
	h.run("signout").ends(command.ExitFailed)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone).notes("No keyring is available")
	require.FileExists(t, filepath.Join(h.folder, "vault"))
	h.run("list", ana.Password).ends(command.ExitDone)
	h.keyring = nil
	h.run("list", ana.Password).ends(command.ExitDone)
}

// A person who signed in on the desktop signs in again over SSH, where the keyring is out
// of reach.
func TestKeyringOutOfReach(t *testing.T) {
	h := newWorkplace(t)
	keyring := &chain{secrets: map[string]string{}}
	h.keyring = keyring
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	keyring.fails = errors.New("no desktop")
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone).notes("No keyring is available")
	h.run("list", ana.Password).ends(command.ExitDone)
}

// Scripts read this output, so it must not change.
func TestStatusForScripts(t *testing.T) {
	h := newWorkplace(t)
	status := func(lines ...string) (s map[string]any) {
		args := "status --json"
		if len(lines) > 0 {
			args = "unlock"
			lines = append(lines, "status --json")
		}
		d := h.run(args, lines...).ends(command.ExitDone)
		require.NoError(t, json.Unmarshal([]byte(d.out[strings.Index(d.out, "{"):]), &s))
		return s
	}
	require.Equal(t, map[string]any{"state": "signed-out", "server": h.server.URL}, status())
	phone := h.enrolled(ana)
	h.clock.Set(time.Date(2026, 3, 2, 9, 31, 0, 0, time.UTC))
	want := map[string]any{"state": "locked", "server": h.server.URL, "email": "ana@acme.example", "organisation": "Acme Backup GmbH", "kept_in": "file"}
	require.Equal(t, want, status())
	want["state"], want["locks_at"], want["second_factor"], want["recovery_codes_left"] = "unlocked", "2026-03-02T09:46:00Z", "active", 10.0
	require.Equal(t, want, status(ana.Password, phone.Code()))
}

// An answer of the server cannot replace the agent's own state.
func TestStatusIsTheAgents(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	h.answers("/2fa/api/account", func(string) string {
		return `{"state":"signed-out","server":"https://evil.example","email":"x","organisation":"x","kept_in":"x","locks_at":"2030-01-01T00:00:00Z","machine":"x","second_factor":"active","recovery_codes_left":3}`
	})
	d := h.run("unlock", ana.Password, phone.Code(), "status --json").ends(command.ExitDone)
	var s map[string]any
	require.NoError(t, json.Unmarshal([]byte(d.out[strings.Index(d.out, "{"):]), &s))
	delete(s, "locks_at")
	require.Equal(t, map[string]any{
		"state": "unlocked", "server": h.server.URL, "email": "ana@acme.example", "organisation": "Acme Backup GmbH", "kept_in": "file",
		"second_factor": "active", "recovery_codes_left": 3.0,
	}, s)
	require.NotContains(t, d.out, "2030")
}

// A lock locks although a file is at fault, and says so with the commands that help, since
// the next unlock refuses the file.
func TestLockReportsFaultsOfFiles(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	vault := filepath.Join(h.folder, "vault")
	for name, x := range map[string]struct {
		spoil func() error
		says  string
	}{
		"exposed": {func() error { return os.Chmod(vault, 0o644) }, "Others can read " + vault + " (its mode must be 600), so they may know its contents; run agent signout, then agent signin."},
		"foreign": {func() error { return os.Chmod(vault, 0o622) }, vault + " belongs to another user or can be changed by others. Correct the owner and the permissions, or set AGENT_HOME to another folder."},
		"damaged": {func() error { return os.WriteFile(vault, []byte("nonsense"), 0o600) }, "Your stored session cannot be opened; run agent signout, then agent signin."},
		"gone":    {func() error { return os.Remove(vault) }, "Your stored session cannot be opened; run agent signout, then agent signin."},
	} {
		key := h.secrets.last("session")
		w := h.window("unlock")
		w.types("Password: ", ana.Password)
		w.types("recovery code: ", phone.Code())
		w.sees("agent> ")
		whole, err := os.ReadFile(vault) // each unlock seals it again
		require.NoError(t, err)
		require.NoError(t, x.spoil(), name)
		d := h.run("lock").ends(command.ExitDone).says("Locked.").notes(x.says + "\n")
		require.NotContains(t, d.err, "nothing was sent", name)
		require.False(t, h.accepts(key), name)
		w.sees("Locked in another window.")
		w.types(")> ", "exit")
		w.ends(command.ExitDone)
		require.NoError(t, os.RemoveAll(vault))
		require.NoError(t, os.WriteFile(vault, whole, 0o600))
	}

	// The window that locks has read the file long before.
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	require.NoError(t, os.Chmod(vault, 0o644))
	w.types("", "lock")
	w.sees("Locked.")
	require.Contains(t, strings.Join(strings.Fields(w.sees("agent (locked)> ")), " "), "Others can read "+vault+" (its mode must be 600), so they may know its contents; run signout, then signin.")
	w.types("", "exit")
	w.ends(command.ExitDone)
}

// A lock that other windows cannot learn about is not reported as one.
func TestLockThatCannotBeStored(t *testing.T) {
	h := newWorkplace(t)
	mark := filepath.Join(h.folder, "locked")
	inTheWay := func() {
		t.Helper()
		require.NoError(t, os.RemoveAll(mark))
		require.NoError(t, os.MkdirAll(filepath.Join(mark, "x"), 0o700)) // takes the place of the file
	}
	require.NoError(t, os.Mkdir(h.folder, 0o700))
	said := mark + " cannot be written, so other windows may still be unlocked; close them, and correct the owner and the permissions of the folder\n"
	inTheWay()
	h.run("lock").ends(command.ExitFailed).notes(said) // a set-up may be open before anyone is signed in
	require.NoError(t, os.RemoveAll(mark))

	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	inTheWay()
	d := h.run("lock").ends(command.ExitFailed).notes(said)
	require.NotContains(t, d.out+d.err, "Locked.")
	require.Contains(t, h.secrets.requests(), "/api/lock", "the server is told nevertheless")
	require.NoError(t, os.RemoveAll(mark))
	h.run("lock").ends(command.ExitDone).says("Locked.")
}
