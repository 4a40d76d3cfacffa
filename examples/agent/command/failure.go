package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/totpflow/totpflow/applock"
)

// A usageError describes a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// An exit is a failure that was already reported.
type exit struct{ code int }

func (e *exit) Error() string { return fmt.Sprint("exit ", e.code) }

// The agent's own errors.
var (
	errSignedOut     = errors.New("nobody is signed in")
	errSignedIn      = errors.New("somebody is signed in already")
	errLocked        = errors.New("the agent is locked")
	errElsewhere     = errors.New("the agent was locked in another window")
	errLeft          = errors.New("somebody signed out in another window")
	errIdle          = errors.New("the agent locked because it was not used")
	errNotRegistered = errors.New("this machine has no key")
	errServer        = errors.New("the address of the server is not accepted")
	errUnreachable   = errors.New("the server does not answer")
	errAnswer        = errors.New("the server's answer makes no sense")
	errNoBackup      = errors.New("no such backup")
	errFolder        = errors.New("the folder cannot be read")
	errExposed       = errors.New("others can read the file")
	errForeign       = errors.New("others can change the file or the folder")
	errBroken        = errors.New("the file is damaged")
	errUnmarked      = errors.New("the lock could not be stored for other windows")
	errNoVault       = errors.New("the vault is missing or cannot be opened")
)

// A fileError is a fault of one of the agent's files, or of their folder.
type fileError struct {
	path  string
	fault error // errForeign, errExposed, errBroken or errUnmarked
}

func (e *fileError) Error() string { return e.path + ": " + e.fault.Error() }
func (e *fileError) Unwrap() error { return e.fault }

// explain returns what an error means: the exit code for a script and the text for the
// person.
func (a *agent) explain(err error) (code int, text string) {
	var wrong usageError
	var refused *refusal
	var file *fileError
	switch {
	case errors.As(err, &wrong):
		return ExitUsage, string(wrong)
	case errors.As(err, &refused):
		return a.explainRefusal(refused)
	case errors.As(err, &file):
		return ExitFailed, a.explainFile(file)
	}
	for _, known := range []struct {
		err  error
		code int
		text string
	}{
		{errAnswer, ExitFailed, "answer"}, // comes first, because it may be joined with an error that follows
		{errSignedOut, ExitSignedOut, "signedOut"},
		{errSignedIn, ExitFailed, "signedIn"},
		{errElsewhere, ExitLocked, "lockedElsewhere"},
		{errLeft, ExitSignedOut, "leftElsewhere"},
		{errIdle, ExitLocked, "lockedIdle"},
		{errLocked, ExitLocked, "locked"},
		{applock.ErrLocked, ExitLocked, "locked"},
		{errNoVault, ExitSignedOut, "vaultBroken"},
		{applock.ErrValue, ExitSignedOut, "vaultBroken"},
		{applock.ErrVault, ExitSignedOut, "vaultBroken"},
		{errNotRegistered, ExitNotRegistered, "notRegistered"},
		{errServer, ExitUsage, "server"},
		{errUnreachable, ExitFailed, "unreachable"},
		{errNoBackup, ExitFailed, "noBackup"},
		{errFolder, ExitFailed, "folder"},
		{io.EOF, ExitFailed, "aborted"},
		{context.Canceled, ExitFailed, "aborted"},
	} {
		if errors.Is(err, known.err) {
			return known.code, a.text(known.text)
		}
	}
	return ExitFailed, a.text("fault")
}

// explainFile returns the text about a file that the agent does not use, with its name and
// the commands that help: a person replaces a session, and an administrator replaces the
// key of the machine.
func (a *agent) explainFile(e *fileError) string {
	key := filepath.Base(e.path) == machineFile
	switch {
	case errors.Is(e, errForeign):
		return a.text("foreign", "File", e.path)
	case errors.Is(e, errUnmarked):
		return a.text("unmarked", "File", e.path)
	case errors.Is(e, errExposed) && key:
		return a.text("exposedKey", "File", e.path)
	case errors.Is(e, errExposed):
		return a.text("exposed", "File", e.path)
	case key:
		return a.text("brokenKey", "File", e.path)
	}
	return a.text("broken", "File", e.path)
}

// explainRefusal does the same for a refusal by the server.
func (a *agent) explainRefusal(e *refusal) (code int, text string) {
	switch e.Word {
	case "wait":
		return ExitWait, a.textWait(e.Until, e.Pair, a.Now())
	case "locked":
		return ExitLocked, a.text("locked")
	case "signed_out":
		return ExitSignedOut, a.text("sessionOver")
	case "wrong_key", "not_a_machine":
		return ExitNotRegistered, a.text("keyEnded")
	case "not_found":
		return ExitFailed, a.text("notFound")
	case "unavailable":
		return ExitFailed, a.text("unavailable")
	}
	if text, err := a.words.Find("refused." + e.Word); err == nil {
		return ExitRefused, text
	}
	return ExitFailed, a.text("fault")
}
