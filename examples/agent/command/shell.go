package command

import (
	"context"
	"errors"
	"io"
	"strings"
)

// shell keeps the agent open. It locks if nobody uses it, on a command, and when it is
// closed.
func (a *agent) shell(ctx context.Context, _ []string) error {
	if a.person() {
		a.note(a.text("shell"))
	}
	a.inside = true
	code := ExitDone
	for {
		prompt := a.prompt(ctx)
		line, err := a.read(ctx, question{text: prompt, history: &a.typed, each: a.lockWhenIdle(ctx)})
		switch {
		case errors.Is(err, io.EOF):
			return a.leave(ctx, code)
		case err != nil:
			return err
		}
		if !a.opened { // while the agent is locked, a line may be a password or a code
			a.typed.clear()
		}
		args := strings.Fields(line)
		if len(args) == 0 {
			continue
		}
		switch args[0] {
		case "exit", "quit":
			return a.leave(ctx, code)
		case "help":
			a.say(strings.TrimSuffix(a.usage(commands()), "\n"))
		case "shell":
		default:
			err := a.do(ctx, args)
			if wrong := usageError(""); errors.As(err, &wrong) { // it was not meant for this prompt
				a.typed.drop()
			}
			code = a.fail(err)
		}
	}
}

// prompt returns the prompt, which shows whether the agent is locked.
func (a *agent) prompt(ctx context.Context) string {
	if a.state(ctx) == nil {
		return a.text("promptOpen")
	}
	if absent(a.who()) {
		return a.text("promptSignedOut")
	}
	return a.text("promptLocked")
}

// lockWhenIdle returns a function that locks the agent while it waits for the person, and
// corrects the prompt.
func (a *agent) lockWhenIdle(ctx context.Context) func(say func(string)) error {
	return func(say func(string)) error {
		text := "idle"
		switch err := a.ended(ctx); {
		case err == nil:
			return nil
		case errors.Is(err, errLeft):
			text = "signedOutElsewhere"
		case errors.Is(err, errElsewhere):
			text = "elsewhere"
		}
		a.wipe()
		a.terminal.SetPrompt(a.prompt(ctx))
		say(a.text(text))
		return nil
	}
}

// ended returns why the prompt is out of date, or nil if it is not. A window that is
// locked stays so, unless another one signs out.
func (a *agent) ended(ctx context.Context) error {
	switch {
	case a.opened:
		return a.state(ctx)
	case a.left():
		return a.elsewhere()
	}
	return nil
}

// leave ends the shell and locks the agent. A script gets the exit code of its last
// command.
func (a *agent) leave(ctx context.Context, code int) error {
	open := a.state(ctx) == nil
	a.close(ctx)
	if open && a.person() {
		a.note(a.text("nowLocked"))
	}
	if code != ExitDone && !a.person() {
		return &exit{code}
	}
	return nil
}
