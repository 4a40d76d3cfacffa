package command_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/applock"
	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/totptest"
)

// backups returns the ids in a list by machine; for a machine with several backups, the
// newest id.
func (d done) backups() map[string]string {
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9]{10}) +([a-z0-9-]+) `).FindAllStringSubmatch(d.out, -1) {
		if ids[m[2]] == "" {
			ids[m[2]] = m[1]
		}
	}
	return ids
}

// Deleting a backup requires its own code, and afterwards the shell continues where it
// was.
func TestDelete(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).ends(command.ExitDone).backups()
	require.Len(t, ids, 2)

	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	used := phone.Code()
	w.types("recovery code: ", used)
	w.types("agent> ", "delete "+ids["ana-laptop"])
	w.sees("Delete the backup of ana-laptop, taken 2026-03-02 07:54 UTC, 212 GB? It cannot be restored.")
	w.types("recovery code: ", used)
	w.sees("This code has been used already")
	w.types("recovery code: ", phone.WrongCode())
	w.sees("This code is not right")
	w.types("recovery code: ", phone.Code())
	w.sees("Deleted.")
	w.types("agent> ", "delete "+ids["ana-laptop"])
	w.sees("agent: there is no backup with this ID")
	w.types("agent> ", "delete "+ids["ana-phone"])
	w.sees("Delete the backup of ana-phone")
	w.sees("recovery code: ")
	_, err := w.keys.Write([]byte{3}) // Ctrl-C: the person changes their mind
	require.NoError(t, err)
	w.sees("nothing was done")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
	require.Equal(t, map[string]string{"ana-phone": ids["ana-phone"]}, h.run("list", ana.Password, phone.Code()).backups())
}

// Thousands of backups, which a stolen machine key may have made, do not hide any backup.
func TestThousandsOfBackups(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	_, err := h.db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
		INSERT INTO backups (id, tenant, owner, machine, taken, gigabytes)
		SELECT printf('%010d', i), 'acme', (SELECT users.id FROM users JOIN people ON people.id = person WHERE email = ?), printf('m%d', i), ? - i, 1 FROM n`,
		ana.Email, h.clock.Now().Add(time.Hour).Unix())
	require.NoError(t, err)
	ids := h.run("list", ana.Password, phone.Code()).ends(command.ExitDone).backups()
	require.Len(t, ids, 8002)
	h.run("delete "+ids["ana-laptop"], ana.Password, phone.Code(), phone.Code()).ends(command.ExitDone).notes("Delete the backup of ana-laptop").says("Deleted.")
}

func TestDeleteFromAPipe(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	h.run("delete "+ids["ana-laptop"], ana.Password, phone.Code()).ends(command.ExitFailed).notes("no answer")
	h.run("delete "+ids["ana-laptop"], ana.Password, phone.Code(), phone.WrongCode()).ends(command.ExitRefused)
	h.run("delete "+ids["ana-laptop"], ana.Password, phone.Code(), phone.Code()).ends(command.ExitDone).says("Deleted.")
	h.run("delete nonsense", ana.Password, phone.Code()).ends(command.ExitFailed).notes("no backup with this ID")
}

// A person without recovery codes is not asked for one, at the lock and before a deletion.
func TestDeleteWithoutRecoveryCodes(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	h.answers("/api/signin", func(text string) string { return strings.Replace(text, `["code","recovery-code"]`, `["code"]`, 1) })
	w := h.window("delete " + ids["ana-laptop"])
	w.types("Password: ", ana.Password)
	w.types("\nCode from your app: ", phone.Code())
	w.sees("Delete the backup of ana-laptop")
	w.types("\nCode from your app: ", phone.Code())
	require.NotContains(t, w.ends(command.ExitDone), "recovery")
}

// While single codes are not accepted, two in a row complete what the person was doing.
func TestDeleteWithTwoCodesInARow(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	for range 2 {
		w.types("agent> ", "delete "+ids["ana-laptop"])
		for range 3 {
			w.types(": ", phone.WrongCode())
			if seen := w.sees("\n"); strings.Contains(seen, "two codes") {
				break
			}
		}
	}
	w.types("agent> ", "delete "+ids["ana-laptop"])
	w.types("recovery code: ", phone.Peek())
	w.sees("enter two codes in a row now, or a single code in")
	first, second := phone.Pair()
	w.types("Current code: ", first)
	w.types("Next code: ", second)
	w.sees("Deleted.")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
}

// A person without a second factor cannot delete anything.
func TestDeleteNeedsASecondFactor(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	ids := h.run("list", ana.Password).backups()
	h.run("delete "+ids["ana-laptop"], ana.Password).ends(command.ExitRefused).notes("set up two-factor authentication first")
}

// registered returns a workplace whose machine runs its job.
func registered(t *testing.T) (*workplace, *totptest.Authenticator) {
	h := newWorkplace(t)
	phone := h.enrolled(admin)
	h.run("register", admin.Password, phone.Code(), phone.Code()).ends(command.ExitDone).
		says(`This machine now runs its job as "Backup agent of files-01".`).notes(`as "Backup agent of files-01", without asking anyone`)
	return h, phone
}

// The unattended job runs while the agent is locked, and while nobody is signed in.
func TestJobWhileLocked(t *testing.T) {
	h, phone := registered(t)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "report.txt"), []byte("quarterly"), 0o600))
	h.private("account.json", "vault", "locked", "machine.json")
	h.run("run " + folder).ends(command.ExitDone).says("Stored a backup of ana-laptop, 1 GB, as ")
	h.run("status").ends(command.ExitDone).says("State            locked", "Backup agent of files-01")
	h.run("unlock", admin.Password, phone.Code(), "lock", "run "+folder, "status").ends(command.ExitDone).says("Stored a backup", "State            locked")
	h.run("list", admin.Password, phone.Code()).ends(command.ExitDone).says("ana-laptop")
	h.run("signout").ends(command.ExitDone)
	h.run("run " + folder).ends(command.ExitDone)
	h.run("run " + filepath.Join(folder, "nothing")).ends(command.ExitFailed).notes("cannot be read")
	h.server.Close()
	h.run("run " + folder).ends(command.ExitFailed).notes("does not answer")
}

func TestJobNeedsAKey(t *testing.T) {
	h := newWorkplace(t)
	h.run("run").ends(command.ExitNotRegistered).notes("no key yet")
	h.run("register").ends(command.ExitSignedOut)
	phone := h.enrolled(ana)
	h.run("register", ana.Password, phone.Code()).ends(command.ExitRefused).notes("only administrators")
}

func TestJobWithAKeyThatHasEnded(t *testing.T) {
	h, phone := registered(t)
	h.run("register nobody@acme.example", admin.Password, phone.Code()).ends(command.ExitFailed).notes("Acme Backup GmbH has no machine account \"nobody@acme.example\"; give its address")
	key := h.secrets.of("key")
	require.Len(t, key, 1)
	require.Contains(t, h.disk(), key[0])
	other := *h
	other.folder = filepath.Join(t.TempDir(), "other")
	other.run("signin", admin.Email, admin.Password, phone.Code()).ends(command.ExitDone)
	other.run("register", admin.Password, phone.Code(), phone.Code()).ends(command.ExitDone)
	h.run("run " + t.TempDir()).ends(command.ExitNotRegistered).notes("no longer valid")
	path := filepath.Join(h.folder, "machine.json")
	require.NoError(t, os.Chmod(path, 0o644))
	h.run("run "+t.TempDir()).ends(command.ExitFailed).notes("others can read "+path, "an administrator must run agent register")
	for _, text := range []string{"{", `{"version": 2}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, 0o600))
		h.run("run " + t.TempDir()).ends(command.ExitFailed).notes(path + " is damaged; an administrator must run agent register")
	}
}

// A name that somebody else has chosen does not repaint the terminal. The name of this
// machine is sent in characters that the server accepts, and a name that was stored
// earlier is shown with its control characters replaced.
func TestNamesAreClean(t *testing.T) {
	h, phone := registered(t)
	evil := *h
	s := evil.system()
	s.Host = "\x1b[2Jlaptop\r\u202e"
	s.In, s.Out, s.Err = strings.NewReader(""), &strings.Builder{}, &strings.Builder{}
	require.Equal(t, command.ExitDone, command.Run(t.Context(), []string{"run", t.TempDir()}, s))
	_, err := h.db.Exec(`UPDATE backups SET machine = ? WHERE machine = 'erp-db'`, "\x1b[2Jserver\r\u202e")
	require.NoError(t, err)
	d := h.run("list", admin.Password, phone.Code()).ends(command.ExitDone).says("-[2Jlaptop--", "\ufffd[2Jserver\ufffd\ufffd")
	require.NotContains(t, d.out, "\x1b")
}

// No answer repaints the terminal, whichever server it comes from.
func TestAnswersAreClean(t *testing.T) {
	const evil = "\x1b]0;mine\a\x9b2J\u009b2J\r\u202e"
	h := newWorkplace(t)
	value := applock.NewValue().Text()
	h.secrets.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all := map[string]any{
			"session": "0123456789abcdef", "by": "grace", "setup_until": "2026-03-03T00:00:00Z", "device": "abcdefghijklmnopqrst", "next": value, "value": value, "idle": 900,
			"email": evil, "name": evil, "organisation": evil, "second_factor": evil,
			"backups": []any{map[string]any{"id": evil, "machine": evil, "taken": "2026-03-02T00:00:00Z"}},
		}
		switch {
		case r.URL.Path == "/api/signin" && h.env["ASK"] == "organisation":
			w.WriteHeader(http.StatusForbidden)
			all = map[string]any{"error": "organisation_required", "organisations": []any{map[string]any{"id": evil, "name": evil}}}
		case h.env["ASK"] == "word":
			w.WriteHeader(http.StatusForbidden)
			all = map[string]any{"error": evil}
		}
		_ = json.NewEncoder(w).Encode(all)
	}))
	clean := func(args string, lines ...string) {
		d := h.run(args, lines...)
		for _, r := range d.out + d.err {
			require.True(t, r == '\n' || unicode.IsPrint(r), "%s: %q in %q", args, r, d.out+d.err)
		}
	}
	h.env["ASK"] = "organisation"
	clean("signin", ana.Email, ana.Password, "2")
	h.env["ASK"] = "word"
	clean("signin", ana.Email, ana.Password)
	h.env["ASK"] = ""
	clean("signin", ana.Email, ana.Password)
	for _, args := range []string{"status", "status --json", "list", "delete x", "register"} {
		clean(args, ana.Password)
	}
	clean("unlock", ana.Password, "status", "status --json", "list", "delete "+evil, evil)
	text := h.run("status --json").ends(command.ExitDone).out
	var s struct{ Email string }
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	require.Equal(t, strings.ToValidUTF8(evil, "\ufffd"), s.Email, "a script reads the original text")
}
