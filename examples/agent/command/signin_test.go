package command_test

import (
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	totpadmin "github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/examples/internal/spellings"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// enrolled signs a person in and sets up an authenticator with the agent.
func (h *workplace) enrolled(who app.DemoAccount) *totptest.Authenticator {
	h.t.Helper()
	h.run("signin", who.Email, who.Password).ends(command.ExitDone)
	return h.setsUp(who)
}

// setsUp sets up the first authenticator of a person who is signed in.
func (h *workplace) setsUp(who app.DemoAccount) *totptest.Authenticator {
	h.t.Helper()
	w := h.window("setup")
	w.types("Password: ", who.Password)
	w.types("Password again: ", who.Password)
	phone := h.phone(w.sees("Code that the app shows now: "))
	h.clock.Advance(time.Second)
	w.types("", phone.Code())
	w.saves()
	w.ends(command.ExitDone)
	return phone
}

// A person's first days: sign in, set up, and from then on enter a code.
func TestSignInAndSetUpFromAPipe(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone).
		says("Signed in as Ana Soler, Acme Backup GmbH.").
		notes("Your account has no second factor", "No keyring is available")
	h.run("signin").ends(command.ExitFailed).notes("already signed in")
	phone := h.setsUp(ana)
	h.run("signout").ends(command.ExitDone).says("Signed out.")
	h.run("list").ends(command.ExitSignedOut).notes("not signed in")

	h.run("signin", ana.Email, ana.Password, phone.Code()).ends(command.ExitDone).says("Signed in as Ana Soler")
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone).
		says("ana-laptop", "2026-03-02 07:54 UTC", "212 GB", "ana-phone").
		notes("To unlock it, enter the password of ana@acme.example, and a code if the account has a second factor.")
}

// People who entered no code are not told that the next command asks for one.
func TestSignInWithoutACode(t *testing.T) {
	h := newWorkplace(t)
	h.answers("/api/signin", func(text string) string { return strings.Replace(text, `"not enrolled"`, `"off"`, 1) })
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	require.NotContains(t, w.ends(command.ExitDone), "code")
}

func TestSignInRefused(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	h.run("signout").ends(command.ExitDone)
	h.run("signin", ana.Email, "nope").ends(command.ExitRefused).notes("do not match")
	h.run("signin", app.DemoAccounts[5].Email, app.DemoAccounts[5].Password).ends(command.ExitRefused).notes("a machine account")
	h.run("signin", ana.Email, ana.Password, phone.WrongCode(), phone.Code()).ends(command.ExitRefused).notes("not right") // a script has one try
	h.run("signin", ana.Email, ana.Password, "12").ends(command.ExitRefused).notes("6 digits")
	h.run("signin", ana.Email, ana.Password, "", phone.Peek()).ends(command.ExitRefused).notes("6 digits") // Enter alone
	h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("no answer")
	h.run("signin").ends(command.ExitFailed).notes("no answer")
	for range 4 {
		h.run("signin", ana.Email, ana.Password, phone.WrongCode()).ends(command.ExitRefused)
	}
	h.run("signin", ana.Email, ana.Password, phone.Peek()).ends(command.ExitWait).notes("enter two codes in a row now, or a single code in")
	first, second := phone.Pair()
	h.run("signin", ana.Email, ana.Password, first, second).ends(command.ExitDone)
}

// The server may be newer, or a different program. The agent reports what it does not
// understand.
func TestSignInWithWhatItDoesNotKnow(t *testing.T) {
	h := newWorkplace(t)
	answer := func(status int, text string) {
		h.secrets.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}))
	}
	answer(http.StatusForbidden, `{"error": "something_new"}`)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("an unexpected error")
	for _, odd := range []string{"", "<html>", "{}", `{"error": 1}`, `[]`} {
		answer(http.StatusForbidden, odd)
		h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense")
	}
	for _, odd := range []string{"", "<html>", "[]", `{"session": 1}`, "{}", "null"} {
		answer(http.StatusOK, odd)
		h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense")
	}
	answer(http.StatusNoContent, "")
	h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense")
	answer(http.StatusFound, "")
	h.run("signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("makes no sense") // it follows no redirect
	require.NoDirExists(t, h.folder)
}

// A person may try again, and is then asked for two codes in a row.
func TestSignInAtATerminal(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	h.run("signout").ends(command.ExitDone)
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.types("Code from your app, or a recovery code: ", "")
	w.sees("A code has 6 digits")
	w.types("recovery code: ", phone.WrongCode())
	w.sees("This code is not right")
	code := phone.Code()
	w.types("recovery code: ", code[:3]+" "+code[3:])
	require.Contains(t, w.ends(command.ExitDone), "Signed in as Ana Soler")

	h.run("signout").ends(command.ExitDone)
	for range 5 {
		h.run("signin", ana.Email, ana.Password, phone.WrongCode()).ends(command.ExitRefused)
	}
	w = h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("enter two codes in a row now, or a single code in")
	first, second := phone.Pair()
	w.types("Current code: ", first)
	w.types("Next code: ", second)
	w.ends(command.ExitDone)

	// A person who cancels changes nothing.
	h.run("signout").ends(command.ExitDone)
	w = h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.sees("Password: ")
	_, err := w.keys.Write([]byte{3}) // Ctrl-C
	require.NoError(t, err)
	require.Contains(t, w.ends(command.ExitFailed), "nothing was done")
}

// A person who has mistyped the password types it again where it is not shown: at the
// sign-in, at the lock, and before a set-up.
func TestThreeTriesForAPassword(t *testing.T) {
	h := newWorkplace(t)
	tries := func(args string, before func(w *window), question string) {
		w := h.window(args)
		before(w)
		w.types(question, "nope")
		w.sees("do not match")
		w.types(question, "") // Enter alone
		w.types(question, "nope")
		w.ends(command.ExitRefused)
		w = h.window(args)
		before(w)
		w.types(question, "nope")
		w.sees("do not match")
		w.types(question, ana.Password)
		if args == "setup" {
			w.sees("Code that the app shows now: ")
			_, err := w.keys.Write([]byte{3})
			require.NoError(t, err)
			w.ends(command.ExitFailed)
			return
		}
		w.ends(command.ExitDone)
	}
	tries("signin", func(w *window) { w.types("E-mail address: ", ana.Email) }, "Password: ")
	tries("list", func(*window) {}, "Password: ")
	tries("setup", func(w *window) { w.types("Password: ", ana.Password) }, "Password again: ")
	h.run("list", "nope", ana.Password).ends(command.ExitRefused) // a script has one try
	h.run("signout").ends(command.ExitDone)

	w := h.window("signin")
	w.types("E-mail address: ", mika.Email)
	w.types("Password: ", mika.Password)
	w.types("Enter its number in the list: ", "3")
	w.sees("This is not one of the organisations")
	w.types("Enter its number in the list: ", "1")
	w.ends(command.ExitDone)
}

func TestSignInChoosesTheOrganisation(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", mika.Email, mika.Password, "1").ends(command.ExitDone).
		notes("  1  Acme Backup GmbH", "  2  Northern IT").says("Signed in as Mika Berg, Acme Backup GmbH.")
	h.run("signout").ends(command.ExitDone)
	h.run("signin", mika.Email, mika.Password, "acme").ends(command.ExitDone).says("Acme Backup GmbH")
	h.run("signout").ends(command.ExitDone)
	h.run("signin", mika.Email, mika.Password, "3").ends(command.ExitUsage)
}

// If a second factor is required, the sign-in includes the enrollment.
func TestSignInWhereASecondFactorIsRequired(t *testing.T) {
	h := newWorkplace(t, require2FA)
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("have to set up two-factor authentication")
	phone := h.phone(w.sees("Code that the app shows now: "))
	phone.SetDrift(4 * time.Minute)
	w.types("", phone.Peek())
	w.sees("about 4 minutes ahead")
	phone.SetDrift(0)
	w.types("Code that the app shows now: ", phone.Code())
	w.saves()
	text := w.ends(command.ExitDone)
	require.Contains(t, text, "Two-factor authentication is now set up.")
	require.Contains(t, text, "Signed in as Ana Soler")
	for _, code := range h.secrets.of("recovery_codes") {
		require.Equal(t, 1, strings.Count(text, code), "shown once")
	}
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
}

// A person who comes in with a recovery code has lost the phone, and sets up another one.
func TestSignInWithARecoveryCode(t *testing.T) {
	h := newWorkplace(t)
	old := h.enrolled(ana)
	codes := h.secrets.of("recovery_codes")
	h.run("signout").ends(command.ExitDone)
	w := h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", strings.ToLower(codes[0]))
	w.sees("You used a recovery code; 9 are left.")
	seen := w.sees("Code that the app shows now: ")
	require.Contains(t, seen, "The new authenticator replaces \"Authenticator\".")
	phone := h.phone(seen)
	h.clock.Advance(time.Second)
	w.types("", phone.Code())
	w.saves()
	w.ends(command.ExitDone)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	h.run("list", ana.Password, old.Code()).ends(command.ExitRefused)
}

// A new authenticator requires a code of the current one. Before the code, the agent says
// what ends, and that is what ends: the authenticator, recovery codes, and other programs.
func TestSetUpReplaces(t *testing.T) {
	h := newWorkplace(t)
	old := h.enrolled(ana)
	codes := h.secrets.of("recovery_codes")
	other := *h
	other.folder = filepath.Join(t.TempDir(), "other")
	other.run("signin", ana.Email, ana.Password, old.Code()).ends(command.ExitDone)
	w := h.window("setup")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", old.Code())
	said := w.sees("recovery code: ")
	require.Contains(t, said, "The new authenticator replaces \"Authenticator\".")
	require.Contains(t, said, "Until you enter a code from the new one, nothing changes. Then recovery codes that you had stop working, browsers that you "+
		"trusted ask for a code again, and you are signed out in all other browsers and programs.")
	w.types("", old.Code())
	shown := w.sees("Code that the app shows now: ")
	require.NotContains(t, shown, "replaces", "once")
	phone := h.phone(shown)
	w.types("", phone.WrongCode())
	w.sees("This code is not right")
	other.run("list", ana.Password, old.Code()).ends(command.ExitDone)
	h.clock.Advance(time.Second)
	w.types("Code that the app shows now: ", phone.Code())
	w.saves()
	w.ends(command.ExitDone)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
	h.run("list", ana.Password, old.Code()).ends(command.ExitRefused)
	h.run("list", ana.Password, codes[0]).ends(command.ExitRefused)
	other.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut)
}

// The first authenticator signs people out elsewhere too, and the agent says so before it
// asks for the password.
func TestFirstSetUpSignsOutElsewhere(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	other := *h
	other.folder = filepath.Join(t.TempDir(), "other")
	other.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	w := h.window("setup")
	w.types("Password: ", ana.Password)
	require.Contains(t, w.sees("Password again: "), "When you enter a code from the app, you are signed out in all other browsers and programs.")
	w.types("", ana.Password)
	phone := h.phone(w.sees("Code that the app shows now: "))
	h.clock.Advance(time.Second)
	w.types("", phone.Code())
	w.saves()
	w.ends(command.ExitDone)
	other.run("list", ana.Password, phone.Code()).ends(command.ExitSignedOut)
}

// Passwords are sent only over TLS, or within this machine.
func TestServersThatAreRefused(t *testing.T) {
	h := newWorkplace(t)
	for _, bad := range []string{"http://backup.example", "backup.example", "ftp://127.0.0.1", "https://", "https://me:secret@backup.example", "https://backup.example?x", "http://127.0.0.1.backup.example", ":"} {
		h.run("-server "+bad+" signin", ana.Email, ana.Password).ends(command.ExitUsage).notes("must begin with https://")
	}
	h.run("-server https://127.0.0.1:1 signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("does not answer")
	h.run("-server "+h.server.URL+"/static signin", ana.Email, ana.Password).ends(command.ExitFailed).notes("nothing with this name")
	require.NoDirExists(t, h.folder)
}

func TestUsage(t *testing.T) {
	h := newWorkplace(t)
	for _, args := range []string{"", "-h", "--help", "help"} {
		h.run(args).ends(command.ExitDone).says("Usage: agent", "delete ID", "Exit codes")
	}
	for _, args := range []string{"nonsense", "delete", "delete a b", "-x", "-server", "status --yaml", "signin ana@acme.example correct-horse-2", "run a b"} {
		h.run(args).ends(command.ExitUsage)
	}
}

// A code and a recovery code are accepted in every spelling. Other input does not count
// as a try.
func TestSignInSpellings(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	codes := h.secrets.of("recovery_codes")
	h.run("signout").ends(command.ExitDone)
	for i := range spellings.OfCode("123456") {
		code := phone.Code()
		text := strings.TrimRight(spellings.OfCode(code)[i], "\r\n") // the end of a line ends the answer
		if i == 0 {
			for _, bad := range spellings.NotOfCode(code) {
				h.run("signin", ana.Email, ana.Password, bad).ends(command.ExitRefused).notes("a code has 6 digits")
			}
		}
		h.run("signin", ana.Email, ana.Password, text).ends(command.ExitDone)
		h.run("signout").ends(command.ExitDone)
	}
	for _, bad := range spellings.NotOfRecoveryCode(codes[0]) {
		h.run("signin", ana.Email, ana.Password, bad).ends(command.ExitRefused).notes("a recovery code has 16 letters and digits")
	}
	sheet := spellings.OfRecoveryCode(codes[0])
	h.run("signin", ana.Email, ana.Password, sheet[2]).notes("You used a recovery code; 9 are left.")
	h.run("signout")
	for _, again := range append(sheet[:5], sheet[7:11]...) {
		h.run("signin", ana.Email, ana.Password, again).ends(command.ExitRefused).notes("this code is not right")
	}
}

// A person who was imported with a weak secret signs in with its code, and is led to a
// new authenticator.
func TestSignInWithAWeakSecret(t *testing.T) {
	const secret = "KRSXG5CTMVRXEZLU"
	h := newWorkplace(t)
	var id string
	require.NoError(t, h.db.QueryRow(`SELECT users.id FROM users JOIN people ON people.id = person WHERE email = ?`, ana.Email).Scan(&id))
	service, err := totpflow.New(totpflow.Config{
		Issuer: app.Issuer, Store: sqlstore.New(h.db, sqlstore.SQLite), Keys: h.ring, Now: h.clock.Now, Observer: event.Slog(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	key, err := totp.ReadSecret(secret, totp.Params{})
	require.NoError(t, err)
	outcomes, err := totpadmin.New(service, nil).Import(t.Context(), totpadmin.Operator{Name: "root", Reason: "the move"}, []totpadmin.Imported{{
		ID: totpflow.AccountID{Tenant: "acme", User: id}, Key: key, WeakUntil: h.clock.Now().Add(24 * time.Hour),
	}})
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err)
	old, err := totptest.TypeSecret(secret, h.clock)
	require.NoError(t, err)

	w := h.window("shell")
	w.types("agent (signed out)> ", "signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.types("Code from your app: ", old.Code())
	w.sees("have to set up two-factor authentication")
	phone := h.phone(w.sees("Code that the app shows now: "))
	h.clock.Advance(time.Second)
	w.types("", phone.Code())
	w.saves()
	w.sees("Signed in as Ana Soler")
	w.types("agent> ", "list")
	w.types("", "delete "+done{out: w.sees("agent> ")}.backups()["ana-laptop"])
	w.types("or a recovery code: ", phone.Code()) // the set-up brought recovery codes
	w.sees("Deleted.")
	w.types("agent> ", "exit")
	w.ends(command.ExitDone)
	h.run("list", ana.Password, old.Code()).ends(command.ExitRefused)
	h.run("list", ana.Password, phone.Code()).ends(command.ExitDone)
}
