package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/agent/command"
)

const up = "\x1b[A" // the arrow that brings the line before

// What answers a question is in no history, and what was typed at the prompt is in none after
// the lock: a recovery code or a password may be among it.
func TestNothingTypedIsLeft(t *testing.T) {
	h := newWorkplace(t)
	phone := h.enrolled(ana)
	ids := h.run("list", ana.Password, phone.Code()).backups()
	w := h.window("unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "delete "+ids["ana-phone"])
	w.types("recovery code: ", up+"ABCD-EFGH-JKMN-PQRS")
	w.sees("this code is not right") // and no line of the prompt before it
	w.types("recovery code: ", phone.Code())
	w.sees("Deleted.")
	w.types("agent> ", up+"x")
	w.sees("there is no backup with this id") // the command came back, and no answer
	w.types("agent> ", "s3cret-at-the-wrong-prompt")
	w.sees("there is no command")
	w.types("agent> ", up+"x")
	w.sees(`no command "s3cret-at-the-wrong-promptx"`)
	w.types("agent> ", "lock")
	w.sees("Locked.")
	w.types("agent (locked)> ", up+up+"nope")
	w.sees(`there is no command "nope"`)

	w.types("agent (locked)> ", "unlock")
	w.types("Password: ", ana.Password)
	w.types("recovery code: ", phone.Code())
	w.types("agent> ", "s3cret-once-more")
	w.sees("agent> ")
	h.run("lock").ends(command.ExitDone)
	w.sees("Locked in another window.")
	w.types("agent (locked)> ", up+"nope")
	w.sees(`there is no command "nope"`)
	w.types("agent (locked)> ", "exit")
	w.ends(command.ExitDone)
	require.Contains(t, w.screen.text, "\x1b[3J", "what is on the screen goes as well")
}
