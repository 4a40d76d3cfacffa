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
	w.sees("this code is not right") // and not a line from the prompt
	w.types("recovery code: ", phone.Code())
	w.sees("Deleted.")
	w.types("agent> ", up+"x")
	w.sees("there is no backup with this ID") // the command came back, and not an answer
	w.types("agent> ", "s3cret-at-the-wrong-prompt")
	w.sees("unknown command")
	w.types("agent> ", up+"x")
	w.sees(`unknown command "s3cret-at-the-wrong-promptx"`)
	w.types("agent> ", "lock")
	w.sees("Locked.")
	w.types("agent (locked)> ", up+up+"nope")
	w.sees(`unknown command "nope"`)

	w.types("agent (locked)> ", "unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "s3cret-once-more")
	w.sees("agent> ")
	h.run("lock").ends(command.ExitDone)
	w.sees("Locked in another window.")
	w.types("agent (locked)> ", up+"nope")
	w.sees(`unknown command "nope"`)
	w.types("agent (locked)> ", "exit")
	w.ends(command.ExitDone)
	require.Contains(t, w.screen.text, "\x1b[3J", "the screen is cleared as well")
}
