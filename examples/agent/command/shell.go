package command

import (
	"context"
	"errors"
	"io"
	"strings"
)

// shell is the agent as an open program: it locks when nobody uses it, by
// command, and when it is closed.
func (a *agent) shell(ctx context.Context, _ []string) error {
	if a.person() {
		a.note(a.text("shell"))
	}
	code := ExitDone
	for {
		prompt := a.prompt()
		line, err := a.read(ctx, prompt, false, a.lockWhenIdle(prompt == a.text("promptOpen")))
		switch {
		case errors.Is(err, io.EOF):
			return a.leave(code)
		case err != nil:
			return err
		}
		args := strings.Fields(line)
		if len(args) == 0 {
			continue
		}
		switch args[0] {
		case "exit", "quit":
			return a.leave(code)
		case "help":
			a.say(strings.TrimSuffix(a.usage(commands()), "\n"))
		case "shell":
		default:
			code = a.fail(a.do(ctx, args))
		}
	}
}

// prompt reports whether the agent is locked.
func (a *agent) prompt() string {
	switch err := a.who(); {
	case err != nil:
		return a.text("promptSignedOut")
	case a.settle():
		return a.text("promptOpen")
	}
	return a.text("promptLocked")
}

// lockWhenIdle locks the agent while it waits for the person.
func (a *agent) lockWhenIdle(open bool) func(say func(string)) {
	return func(say func(string)) {
		if open && !a.settle() {
			open = false
			a.terminal.SetPrompt(a.text("promptLocked"))
			if a.files.lockedSince(a.opened) {
				say(a.text("elsewhere"))
			} else {
				say(a.text("idle"))
			}
		}
	}
}

// leave ends the shell, and with it what was open. A script gets the exit code of
// its last command.
func (a *agent) leave(code int) error {
	open := a.settle()
	a.close()
	if open && a.person() {
		a.note(a.text("nowLocked"))
	}
	if code != ExitDone && !a.person() {
		return &exit{code}
	}
	return nil
}
