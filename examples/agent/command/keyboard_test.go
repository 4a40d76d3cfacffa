package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

const up = "\x1b[A" // the up arrow, which brings back the previous line

// Answers to questions are kept in no history, and a lock clears the history of the
// prompt: both may contain a recovery code or a password.
func TestNothingTypedIsLeft(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "delete "+ids["ana-phone"])
	w.types("recovery code: ", up+"ABCD-EFGH-JKMN-PQRS")
	w.sees("This code is not right") // and not a line from the prompt
	w.types("recovery code: ", phone.Code())
	w.sees("Deleted.")
	w.types("agent> ", up+"x")
	w.sees("there is no backup with this ID") // the command came back, and not an answer
	w.types("agent> ", "s3cret-at-the-wrong-prompt")
	w.sees("agent: unknown command; type help")
	w.types("agent> ", up+"y")
	w.sees("there is no backup with this ID") // the arrow key recalls the last command and not the unknown word
	w.types("agent> ", "lock")
	w.sees("Locked.")
	w.types("agent (locked)> ", up+up+"status")
	w.sees("State            locked")
	for _, typed := range []string{"status", "s3cret-while-locked"} { // neither is kept, be it a command or not
		w.types("agent (locked)> ", typed)
		w.types("agent (locked)> ", up+"status")
		w.sees("State            locked")
	}

	w.types("agent (locked)> ", "unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", up+"status") // what was typed while the agent was locked has not come back
	w.sees("State            unlocked")
	w.sees("agent> ")
	h.run("lock").ends(command.ExitDone)
	w.sees("Locked in another window.")
	w.types("agent (locked)> ", up+"exit")
	w.ends(command.ExitDone)
	require.NotRegexp(t, `unknown command[^;]`, w.screen.text, "what was typed is not repeated")
	require.Contains(t, w.screen.text, "\x1b[3J", "the screen is cleared as well")
}
