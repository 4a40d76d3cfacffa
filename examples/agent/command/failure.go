package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/totpflow/totpflow/applock"
)

// A usageError is a command line that makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// An exit is a failure that has been told already.
type exit struct{ code int }

func (e *exit) Error() string { return fmt.Sprint("exit ", e.code) }

// Errors of the agent's own.
var (
	errSignedOut     = errors.New("nobody is signed in")
	errSignedIn      = errors.New("somebody is signed in already")
	errLocked        = errors.New("the agent is locked")
	errElsewhere     = errors.New("the agent was locked in another window")
	errIdle          = errors.New("the agent has locked, for nobody used it")
	errNotRegistered = errors.New("this machine has no key")
	errServer        = errors.New("the address of the server")
	errUnreachable   = errors.New("the server does not answer")
	errAnswer        = errors.New("the server's answer makes no sense")
	errNoBackup      = errors.New("no such backup")
	errFolder        = errors.New("the folder cannot be read")
	errExposed       = errors.New("the file can be read by others")
	errForeign       = errors.New("the file or the folder can be changed by others")
	errBroken        = errors.New("the file is damaged")
	errNoVault       = errors.New("there is nothing to open")
)

// explain says what an error means to the person, and to a script.
func (a *agent) explain(err error) (code int, text string) {
	var wrong usageError
	var refused *refusal
	switch {
	case errors.As(err, &wrong):
		return ExitUsage, string(wrong)
	case errors.As(err, &refused):
		return a.explainRefusal(refused)
	}
	for _, known := range []struct {
		err  error
		code int
		text string
	}{
		// First what others come from.
		{errAnswer, ExitFailed, "answer"},
		{errForeign, ExitFailed, "foreign"},
		{errExposed, ExitFailed, "exposed"},
		{errSignedOut, ExitSignedOut, "signedOut"},
		{errSignedIn, ExitFailed, "signedIn"},
		{errElsewhere, ExitLocked, "lockedElsewhere"},
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
		{errBroken, ExitFailed, "broken"},
		{io.EOF, ExitFailed, "aborted"},
		{context.Canceled, ExitFailed, "aborted"},
	} {
		if errors.Is(err, known.err) {
			return known.code, a.text(known.text)
		}
	}
	return ExitFailed, a.text("fault")
}

// explainRefusal is explain for what the server has refused.
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
