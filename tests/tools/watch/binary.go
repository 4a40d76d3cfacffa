package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runBinary runs a test binary, passes on its output, and ends it if one of its tests
// takes longer than each.
func runBinary(each time.Duration, args []string) error {
	r := newRunning(time.Now())
	out := &reader{to: os.Stdout, running: r}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, out
	cmd.WaitDelay = time.Minute // for programs that a test has started and not ended
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(min(time.Second, each/4))
	defer look.Stop()
	quit := false
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended
		case <-look.C:
			name, late := r.late(time.Now(), each)
			if !late || quit {
				continue
			}
			quit = true
			out.say("\nwatch: %s has been running for more than %s. What it waits for:\n\n", name, each)
			_ = cmd.Process.Signal(syscall.SIGQUIT) // Go prints the stacks of all goroutines, and exits
			time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		}
	}
}

// A reader passes on the output of a test binary and notes in running which of its tests
// begin and end. "go test -json" makes the binary put a mark before each line that says
// so.
type reader struct {
	to      io.Writer
	running *running

	mu   sync.Mutex
	line strings.Builder // of a mark, as far as it has arrived
	in   bool            // within a line of a mark
}

const mark = '\x16'

// Write implements [io.Writer].
func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range b {
		switch {
		case c == mark:
			r.line.Reset()
			r.in = true
		case c == '\n' && r.in:
			r.in = false
			r.running.note(r.line.String(), time.Now())
		case r.in:
			r.line.WriteByte(c)
		}
	}
	return r.to.Write(b)
}

// say writes a line of its own.
func (r *reader) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.to, format, args...)
}
