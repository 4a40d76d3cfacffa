// Command agent is a small backup agent for the terminal, to try out and to copy from.
// It signs in to the console of the examples with password and code, locks, asks for a
// code before it deletes a backup, and runs an unattended job.
//
//	go run ./examples/console &
//	go run ./examples/agent signin
//
// The agent itself is in package command, next to this file, which connects it to the
// terminal and to the system's keyring.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zalando/go-keyring"
	"golang.org/x/term"

	"github.com/totpflow/totpflow/examples/agent/command"
	"github.com/totpflow/totpflow/examples/internal/words"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder := os.Getenv("AGENT_HOME")
	if folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			return command.ExitFailed
		}
		folder = filepath.Join(config, "acme-backup-agent")
	}
	host, err := os.Hostname()
	if err != nil {
		host = words.OfEnvironment(os.Getenv).Say("agent.host")
	}
	s := command.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Folder: folder, Host: host, Now: time.Now, Getenv: os.Getenv,
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
	}
	if s.OutTerminal {
		s.Size = func() (width, height int, err error) { return term.GetSize(int(os.Stdout.Fd())) }
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		s.Raw = raw
	}
	if os.Getenv("AGENT_KEYRING") != "none" {
		s.Keyring = system{}
	}
	return command.Run(ctx, os.Args[1:], s)
}

// raw makes the terminal hand over keys as they are typed, and not show them.
func raw() (width int, restore func(), err error) {
	fd := int(os.Stdin.Fd())
	if width, _, err = term.GetSize(fd); err != nil {
		width = 80
	}
	before, err := term.MakeRaw(fd)
	return width, func() { _ = term.Restore(fd, before) }, err
}

// system is the keyring of the desktop, if there is one.
type system struct{}

const (
	service  = "acme-backup-agent"
	patience = 20 * time.Second // the person may have to unlock it first
)

var errSilent = errors.New("the keyring does not answer")

// Get implements command.Keyring.
func (system) Get(name string) (string, error) {
	var secret string
	err := soon(func() (err error) { secret, err = keyring.Get(service, name); return err })
	if err != nil { // a keyring that did not answer in time may still write to secret
		return "", err
	}
	return secret, nil
}

// Set implements command.Keyring.
func (system) Set(name, secret string) error {
	return soon(func() error { return keyring.Set(service, name, secret) })
}

// Delete implements command.Keyring.
func (system) Delete(name string) error {
	err := soon(func() error { return keyring.Delete(service, name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// soon gives up on a keyring that hangs, as a keyring without a desktop may.
func soon(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return errSilent
	}
}
