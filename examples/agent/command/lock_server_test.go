package command_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

// accepts reports whether the server accepts the session key that the agent has behind
// its lock: somebody may have copied it while the agent was unlocked.
func (h *workplace) accepts(key string) bool {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.server.URL+"/api/backups", nil)
	require.NoError(h.t, err)
	r.Header.Set("Authorization", "Bearer "+key)
	a, err := http.DefaultClient.Do(r)
	require.NoError(h.t, err)
	a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// last returns the last value that was handed out under this name.
func (s *secrets) last(name string) string {
	all := s.of(name)
	return all[len(all)-1]
}

// The server learns about every lock: by a command, from another window, on closing, and
// after the idle time. From then on a copy of the session key is of no use.
func TestTheServerHearsOfALock(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	key := h.secrets.last("session") // of the set-up, which is now behind the lock
	require.False(t, h.accepts(key), "the set-up is over, and its window closed")
	w := h.window("shell")
	open := func() {
		t.Helper()
		w.types("agent (locked)> ", "unlock")
		w.types("Password: ", ana.Password)
		w.types("recovery code: ", phone.Code())
		w.sees("agent> ")
		require.True(t, h.accepts(key))
	}
	open()
	w.types("", "lock")
	w.sees("Locked.")
	require.False(t, h.accepts(key))
	open()
	h.run("lock").ends(command.ExitDone)
	require.False(t, h.accepts(key))
	w.sees("Locked in another window.")
	open()
	h.clock.Advance(15 * time.Minute)
	w.sees("the agent was not used")
	require.Eventually(t, func() bool { return !h.accepts(key) }, time.Minute, 10*time.Millisecond)
	open()

	// Opening and closing another window does not lock this one.
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	require.True(t, h.accepts(key))
	w.types("", "list")
	w.sees("ana-laptop")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
	require.False(t, h.accepts(key))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	require.False(t, h.accepts(key))
}

// A window that the server has locked asks for password and code again, and keeps its
// session.
func TestLockedOnTheServer(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	_, err := h.db.Exec(`UPDATE sessions SET windows = 0`)
	require.NoError(t, err)
	w.types("", "list")
	w.sees("the agent is locked; unlock it with your password, and with a code if your account has a second factor")
	w.types("agent (locked)> ", "list")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("ana-laptop")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
}

// Without the server an agent still locks, and says what it could not do.
func TestLockWithoutTheServer(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	console := h.secrets.console
	h.secrets.wrap(http.NotFoundHandler())
	h.run("lock").ends(command.ExitDone).says("Locked.").notes("could not be notified", "within 12 hours")
	w.sees("Locked in another window.")
	h.secrets.wrap(console)
	w.types("agent (locked)> ", "exit")
	w.ends(command.ExitDone)
}

// Signing out locks the other windows, even while the server does not answer: the server
// may be back in a minute, and they would continue.
func TestSignOutLocksOtherWindows(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	console := h.secrets.console
	h.secrets.wrap(http.NotFoundHandler())
	h.run("signout").ends(command.ExitDone).says("Signed out.").notes("could not be notified")
	h.secrets.wrap(console)
	w.sees("Signed out in another window.")
	w.types("agent (signed out)> ", "list")
	w.sees("you are not signed in")
	w.types("agent (signed out)> ", "exit")
	w.ends(command.ExitDone)
	require.Empty(t, h.disk())
}

// A clock that steps back does not make a lock older than an unlock.
func TestLockWhileTheClockStepsBack(t *testing.T) {
	for _, step := range []time.Duration{-20 * time.Second, -time.Hour, time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			h := newWorkplace(t)
			phone := h.enrolled(ana)
			w := h.window("unlock")
			w.types("Password: ", ana.Password)
			w.types("recovery code: ", phone.Code())
			w.sees("agent> ")
			s := h.system()
			s.Now = func() time.Time { return h.clock.Now().Add(step) }
			var out, errs strings.Builder
			s.In, s.Out, s.Err = strings.NewReader(""), &out, &errs
			require.Equal(t, command.ExitDone, command.Run(t.Context(), []string{"lock"}, s), errs.String())
			w.sees("Locked in another window.")
			w.types("agent (locked)> ", "list")
			w.types("Password: ", ana.Password)
			w.types("recovery code: ", phone.Code())
			w.sees("ana-laptop")
			w.types("agent> ", "exit")
			w.ends(command.ExitDone)
		})
	}
}

// Each unlock brings a new value: an older copy of the vault cannot be opened with any
// value that the server returns later.
func TestAnOlderVaultStaysShut(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	vault := filepath.Join(h.folder, "vault")
	older, err := os.ReadFile(vault)
	require.NoError(t, err)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	newer, err := os.ReadFile(vault)
	require.NoError(t, err)
	require.NotEqual(t, older, newer)
	require.NoError(t, os.WriteFile(vault, older, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut).notes("cannot be opened")
	require.NoError(t, os.WriteFile(vault, newer, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
}

// An agent may end after an unlock, before the server hears that the next value was kept.
// The next run can still open the vault, whichever of the two values it was sealed with.
func TestUnlockThatWasCutOff(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	vault := filepath.Join(h.folder, "vault")
	before, err := os.ReadFile(vault)
	require.NoError(t, err)
	console := h.secrets.console
	h.secrets.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/unlock/kept" {
			http.NotFound(w, r)
			return
		}
		console.ServeHTTP(w, r)
	}))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone) // with the next value
	require.NoError(t, os.WriteFile(vault, before, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone) // with the first value
	h.secrets.wrap(console)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	require.NoError(t, os.WriteFile(vault, before, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut)
}
