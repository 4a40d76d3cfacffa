//go:build unix

package main_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A signal ends a command that reads from a pipe whose other side is silent.
func TestSignalWhileReading(t *testing.T) {
	s := newServer(t, 0)
	fifo := filepath.Join(s.dir, "secrets.csv")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for _, c := range []struct {
		signal os.Signal
		path   string
	}{
		{os.Interrupt, "-"},
		{syscall.SIGTERM, "-"},
		{os.Interrupt, fifo},
	} {
		t.Run(c.signal.String()+" "+filepath.Base(c.path), func(t *testing.T) {
			cmd := s.command("import", c.path, "--reason", "x", "--yes")
			var out, err bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &err
			var in io.WriteCloser
			var failed error
			if c.path == "-" {
				in, failed = cmd.StdinPipe()
			} else {
				in, failed = os.OpenFile(fifo, os.O_RDWR, 0)
			}
			require.NoError(t, failed)
			defer in.Close()
			require.NoError(t, cmd.Start())
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
			// More than fits into a pipe: when it has been written, the command is
			// reading, and handles a signal.
			_, failed = io.WriteString(in, strings.Repeat("user,secret\n", 100_000))
			require.NoError(t, failed)
			require.NoError(t, cmd.Process.Signal(c.signal))
			_ = cmd.Wait()
			require.Equal(t, 130, cmd.ProcessState.ExitCode(), out.String()+err.String())
			require.Contains(t, err.String(), "nothing was changed")
		})
	}
}

// The command does not report success if its only message about it is lost.
func TestFullDevice(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("this system has no " + full)
	}
	s := newServer(t, 3)
	for _, user := range []string{"user-00001", "user-00002"} { // a reset has something to end
		require.Zero(t, s.run(t, "", "exempt", user, "--tenant", "acme", "--name", "fs01", "--reason", "x", "--yes").code)
	}
	for _, c := range []struct {
		name   string
		lost   string // stdout, stderr
		args   []string
		reason string
	}{
		{"the event of an erasure", "stderr", []string{"forget", "user-00000", "--tenant", "acme", "--reason", "x", "--yes"}, ""},
		{"the result of a reset", "stdout", []string{"reset", "user-00001", "--tenant", "acme", "--reason", "x", "--yes"}, "could not be written"},
		{"a list", "stdout", []string{"list"}, "no space left"},
		{"a list for programs", "stdout", []string{"list", "--json"}, "no space left"},
		{"a spreadsheet", "stdout", []string{"list", "--csv"}, "no space left"},
		{"what is kept of a person", "stdout", []string{"export", "user-00002", "--tenant", "acme"}, "no space left"},
		{"how an account stands", "stdout", []string{"status", "user-00002", "--tenant", "acme"}, "no space left"},
		{"a policy", "stdout", []string{"policy", "get", "--tenant", "acme"}, "no space left"},
		{"the event of a policy", "stderr", []string{"policy", "set", "--tenant", "acme", "--mode", "required", "--reason", "x", "--yes"}, ""},
		{"the keys", "stdout", []string{"keys", "check"}, "no space left"},
		{"a reset of several", "stdout", []string{"reset", "user-00001", "user-00002", "--tenant", "acme", "--reason", "x", "--yes"}, "could not be written"},
		{"tidying", "stdout", []string{"tidy", "--reason", "x", "--yes"}, "could not be written"},
		{"the help", "stdout", []string{"list", "--help"}, "could not be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			device, failed := os.OpenFile(full, os.O_WRONLY, 0)
			require.NoError(t, failed)
			defer device.Close()
			cmd := s.command(c.args...)
			var text bytes.Buffer
			cmd.Stdout, cmd.Stderr = device, &text
			if c.lost == "stderr" {
				cmd.Stdout, cmd.Stderr = &text, device
			}
			_ = cmd.Run()
			require.Equal(t, 1, cmd.ProcessState.ExitCode(), text.String())
			require.Contains(t, text.String(), c.reason)
		})
	}
	// Both changes took place.
	require.Equal(t, 3, s.run(t, "", "status", "user-00000", "--tenant", "acme").code)
}
