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

// accepts reports whether the server takes the session key that the agent has behind its
// lock: somebody may have copied it while it was open.
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

// last is the last value that was handed out under this name.
func (s *secrets) last(name string) string {
	all := s.of(name)
	return all[len(all)-1]
}

// The server hears of a lock: by command, from another window, by closing, and by the idle
// time. A copy of the session key is of no use from then on.
func TestTheServerHearsOfALock(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	key := h.secrets.last("session") // of the set-up, which is behind the lock
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
	w.sees("nobody has used it")
	require.Eventually(t, func() bool { return !h.accepts(key) }, time.Minute, 10*time.Millisecond)
	open()

	// Another window that opens and closes does not lock this one.
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

// A window that the server has locked asks again, and its session is not over.
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
	w.sees("locked; it opens with password and code")
	w.types("agent (locked)> ", "list")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("ana-laptop")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
}

// Without the server an agent locks all the same, and says what it could not do.
func TestLockWithoutTheServer(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	console := h.secrets.console
	h.secrets.wrap(http.NotFoundHandler())
	h.run("lock").ends(command.ExitDone).says("Locked.").notes("could not be told", "within 12 hours")
	w.sees("Locked in another window.")
	h.secrets.wrap(console)
	w.types("agent (locked)> ", "exit")
	w.ends(command.ExitDone)
}

// Signing out closes the other windows, also while the server does not answer: it is back in
// a minute, and they would go on.
func TestSignOutLocksOtherWindows(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("agent> ")
	console := h.secrets.console
	h.secrets.wrap(http.NotFoundHandler())
	h.run("signout").ends(command.ExitDone).says("Signed out.").notes("could not be told")
	h.secrets.wrap(console)
	w.sees("Locked in another window.")
	w.types("agent (signed out)> ", "list")
	w.sees("you are not signed in")
	w.types("agent (signed out)> ", "exit")
	w.ends(command.ExitDone)
	require.Empty(t, h.disk())
}

// A clock that steps back makes no lock older than an opening.
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

// Each unlock brings a new value: a vault from a copy of the disk opens with none that the
// server hands out later.
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

// An agent that ends between the unlock and the answer that it has kept the next value opens
// all the same the next time, wherever it was.
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
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone) // by the next value
	require.NoError(t, os.WriteFile(vault, before, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone) // by the first one
	h.secrets.wrap(console)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	require.NoError(t, os.WriteFile(vault, before, 0o600))
	h.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut)
}
