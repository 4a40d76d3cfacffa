package command

import (
	"errors"
	"io"

	"golang.org/x/term"
)

// A keyboard hands over what is typed, and lets go when a question is over: the read that is
// under way then answers the next question. Its methods are for one goroutine at a time.
type keyboard struct {
	in   io.Reader
	busy bool        // a read is under way
	got  chan stroke // what it has brought
	over chan struct{}
	rest []byte
}

// A stroke is what one read has brought.
type stroke struct {
	text []byte
	err  error
}

// errOver ends the reading of an answer that nobody waits for any more.
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

// forget drops what was typed ahead.
func (k *keyboard) forget() {
	clear(k.rest)
	k.rest = nil
}

// A history has the lines that were typed at the shell's prompt, the newest first, for the
// arrow keys. A password or a code may be among them, typed at the wrong prompt, so that
// locking clears it.
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

// none is the history of a question: the answer, which may be a recovery code, is in none.
type none struct{}

// Add implements term.History.
func (none) Add(string) {}

// Len implements term.History.
func (none) Len() int { return 0 }

// At implements term.History.
func (none) At(int) string { return "" }

var _, _ term.History = (*history)(nil), none{}
