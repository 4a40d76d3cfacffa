package terminal

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// patience is how long a text may take to appear, on a machine that is busy with other
// tests.
const patience = time.Minute

// script runs a program and prints how it has ended. It stays afterwards: when a window
// closes with its program, the program's last output is lost.
const script = `"$@"; echo "ended with $?"; exec sleep 600`

var ended = regexp.MustCompile(`(?m)^ended with (\d+)`)

// A Terminal is a window with a program in it. Its methods are for one
// goroutine.
type Terminal struct{ dir string }

// Start opens a window of this size, in characters, and runs a program in it, with these
// variables in addition to the environment of the test.
func Start(width, height int, environment []string, program ...string) (*Terminal, error) {
	if _, err := exec.LookPath("tmux"); err != nil {
		return nil, fmt.Errorf("tmux is missing: install the Debian package tmux: %w", err)
	}
	dir, err := os.MkdirTemp("", "term") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	t := &Terminal{dir}
	args := []string{"new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height)}
	for _, one := range environment {
		args = append(args, "-e", one)
	}
	args = append(args, "--", "sh", "-c", script, "sh")
	if _, err := t.tmux(append(args, program...)...); err != nil {
		return nil, fmt.Errorf("%w; %w", err, t.Close())
	}
	return t, nil
}

// tmux sends a command to the window's server.
func (t *Terminal) tmux(args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("tmux", append([]string{"-u", "-S", filepath.Join(t.dir, "socket"), "-f", "/dev/null"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, &stderr)
	}
	return stdout.String(), nil
}

// Close ends the program and the window.
func (t *Terminal) Close() error {
	_, _ = t.tmux("kill-server") // it may have ended by itself
	return os.RemoveAll(t.dir)
}

// Type types a text literally.
func (t *Terminal) Type(text string) error {
	_, err := t.tmux("send-keys", "-l", "--", text)
	return err
}

// Press presses keys by their names, such as "Enter" and "C-c".
func (t *Terminal) Press(keys ...string) error {
	_, err := t.tmux(append([]string{"send-keys", "--"}, keys...)...)
	return err
}

// Screen returns what the window shows.
func (t *Terminal) Screen() (Screen, error) {
	text, err := t.tmux("capture-pane", "-p", "-e", "-N")
	return Screen(strings.Split(text, "\n")), err
}

// Sees waits until the window shows the words, and returns the screen at that moment.
func (t *Terminal) Sees(words string) (Screen, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		shown, err := t.Screen()
		if err != nil || strings.Contains(shown.Text(), words) {
			return shown, err
		}
		if time.Now().After(deadline) {
			return shown, fmt.Errorf("%q is not on the screen:\n%s", words, shown.Text())
		}
	}
}

// Ends waits until the program has ended, and returns its exit code.
func (t *Terminal) Ends() (code int, err error) {
	shown, err := t.Sees("ended with ")
	if err != nil {
		return 0, err
	}
	said := ended.FindStringSubmatch(shown.Text())
	if said == nil {
		return 0, fmt.Errorf("no exit code on the screen:\n%s", shown.Text())
	}
	return strconv.Atoi(said[1])
}
