package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/applock"
)

// A System is what the agent runs on.
type System struct {
	In       io.Reader
	Out, Err io.Writer

	// Raw takes the terminal over for a question, when In is one; nil when it is
	// not, and answers come one a line.
	Raw func() (width int, restore func(), err error)

	// Size is that of the terminal that Out is, in characters; nil when it is not known.
	Size func() (width, height int, err error)

	// Mine reports whether a file belongs to the user that the agent runs as; nil: the
	// system knows.
	Mine func(fs.FileInfo) bool

	OutTerminal bool   // Out is a terminal
	Folder      string // of the agent's files
	Host        string // the name of this machine
	Keyring     Keyring
	Now         func() time.Time
	Getenv      func(string) string
}

// The exit codes.
const (
	ExitDone          = 0
	ExitFailed        = 1 // the server cannot be reached, or a fault
	ExitUsage         = 2
	ExitRefused       = 3 // a wrong password or code, or it is not allowed
	ExitLocked        = 4 // it takes password and code, and nobody was there to type them
	ExitSignedOut     = 5 // nobody is signed in, or the session is over
	ExitWait          = 6 // too many wrong codes
	ExitNotRegistered = 7 // this machine has no key, or its key has ended
)

// An agent is one run.
type agent struct {
	*asker
	server string // of the command line; otherwise the account's
	files  files

	account *account       // the person who is signed in; nil when nobody is
	vault   *applock.Vault // of the account, locked or open
	opened  bool           // it is open
	mark    string         // of the last lock before it was opened, or before this command
}

// A command is one of the agent's.
type command struct {
	args  string // that it takes, for the usage
	least int    // how many of them it needs
	most  int
	run   func(a *agent, ctx context.Context, args []string) error
}

// commands are those of the command line and of the shell.
func commands() map[string]command {
	return map[string]command{
		"signin":   {"", 0, 0, (*agent).signIn},
		"status":   {"[--json]", 0, 1, (*agent).status},
		"list":     {"", 0, 0, (*agent).list},
		"setup":    {"", 0, 0, (*agent).setUp},
		"register": {"[MACHINE]", 0, 1, (*agent).register},
		"run":      {"[FOLDER]", 0, 1, (*agent).job},
		"delete":   {"ID", 1, 1, (*agent).delete},
		"lock":     {"", 0, 0, (*agent).lock},
		"unlock":   {"", 0, 0, (*agent).unlock},
		"signout":  {"", 0, 0, (*agent).signOut},
		"shell":    {"", 0, 0, (*agent).shell},
	}
}

// order is how the usage lists them.
var order = []string{"signin", "status", "list", "setup", "register", "run", "delete", "lock", "unlock", "signout", "shell"}

// Run runs one command, and returns the exit code. Failures are one line on Err.
func Run(ctx context.Context, args []string, s System) int {
	if s.Mine == nil {
		s.Mine = mine
	}
	a := &agent{asker: newAsker(s), files: files{s.Folder, s.Keyring, s.Mine}}
	a.watch = func() error { return a.locked(ctx) }
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.server, "server", s.Getenv("AGENT_SERVER"), "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && (flags.NArg() == 0 || flags.Arg(0) == "help"):
		fmt.Fprint(s.Out, a.usage(commands()))
		return ExitDone
	case err != nil:
		return a.fail(usageError(a.text("options")))
	}
	defer a.close(ctx)
	err = a.do(ctx, flags.Args())
	if err == nil && flags.Arg(0) == "unlock" { // the agent is open as long as it runs
		err = a.shell(ctx, nil)
	}
	return a.fail(err)
}

// do runs a command by its name.
func (a *agent) do(ctx context.Context, args []string) error {
	c, ok := commands()[args[0]]
	switch n := len(args) - 1; {
	case !ok:
		return usageError(a.text("unknownCommand", "Name", strconv.Quote(args[0])))
	case n < c.least || n > c.most:
		return usageError(a.textUsageOf(args[0], c.args))
	}
	if !a.opened {
		a.mark = a.files.mark()
	}
	return c.run(a, ctx, args[1:])
}

// fail says what went wrong, in one line, and returns the exit code.
func (a *agent) fail(err error) int {
	var said *exit
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &said):
		return said.code
	}
	code, text := a.explain(err)
	a.note(a.text("failure", "What", text))
	return code
}

// say prints a result; note prints what is beside it. At a terminal no word is broken.
func (a *agent) say(text string)  { fmt.Fprintln(a.Out, wrap(text, a.width(a.OutTerminal))) }
func (a *agent) note(text string) { fmt.Fprintln(a.Err, wrap(text, a.width(a.person()))) }

// width is how many characters a line of the terminal has; 0 when there is no limit.
func (a *agent) width(terminal bool) int {
	if !terminal || a.Size == nil {
		return 0
	}
	width, _, err := a.Size()
	if err != nil {
		return 0
	}
	return width
}

// wipe clears the screen, and what has scrolled off it: a QR code, recovery codes, a list.
func (a *agent) wipe() {
	if a.person() && a.OutTerminal && a.Getenv("TERM") != "dumb" {
		fmt.Fprint(a.Out, "\x1b[H\x1b[2J\x1b[3J")
	}
}
