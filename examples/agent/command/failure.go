package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	errNotRegistered = errors.New("this machine has no key")
	errServer        = errors.New("the address of the server")
	errUnreachable   = errors.New("the server does not answer")
	errAnswer        = errors.New("the server's answer makes no sense")
	errNoBackup      = errors.New("no such backup")
	errFolder        = errors.New("the folder cannot be read")
	errExposed       = errors.New("the file can be read by others")
	errBroken        = errors.New("the file is damaged")
	errNoVault       = errors.New("there is nothing to open")
)

// explain says what an error means to the person, and to a script.
func explain(err error, now time.Time) (code int, text string) {
	var wrong usageError
	var refused *refusal
	switch {
	case errors.As(err, &wrong):
		return ExitUsage, string(wrong)
	case errors.As(err, &refused):
		return explainRefusal(refused, now)
	}
	for _, known := range []struct {
		err  error
		code int
		text string
	}{
		{errSignedOut, ExitSignedOut, textSignedOut},
		{errSignedIn, ExitFailed, textSignedIn},
		{errLocked, ExitLocked, textLocked},
		{applock.ErrLocked, ExitLocked, textLocked},
		{errNoVault, ExitSignedOut, textVaultBroken},
		{applock.ErrValue, ExitSignedOut, textVaultBroken},
		{applock.ErrVault, ExitSignedOut, textVaultBroken},
		{errNotRegistered, ExitNotRegistered, textNotRegistered},
		{errServer, ExitUsage, textServer},
		{errUnreachable, ExitFailed, textUnreachable},
		{errAnswer, ExitFailed, textAnswer},
		{errNoBackup, ExitFailed, textNoBackup},
		{errFolder, ExitFailed, textFolder},
		{errExposed, ExitFailed, textExposed},
		{errBroken, ExitFailed, textBroken},
		{io.EOF, ExitFailed, textAborted},
		{context.Canceled, ExitFailed, textAborted},
	} {
		if errors.Is(err, known.err) {
			return known.code, known.text
		}
	}
	return ExitFailed, textFault
}

// explainRefusal is explain for what the server has refused.
func explainRefusal(e *refusal, now time.Time) (code int, text string) {
	switch e.Word {
	case "wait":
		return ExitWait, textWait(e.Until, e.Pair, now)
	case "signed_out":
		return ExitSignedOut, textSessionOver
	case "wrong_key", "not_a_machine":
		return ExitNotRegistered, textKeyEnded
	case "not_found":
		return ExitFailed, textNotFound
	case "unavailable":
		return ExitFailed, textUnavailable
	}
	if text, ok := refusals[e.Word]; ok {
		return ExitRefused, text
	}
	return ExitFailed, textFault
}
