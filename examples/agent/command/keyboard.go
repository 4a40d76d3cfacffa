package command

import (
	"errors"
	"io"

	"golang.org/x/term"
)

// A keyboard hands over what is typed. When a question ends, the read that is under way
// stays, and answers the next question. The methods are for one goroutine at a time.
type keyboard struct {
	in   io.Reader
	busy bool        // a read is under way
	got  chan stroke // the result of the read
	over chan struct{}
	rest []byte
}

// A stroke is the result of one read.
type stroke struct {
	text []byte
	err  error
}

// errOver ends the reading of an answer to a question that is over.
var errOver = errors.New("the question is over")

func newKeyboard(in io.Reader) *keyboard {
	return &keyboard{in: in, got: make(chan stroke, 1), over: make(chan struct{})}
}

// next begins a question, and returns the function that ends it.
func (k *keyboard) next() (end func()) {
	over := make(chan struct{})
	k.over = over
	return func() { close(over) }
}

// Read implements io.Reader.
func (k *keyboard) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		if !k.busy {
			k.busy = true
			go func() {
				text := make([]byte, 256)
				n, err := k.in.Read(text)
				k.got <- stroke{text[:n], err}
			}()
		}
		select {
		case s := <-k.got:
			k.busy = false
			if k.rest = s.text; len(k.rest) == 0 {
				return 0, s.err
			}
		case <-k.over:
			return 0, errOver
		}
	}
	n := copy(p, k.rest)
	clear(k.rest[:n])
	k.rest = k.rest[n:]
	return n, nil
}

// forget drops input that was typed ahead.
func (k *keyboard) forget() {
	clear(k.rest)
	k.rest = nil
}

// A history holds the lines that were typed at the shell's prompt, newest first, for the
// arrow keys. A password or a code may be typed at the wrong prompt, so locking clears the
// history, and it keeps nothing while the agent is locked and no line that is not a command.
type history struct{ lines []string }

const maxHistory = 100

// Add implements term.History.
func (h *history) Add(line string) {
	h.lines = append([]string{line}, h.lines...)
	h.lines = h.lines[:min(len(h.lines), maxHistory)]
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History.
func (h *history) At(i int) string { return h.lines[i] }

func (h *history) clear() { h.lines = nil }

// drop removes the newest line.
func (h *history) drop() { h.lines = h.lines[min(1, len(h.lines)):] }

// none is the history of a question. It keeps nothing, because the answer may be a
// recovery code.
type none struct{}

// Add implements term.History.
func (none) Add(string) {}

// Len implements term.History.
func (none) Len() int { return 0 }

// At implements term.History.
func (none) At(int) string { return "" }

var _, _ term.History = (*history)(nil), none{}
