package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/totpflow/totpflow/applock"
)

// A System is the environment that the agent runs in.
type System struct {
	In       io.Reader
	Out, Err io.Writer

	// Raw takes over the terminal for a question. It is nil if In is not a terminal; then
	// each answer is one line of the input.
	Raw func() (width int, restore func(), err error)

	// Size returns the size of the terminal Out in characters. It is nil if the size is
	// not known.
	Size func() (width, height int, err error)

	// Mine reports whether a file belongs to the user that the agent runs as. If it is
	// nil, the agent asks the system.
	Mine func(fs.FileInfo) bool

	OutTerminal bool   // Out is a terminal
	Folder      string // the folder of the agent's files
	Host        string // the name of this machine
	Keyring     Keyring
	Now         func() time.Time
	Getenv      func(string) string
}

// The exit codes.
const (
	ExitDone          = 0
	ExitFailed        = 1 // the server cannot be reached, or there is a fault
	ExitUsage         = 2
	ExitRefused       = 3 // a wrong password or code, or not allowed
	ExitLocked        = 4 // password and code are required, and nobody was there to type them
	ExitSignedOut     = 5 // nobody is signed in, or the session has ended
	ExitWait          = 6 // too many wrong codes
	ExitNotRegistered = 7 // this machine has no valid key
)

// An agent is one run of the program.
type agent struct {
	*asker
	server string // from the command line; if empty, the account's
	files  files

	account *account       // the person who is signed in, or nil
	vault   *applock.Vault // the account's vault, locked or open
	opened  bool           // whether the vault is open
	mark    string         // the mark of the last lock before the vault was opened, or before this command
	methods []string       // the ways to answer with a code, as the last sign-in of this run named them
	inside  bool           // in the shell, whose commands have no "agent" in front
}

// A command is one of the agent's commands.
type command struct {
	args  string // its arguments, for the usage
	least int    // how many arguments it requires
	most  int
	run   func(a *agent, ctx context.Context, args []string) error
}

// commands returns the commands of the command line and of the shell.
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

// order is the order in which the usage lists the commands.
var order = []string{"signin", "status", "list", "setup", "register", "run", "delete", "lock", "unlock", "signout", "shell"}

// Run runs one command and returns the exit code. It reports a failure in one line on
// Err.
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
	if err == nil && flags.Arg(0) == "unlock" { // the agent stays unlocked only while it runs
		err = a.shell(ctx, nil)
	}
	return a.fail(err)
}

// do runs a command by its name.
func (a *agent) do(ctx context.Context, args []string) error {
	c, ok := commands()[args[0]]
	switch n := len(args) - 1; {
	case !ok && a.inside: // the word may be a password or a code, so it is not repeated
		return usageError(a.text("unknownHere"))
	case !ok:
		return usageError(a.text("unknownCommand", "Name", args[0]))
	case n < c.least || n > c.most:
		return usageError(a.textUsageOf(args[0], c.args))
	}
	if !a.opened { // another window may have signed out, or somebody else in
		a.mark = a.files.mark()
		a.account, a.vault = nil, nil
	}
	return c.run(a, ctx, args[1:])
}

// fail prints what went wrong, in one line, and returns the exit code.
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

// say prints a result; note prints everything that is not a result. On a terminal, both
// break lines between words.
func (a *agent) say(text string)  { fmt.Fprintln(a.Out, wrap(text, a.width(a.OutTerminal))) }
func (a *agent) note(text string) { fmt.Fprintln(a.Err, wrap(a.here(text), a.width(a.person()))) }

// correct says what is wrong with an answer before the question is asked again. The texts
// begin in lower case because the failure line puts the program's name in front of them.
func (a *agent) correct(text string) {
	first, n := utf8.DecodeRuneInString(text)
	a.note(string(unicode.ToUpper(first)) + text[n:] + ".")
}

// width returns how many characters fit on a line of the terminal, or 0 for no limit.
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

// wipe clears the screen and everything that has scrolled off it: a QR code, recovery codes, a list.
func (a *agent) wipe() {
	if a.person() && a.OutTerminal && a.Getenv("TERM") != "dumb" {
		fmt.Fprint(a.Out, "\x1b[H\x1b[2J\x1b[3J")
	}
}
