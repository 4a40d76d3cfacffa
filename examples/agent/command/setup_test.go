package command_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

// A lock ends a set-up that waits for its code. Otherwise anyone could scan the QR code
// that is still on the screen, and take over the account.
func TestLockEndsASetUp(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	w := h.window("setup")
	w.types("Password: ", ana.Password)
	w.types("Password again: ", ana.Password)
	w.sees("Code that the app shows now: ")
	h.run("lock").ends(command.ExitDone)
	w.sees("\x1b[3J")
	require.Contains(t, w.ends(command.ExitLocked), "locked in another window")
	h.run("list", ana.Password).ends(command.ExitDone) // no second factor was set up

	// The same before anyone is signed in.
	h.run("signout").ends(command.ExitDone)
	h.serve(require2FA)
	w = h.window("signin")
	w.types("E-mail address: ", ana.Email)
	w.types("Password: ", ana.Password)
	w.sees("Code that the app shows now: ")
	h.run("lock").ends(command.ExitSignedOut)
	require.Contains(t, w.ends(command.ExitLocked), "locked in another window")
	require.Zero(t, h.sessions())
}

// A lock ends every question, and the idle time ends a question that nobody answers.
func TestLockEndsEveryQuestion(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	w := h.window("shell")
	w.types("agent (locked)> ", "list")
	w.sees("Password: ")
	h.run("lock")
	w.sees("locked in another window")
	w.types("agent (locked)> ", "list")
	w.types("Password: ", ana.Password)
	w.sees("recovery code: ")
	h.run("lock")
	w.sees("locked in another window")
	w.types("agent (locked)> ", "unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "delete "+ids["ana-phone"])
	w.sees("recovery code: ")
	h.run("lock")
	w.sees("locked in another window")
	w.types("agent (locked)> ", "delete "+ids["ana-phone"])
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.sees("recovery code: ")
	h.clock.Advance(15 * time.Minute)
	w.sees("it was not used")
	w.types("agent (locked)> ", "exit")
	w.ends(command.ExitDone)
	require.Len(t, h.run("list", ana.Password, phone.Code()).backups(), 2)
}

// slowly is input that arrives line by line, each line after something has happened.
type slowly struct {
	lines  []string
	before func(line string)
}

// Read implements io.Reader.
func (s *slowly) Read(p []byte) (int, error) {
	if len(s.lines) == 0 {
		return 0, errors.New("no more")
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	s.before(line)
	return copy(p, line+"\n"), nil
}

// The agent checks for a lock again after each question. Between the last tick and the
// answer, and with a pipe, there is no other check.
func TestTheStepAfterAQuestionLooksAgain(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	id := h.run("list", ana.Password, phone.Code()).backups()["ana-laptop"]
	s := h.system()
	var out, errs strings.Builder
	last := phone.Code()
	code := phone.Code()
	s.Out, s.Err = &out, &errs
	s.In = &slowly{[]string{ana.Password, last, code}, func(line string) {
		if line == code {
			h.run("lock").ends(command.ExitDone)
		}
	}}
	require.Equal(t, command.ExitLocked, command.Run(t.Context(), []string{"delete", id}, s), errs.String())
	require.Contains(t, errs.String(), "locked in another window")
	require.Contains(t, h.run("list", ana.Password, phone.Code()).backups(), "ana-laptop")
}

// The agent asks about the recovery codes while they are on the screen, and tells the
// server the answer. A person who has not saved them yet can do so and answer again.
func TestRecoveryCodesAreSaved(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	who := ana
	setUp := func(answers ...string) string {
		w := h.window("setup")
		w.types("Password: ", who.Password)
		w.types("Password again: ", who.Password)
		phone := h.phone(w.sees("Code that the app shows now: "))
		h.clock.Advance(time.Second)
		w.types("", "no")
		w.sees("A code has 6 digits; enter the code that the app shows now") // a recovery code is not accepted here
		w.types("Code that the app shows now: ", phone.Code())
		for _, answer := range answers {
			w.types("(yes/no) ", answer)
		}
		return w.ends(command.ExitDone)
	}
	require.Contains(t, setUp("no", "", "n"), "Save them now: they are not shown again.")
	require.NotContains(t, h.secrets.requests(), "/2fa/api/recovery-codes/saved")

	h.run("signout").ends(command.ExitDone)
	h.run("signin", mika.Email, mika.Password, "acme").ends(command.ExitDone)
	who = mika
	saved := setUp("no", " YES ")
	require.Contains(t, saved, "they are still on the screen above")
	require.NotContains(t, saved, "they are not shown again")
	require.Contains(t, h.secrets.requests(), "/2fa/api/recovery-codes/saved")
}

var blocks = regexp.MustCompile("[▀▄█]")

// A QR code that is cut off cannot be scanned, so a window that is too small shows only
// the key.
func TestTheWindowIsTooSmall(t *testing.T) {
	size := func(width, height int) func(*command.System) {
		return func(s *command.System) { s.Size = func() (int, int, error) { return width, height, nil } }
	}
	for _, x := range []struct {
		width, height int
		fits          bool
	}{{80, 24, true}, {45, 24, true}, {44, 24, false}, {80, 23, false}, {20, 5, false}} {
		t.Run("", func(t *testing.T) {
			h := newWorkplace(t)
			h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
			w := h.window("setup", size(x.width, x.height))
			w.types("Password: ", ana.Password)
			w.types("Password again: ", ana.Password)
			shown := w.sees("Code that the app shows now: ")
			require.Equal(t, x.fits, blocks.MatchString(shown), shown)
			require.Equal(t, !x.fits, strings.Contains(strings.ReplaceAll(shown, "\n", " "), "45 columns and 24 lines"), shown)
			require.NotContains(t, shown, "inverted")
			_, err := w.keys.Write([]byte{3})
			require.NoError(t, err)
			w.ends(command.ExitFailed)
		})
	}
}

// The label of a replacement ends with the day, and within a day of the last set-up with
// the time as well. Its code needs as many lines as the README says.
func TestTheWindowOfAReplacement(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "80 columns and 24 lines are enough for the first authenticator, and 26 lines for another one")
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	for height, fits := range map[int]bool{26: true, 25: false} {
		w := h.window("setup", func(s *command.System) { s.Size = func() (int, int, error) { return 80, height, nil } })
		w.types("Password: ", ana.Password)
		w.types("recovery code: ", phone.Code())
		w.types("recovery code: ", phone.Code())
		shown := w.sees("Code that the app shows now: ")
		require.Equal(t, fits, blocks.MatchString(shown), shown)
		require.Equal(t, !fits, strings.Contains(strings.ReplaceAll(shown, "\n", " "), "49 columns and 26 lines"), shown)
		_, err := w.keys.Write([]byte{3})
		require.NoError(t, err)
		w.ends(command.ExitFailed)
	}
}

// Without colours, the terminal's own colours decide whether the code can be scanned.
func TestInvertedTerminalsGetAHint(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	for _, plain := range [][2]string{{"NO_COLOR", "1"}, {"TERM", "dumb"}} {
		h.env = map[string]string{plain[0]: plain[1]}
		w := h.window("setup")
		w.types("Password: ", ana.Password)
		w.types("Password again: ", ana.Password)
		shown := w.sees("Code that the app shows now: ")
		require.Contains(t, shown, "dark text on a light background, the QR code is inverted")
		require.Regexp(t, blocks, shown)
		_, err := w.keys.Write([]byte{3})
		require.NoError(t, err)
		w.ends(command.ExitFailed)
	}
}

// A refused code of the new authenticator is explained: a digit too few is not a wrong code.
func TestRefusedCodeAtASetUp(t *testing.T) {
	h := newWorkplace(t)
	h.run("signin", ana.Email, ana.Password).ends(command.ExitDone)
	w := h.window("setup")
	w.types("Password: ", ana.Password)
	w.types("Password again: ", ana.Password)
	phone := h.phone(w.sees("Code that the app shows now: "))
	w.types("", "12345")
	w.sees("A code has 6 digits")
	w.types("Code that the app shows now: ", phone.WrongCode())
	w.sees("This code is not right; enter the code that the app shows now for this account")
	w.types("Code that the app shows now: ", phone.Code())
	w.types("(yes/no) ", "yes")
	w.ends(command.ExitDone)
}
