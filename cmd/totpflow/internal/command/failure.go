package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
)

// The exit codes. They are documented, and do not change.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2   // the command line, or a reason that is missing
	exitNotFound    = 3   // an account, a browser, a key of this name
	exitRefused     = 4   // some of many were refused; the others are done
	exitUnreadable  = 5   // a record does not open
	exitInterrupted = 130 // ended by a signal, as a shell reports it
)

type (
	usageError  struct{ error }
	notFound    struct{ error }
	refused     struct{ error }
	unreadable  struct{ error }
	interrupted struct{ error }
)

func (e usageError) Unwrap() error  { return e.error }
func (e notFound) Unwrap() error    { return e.error }
func (e refused) Unwrap() error     { return e.error }
func (e unreadable) Unwrap() error  { return e.error }
func (e interrupted) Unwrap() error { return e.error }

// A nothingError means that a change would do nothing.
type nothingError string

func (e nothingError) Error() string { return string(e) }

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case as[interrupted](err):
		return exitInterrupted
	case as[usageError](err):
		return exitUsage
	case as[notFound](err):
		return exitNotFound
	case as[refused](err):
		return exitRefused
	case as[unreadable](err):
		return exitUnreadable
	}
	return exitFailed
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// oneLine returns the error as it is shown: one line, without characters that could repaint
// the terminal.
func oneLine(err error) string {
	return screen.Clean(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// misspelt puts the commands that may have been meant, which cobra lists one
// below the other, into one line.
func misspelt(err error) error {
	what, meant, ok := strings.Cut(err.Error(), "\n\nDid you mean this?\n")
	if !ok {
		return err
	}
	return fmt.Errorf("%s; did you mean %s?", what, strings.Join(strings.Fields(meant), " or "))
}

// explain replaces the library's words with advice for the operator, where it has any.
func explain(id store.AccountID, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrNoAccount):
		return notFound{fmt.Errorf("%s: the account was not found; check the id and --tenant", label(id))}
	case errors.Is(err, totpflow.ErrNoBrowser):
		return notFound{fmt.Errorf("%s: no trusted browser has this id; totpflow status lists them", label(id))}
	case errors.Is(err, enroll.ErrUnknown):
		return notFound{fmt.Errorf("%s: no authenticator with this id is kept; totpflow status lists them", label(id))}
	case errors.Is(err, admin.ErrNoRequest):
		return notFound{errors.New("no such request is pending; totpflow policy get lists them")}
	case errors.Is(err, admin.ErrNoGrace):
		return fmt.Errorf("%s: more time would change nothing: the account has a second factor, was reset, or is a machine's; totpflow status says which", label(id))
	case errors.Is(err, totpflow.ErrFrozen):
		return fmt.Errorf("%s: the account is frozen; reset it first, to remove everything that a thief may have set up", label(id))
	case errors.Is(err, totpflow.ErrNotEnrolled):
		return fmt.Errorf("%s: there is no second factor that a code could replace, so no code is needed", label(id))
	case errors.Is(err, totpflow.ErrPasswordRecent):
		return fmt.Errorf("%s: the password was changed within the last 24 hours; anyone who changed it by mail might read the code too", label(id))
	case errors.Is(err, totpflow.ErrNotExempt):
		return fmt.Errorf("%s: this is not a machine account", label(id))
	case errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("the database failed: %w", err)
	case sealed(err):
		return unreadable{fmt.Errorf("%s: the record does not open with these keys; totpflow keys check has details: %w", label(id), err)}
	}
	return fmt.Errorf("%s: %w", label(id), err)
}

// explainChange is explain for a call that changes the account: where the database has
// failed, it says whether it is certain that nothing was changed.
func explainChange(id store.AccountID, err error) error {
	switch {
	case errors.Is(err, store.ErrNotWritten):
		return fmt.Errorf("the database failed, and nothing was changed: %w", err)
	case errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("the database failed, and the change may or may not have taken place: %w", err)
	}
	return explain(id, err)
}
