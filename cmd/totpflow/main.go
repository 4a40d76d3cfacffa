// Command totpflow is the tool of operators on the server of a product that uses
// totpflow: to look at accounts, to help people who are locked out, to rotate keys, to
// import from another system, and to make a restored database safe.
//
//	go install github.com/totpflow/totpflow/cmd/totpflow@latest
//	totpflow --help
//
// docs/operations.md of the repository goes through every task.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/command"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Run(ctx, os.Args[1:], screen.Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal: terminal(os.Stdin), OutTerminal: terminal(os.Stdout), ErrTerminal: terminal(os.Stderr),
	}, os.Getenv)
	stop()
	os.Exit(code)
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
