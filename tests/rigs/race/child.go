package race

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/totpflow/totpflow/store"
)

// A Role is what a child does: it reads orders from its standard input, answers on its
// standard output, and ends when its input ends. where comes from the parent, such as a
// data source name.
type Role func(where string) error

// An Opener opens the store in this process.
type Opener func(where string) (s store.Store, shut func() error, err error)

const roleVariable, whereVariable = "TOTPFLOW_ROLE", "TOTPFLOW_WHERE"

// Main plays the role and ends the process, if this process is a child.
func Main(roles map[string]Role) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	role, ok := roles[name]
	if !ok {
		role = func(string) error { return errors.New("no such role") }
	}
	if err := role(os.Getenv(whereVariable)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// With opens the store around a role.
func With(open Opener, role func(s store.Store) error) Role {
	return func(where string) error {
		s, shut, err := open(where)
		if err != nil {
			return err
		}
		return errors.Join(role(s), shut())
	}
}

// A Child is this binary in another role, as a process of its own.
type Child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// Start starts a child.
func Start(role, where string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, whereVariable+"="+where)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, longest)
	return &Child{cmd, in, lines}, nil
}

// Order writes a line to the child.
func (c *Child) Order(words ...any) error {
	_, err := fmt.Fprintln(c.in, words...)
	return err
}

// Answer reads a line from the child; false if there are no more.
func (c *Child) Answer() (string, bool) {
	if !c.out.Scan() {
		return "", false
	}
	return c.out.Text(), true
}

// End closes the child's input and returns the error of its end.
func (c *Child) End() error { return errors.Join(c.in.Close(), c.cmd.Wait()) }

// Kill ends the child by SIGKILL; its last lines can still be read.
func (c *Child) Kill() error { return c.cmd.Process.Kill() }

// Together starts children that play role, tells all of them to start, and waits until
// they have ended. The role begins with [AtOnce].
func Together(role, where string, n int) error {
	children, err := StartAll(role, where, n)
	for _, c := range children {
		err = errors.Join(err, c.Order("go"))
	}
	return errors.Join(err, children.End())
}

// AtOnce waits for the word of [Together] and runs f n times at once.
func AtOnce(n int, f func() error) error {
	var word string
	if _, err := fmt.Scan(&word); err != nil {
		return err
	}
	faults := make([]error, n)
	Hands(n, func(i int) { faults[i] = f() })
	return errors.Join(faults...)
}
